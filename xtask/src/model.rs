//! The model to generate: each operation with its names, types and tag, and each type with its module.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};

use crate::document::{Document, Kind, ListStyle, Location, Method, Object, Operation, Schema};
use crate::exceptions::Exceptions;
use crate::jobs::{self, Families, Item, Role, Sources};
use crate::names::{self, CallTypes};
use crate::notes::{Notes, Rule};
use crate::progenitor::{self, Names, RustType, Shape};
use crate::tags::{self, Decision, Tag, TagKind};

/// The bindings of a document, before they are written.
pub struct Model {
    pub groups: BTreeMap<String, Group>,
    /// Types that several groups use.
    pub common: Vec<TypeModel>,
    pub families: Families,
    /// Notes on a document that is not the pinned one.
    pub notes: Notes,
}

pub struct Group {
    /// The name of the module, the feature and the client method.
    pub name: String,
    pub operations: Vec<Bound>,
    /// Types that only this group uses.
    pub types: Vec<TypeModel>,
}

/// An operation and the facts that its binding states.
pub struct Bound {
    pub operation: Operation,
    pub tag: Decision,
    pub item_type: Option<RustType>,
    /// The result of the jobs that it submits.
    pub job: Option<JobResult>,
    /// The name of the method of the group.
    pub method: String,
    /// The name of the call type.
    pub call: String,
    pub output: Output,
    pub path: Vec<Argument>,
    pub required: Vec<Argument>,
    /// Required lists.
    pub required_each: Vec<Argument>,
    /// Required headers.
    pub required_header: Vec<Argument>,
    pub body: Option<(RustType, bool)>,
    pub query: Vec<Argument>,
    pub each: Vec<Argument>,
    pub joined: Vec<(Argument, char)>,
    pub header: Vec<Argument>,
    /// Statuses outside 2xx that are not errors.
    pub accepts: Vec<u16>,
}

/// The result of a job.
pub enum JobResult {
    /// Files, returned as bytes.
    Bytes,
    Items(RustType),
}

pub struct Argument {
    pub name: String,
    pub wire: String,
    pub kind: RustType,
    pub description: Option<String>,
}

/// The result of a call.
pub enum Output {
    /// No body: status 204, or a HEAD request.
    Nothing,
    /// Unspecified by the document.
    Undescribed,
    /// A body that is not JSON.
    Bytes,
    Value(RustType),
    /// A value or nothing, depending on the response.
    Optional(RustType),
    /// A type per status.
    ByStatus {
        name: String,
        variants: Vec<(u16, RustType)>,
    },
}

pub struct TypeModel {
    pub name: String,
    pub description: Option<String>,
    pub shape: TypeShape,
}

pub enum TypeShape {
    Record(Vec<Field>),
    /// Variants and values.
    Enum(Vec<(String, String)>),
    /// An alias of an enum with the same values.
    Alias(String),
    /// Records of several types, with a discriminator.
    Variants {
        field: String,
        variants: Vec<Variant>,
    },
}

/// One of the types of a discriminator.
pub struct Variant {
    pub name: String,
    /// The value of the discriminator.
    pub value: String,
    pub kind: RustType,
}

pub struct Field {
    pub name: String,
    pub wire: String,
    pub kind: RustType,
    pub description: Option<String>,
}

/// The operations of a document with their tags and names, without their types.
pub struct Tagged<'a> {
    pub operations: Vec<TaggedOperation<'a>>,
    pub families: Families,
    /// Notes on a document that is not the pinned one.
    pub notes: Notes,
}

pub struct TaggedOperation<'a> {
    pub operation: &'a Operation,
    pub tag: Decision,
    pub group: String,
    pub method: String,
}

impl<'a> Tagged<'a> {
    pub fn of(document: &'a Document, exceptions: &Exceptions, strict: bool) -> Result<Self> {
        let mut notes = Notes::default();
        let tags = document
            .operations
            .iter()
            .map(|operation| match exceptions.tag(document, operation) {
                // In another document, an operation without a tag is an ordinary call.
                Err(why) if !strict => {
                    notes.add(Rule::Tag, operation.at.as_str(), why.to_string());
                    Ok(tags::uncovered(document, operation))
                }
                tag => tag,
            })
            .collect::<Result<Vec<_>>>()?;
        let named: Vec<(&Operation, String, bool)> = document
            .operations
            .iter()
            .zip(&tags)
            .map(|(operation, tag)| (operation, names::group(operation), reads(operation, tag)))
            .collect();
        let methods = names::methods(&named, &exceptions.names(), strict)?;
        let families = Families::of(&Sources::new(document, &tags), exceptions.jobs(), strict)?;
        for why in &families.notes {
            notes.add(Rule::Job, "", why.as_str());
        }
        let mut tags = tags;
        for (operation, tag) in document.operations.iter().zip(&mut tags) {
            families.mark(operation, tag);
            if !tag.is_list() && tag.kind != TagKind::Job {
                tag.interval = None;
            }
        }
        let decider = tags::Decider::new(document, &tags, &families, exceptions.parents());
        if strict {
            decider.check_used()?;
        }
        let parents: Vec<_> = document
            .operations
            .iter()
            .zip(&tags)
            .map(|(operation, tag)| decider.parents(operation, tag, strict))
            .collect();
        let undecided: Vec<String> = parents
            .iter()
            .filter_map(|parents| Some(format!("{:#}", parents.as_ref().err()?)))
            .collect();
        if !undecided.is_empty() {
            anyhow::bail!("{}", undecided.join("\n"));
        }
        let parents: Vec<_> = parents.into_iter().flatten().collect();
        for (tag, parents) in tags.iter_mut().zip(parents) {
            tag.because.parents = parents.iter().map(|found| found.rule).collect();
            tag.tag.parents = parents.into_iter().map(|found| found.parent).collect();
        }
        let operations = named
            .into_iter()
            .zip(tags)
            .zip(methods)
            .map(|(((operation, group, _), tag), method)| TaggedOperation {
                operation,
                tag,
                group,
                method,
            })
            .collect();
        Ok(Self { operations, families, notes })
    }
}

impl Model {
    /// Builds the model of a flat document from the names that progenitor chose.
    pub fn new(
        document: &Document,
        progenitor: &Names,
        exceptions: &Exceptions,
        strict: bool,
    ) -> Result<Self> {
        let Tagged { operations, families, notes } = Tagged::of(document, exceptions, strict)?;
        let tags: Vec<Decision> = operations.iter().map(|it| it.tag.clone()).collect();
        let sources = Sources::new(document, &tags);
        let mut by_group: BTreeMap<String, Vec<(&Operation, Decision, String)>> = BTreeMap::new();
        for TaggedOperation { operation, tag, group, method } in operations {
            by_group.entry(group).or_default().push((operation, tag, method));
        }
        let mut groups = BTreeMap::new();
        for (name, members) in by_group {
            let types = names::call_types(&name, members.iter().map(|(operation, ..)| *operation));
            let operations = members
                .into_iter()
                .zip(types)
                .map(|((operation, tag, method), types)| {
                    let mut bound = bind(document, progenitor, operation, tag, method, types)?;
                    bound.job = job_result(&sources, progenitor, &families, operation)?;
                    Ok(bound)
                })
                .collect::<Result<_>>()?;
            let group = Group { name: name.clone(), operations, types: Vec::new() };
            groups.insert(name.clone(), group);
        }
        let mut model = Self { groups, common: Vec::new(), families, notes };
        model.place_types(document, progenitor)?;
        Ok(model)
    }

    /// The operations of all groups.
    pub fn operations(&self) -> impl Iterator<Item = (&Group, &Bound)> {
        self.groups
            .values()
            .flat_map(|group| group.operations.iter().map(move |operation| (group, operation)))
    }

    /// An operation and its tag, by operationId.
    pub fn operation(&self, id: &str) -> Result<(&Operation, &Decision)> {
        let found = self.operations().find(|(_, bound)| bound.operation.id == id);
        let (_, bound) = found.with_context(|| format!("no operation `{id}`"))?;
        Ok((&bound.operation, &bound.tag))
    }

    /// Moves each type to its module: the only group that uses it, or the common types.
    fn place_types(&mut self, document: &Document, progenitor: &Names) -> Result<()> {
        let by_id: BTreeMap<&str, &Operation> =
            document.operations.iter().map(|it| (it.id.as_str(), it)).collect();
        let mut reached_by: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for group in self.groups.values() {
            let operations = group.operations.iter().map(|bound| &bound.operation);
            // The results operation of a job may be in another group.
            let results = group.operations.iter().flat_map(|bound| {
                let families = self.families.places(&bound.operation.id);
                families.filter(|(_, role)| *role == Role::Submit).flat_map(|(it, _)| it.members())
            });
            let results = results.filter_map(|(_, id)| by_id.get(id).copied());
            for definition in document.reached(operations.chain(results)) {
                reached_by.entry(definition).or_default().push(&group.name);
            }
        }
        let homes: Vec<(String, Option<String>)> = reached_by
            .into_iter()
            .map(|(definition, groups)| {
                let home = match groups[..] {
                    [only] => Some(only.to_owned()),
                    _ => None,
                };
                (definition.to_owned(), home)
            })
            .collect();
        let mut by_name: BTreeMap<String, String> = BTreeMap::new();
        for (definition, home) in homes {
            let schema = &document.definitions[&definition];
            let model = type_model(&definition, schema, progenitor)?;
            if let Some(other) = by_name.insert(model.name.clone(), definition.clone()) {
                anyhow::bail!("definitions `{other}` and `{definition}` have the same Rust name");
            }
            match home.and_then(|home| self.groups.get_mut(&home)) {
                Some(group) => group.types.push(model),
                None => self.common.push(model),
            }
        }
        self.groups.values_mut().for_each(|group| share_enums(&mut group.types));
        share_enums(&mut self.common);
        Ok(())
    }
}

/// Merges enums with the same values whose names end in the same word; all but one become aliases.
///
/// Half of the API's enums repeat a few (sort orders, states). Each use keeps its own name, so that callers see no
/// change when one of them gains a value. The enum itself gets the shortest name, which the documentation shows for
/// all.
fn share_enums(types: &mut [TypeModel]) {
    let meaning = |model: &TypeModel| match &model.shape {
        TypeShape::Enum(variants) => {
            let mut said: Vec<String> = variants.iter().map(|(_, value)| value.clone()).collect();
            said.sort();
            let last_word = model.name.rfind(|letter: char| letter.is_ascii_uppercase());
            said.push(model.name[last_word.unwrap_or_default()..].to_owned());
            Some(said)
        }
        _ => None,
    };
    let mut shortest: BTreeMap<Vec<String>, String> = BTreeMap::new();
    for model in types.iter() {
        if let Some(said) = meaning(model) {
            let name = shortest.entry(said).or_insert_with(|| model.name.clone());
            if model.name.len() < name.len() {
                name.clone_from(&model.name);
            }
        }
    }
    for model in types {
        let first = meaning(model).and_then(|said| shortest.get(&said));
        if let Some(first) = first.filter(|first| **first != model.name) {
            model.shape = TypeShape::Alias(first.clone());
        }
    }
}

/// Whether a POST only reads a list, so that its name drops the verb.
fn reads(operation: &Operation, tag: &Tag) -> bool {
    operation.method == Method::Post
        && (matches!(tag.kind, TagKind::Paged | TagKind::Job)
            || ["/query", "/search", "/jobs"].iter().any(|end| operation.path.ends_with(end)))
}

fn type_model(definition: &str, schema: &Schema, progenitor: &Names) -> Result<TypeModel> {
    let made = progenitor.definition(definition)?;
    let missing = |what: &str| format!("definition `{definition}`: progenitor left out `{what}`");
    let shape = match (&schema.kind, &made.shape) {
        (Kind::Object(Object { variants: Some(variants), .. }), Shape::Struct(members)) => {
            let fields = progenitor::variant_fields(variants);
            let stated = variants.definitions.iter().zip(progenitor::variant_names(variants));
            TypeShape::Variants {
                field: variants.property.clone(),
                variants: stated
                    .zip(fields)
                    .map(|(((value, _), name), field)| {
                        let member = members.get(&field).with_context(|| missing(value))?;
                        let kind = match &member.kind {
                            // Already boxed.
                            RustType::Boxed(inner) => (**inner).clone(),
                            kind => kind.clone(),
                        };
                        Ok(Variant { name, value: value.clone(), kind })
                    })
                    .collect::<Result<_>>()?,
            }
        }
        (Kind::Object(object), Shape::Struct(members)) => TypeShape::Record(
            object
                .properties
                .iter()
                .zip(progenitor::property_stand_ins(object))
                .map(|((wire, property), stand_in)| {
                    let member = members.get(&stand_in).with_context(|| missing(wire))?;
                    Ok(Field {
                        name: member.name.clone(),
                        wire: wire.clone(),
                        kind: member.kind.clone(),
                        description: property.description.clone(),
                    })
                })
                .collect::<Result<_>>()?,
        ),
        (Kind::Enum(values), Shape::Enum(variants)) => TypeShape::Enum(
            progenitor::value_stand_ins(values)
                .into_iter()
                .map(|(value, stand_in)| {
                    let variant = variants.get(&stand_in).with_context(|| missing(value))?;
                    Ok((variant.clone(), value.to_owned()))
                })
                .collect::<Result<_>>()?,
        ),
        _ => anyhow::bail!("definition `{definition}`: progenitor made a type of another kind"),
    };
    Ok(TypeModel { name: made.name.clone(), description: schema.description.clone(), shape })
}

fn bind(
    document: &Document,
    progenitor: &Names,
    operation: &Operation,
    tag: Decision,
    method: String,
    types: CallTypes,
) -> Result<Bound> {
    let mut bound = Bound {
        call: types.call,
        output: output(operation, progenitor, types.reply)?,
        path: Vec::new(),
        required: Vec::new(),
        required_each: Vec::new(),
        required_header: Vec::new(),
        body: None,
        query: Vec::new(),
        each: Vec::new(),
        joined: Vec::new(),
        header: Vec::new(),
        accepts: operation
            .replies
            .iter()
            .filter_map(|reply| reply.status.filter(|status| *status >= 300))
            .collect(),
        item_type: tag
            .list
            .items
            .as_deref()
            .and_then(|items| tags::item_schema(document, operation, items))
            .map(|schema| rust_type(schema, progenitor))
            .transpose()?,
        job: None,
        operation: operation.clone(),
        tag,
        method,
    };
    if let Some(body) = &operation.body {
        bound.body = Some((rust_type(&body.schema, progenitor)?, body.required));
    }
    // Path arguments are in the order of the path.
    let arguments = progenitor.arguments(operation)?;
    let mut parameters: Vec<_> = operation.parameters.iter().zip(arguments).collect();
    parameters.sort_by_key(|(parameter, _)| match parameter.location {
        Location::Path => operation.path.find(&format!("{{{}}}", parameter.name)),
        _ => Some(usize::MAX),
    });
    for (parameter, member) in parameters {
        let (kind, is_list) = match member.kind {
            RustType::List(items) => (*items, true),
            kind => (kind, false),
        };
        let argument = Argument {
            name: member.name,
            wire: parameter.name.clone(),
            kind,
            description: parameter.description.clone(),
        };
        match (parameter.location, is_list, parameter.list) {
            (Location::Path, ..) => bound.path.push(argument),
            (Location::Header, ..) if parameter.required => bound.required_header.push(argument),
            (Location::Header, ..) => bound.header.push(argument),
            (Location::Query, true, ListStyle::Repeated) if parameter.required => {
                bound.required_each.push(argument);
            }
            (Location::Query, true, ListStyle::Repeated) => bound.each.push(argument),
            (Location::Query, true, ListStyle::Joined(by)) => bound.joined.push((argument, by)),
            (Location::Query, false, _) if parameter.required => bound.required.push(argument),
            (Location::Query, false, _) => bound.query.push(argument),
        }
    }
    Ok(bound)
}

/// The result of the jobs that an operation submits, if any.
fn job_result(
    sources: &Sources<'_>,
    progenitor: &Names,
    families: &Families,
    operation: &Operation,
) -> Result<Option<JobResult>> {
    let Some((family, Role::Submit)) = families.place(&operation.id) else { return Ok(None) };
    let submit = sources.operation(&operation.id)?;
    Ok(Some(match jobs::item(sources, family, submit)? {
        Item::Bytes => JobResult::Bytes,
        Item::Any => JobResult::Items(RustType::Value),
        Item::Of(schema) => JobResult::Items(rust_type(schema, progenitor)?),
    }))
}

/// The result of a call, from the responses in the document.
fn output(operation: &Operation, progenitor: &Names, reply_type: String) -> Result<Output> {
    if operation.method == Method::Head {
        return Ok(Output::Nothing);
    }
    let mut variants: Vec<(u16, RustType)> = Vec::new();
    for reply in &operation.replies {
        if let Some(schema) = &reply.schema {
            if schema.kind == Kind::Binary {
                return Ok(Output::Bytes);
            }
            let kind = rust_type(schema, progenitor)?;
            variants.push((reply.status.unwrap_or(200), kind));
        }
    }
    let Some((_, first)) = variants.first() else {
        let promised = operation.replies.iter().all(|reply| reply.status == Some(204));
        let nothing = promised && !operation.replies.is_empty();
        return Ok(if nothing { Output::Nothing } else { Output::Undescribed });
    };
    if variants.iter().any(|(_, kind)| kind != first) {
        return Ok(Output::ByStatus { name: reply_type, variants });
    }
    let first = first.clone();
    let sometimes_empty = variants.len() < operation.replies.len();
    Ok(if sometimes_empty { Output::Optional(first) } else { Output::Value(first) })
}

/// The Rust type of a flat schema.
fn rust_type(schema: &Schema, progenitor: &Names) -> Result<RustType> {
    Ok(match &schema.kind {
        Kind::Any | Kind::Object(_) | Kind::Binary => RustType::Value,
        Kind::Reference(name) => RustType::Named(progenitor.definition(name)?.name.clone()),
        Kind::Boolean => RustType::Boolean,
        Kind::Integer { .. } => RustType::Integer,
        Kind::Number { .. } => RustType::Number,
        Kind::Text { format } => match format.as_deref() {
            Some("date-time") => RustType::DateTime,
            Some("date") => RustType::Date,
            Some("local-date-time") => RustType::LocalDateTime,
            _ => RustType::Text,
        },
        Kind::Enum(_) => RustType::Text,
        Kind::List(items) => RustType::List(Box::new(rust_type(items, progenitor)?)),
        Kind::Map(values) => RustType::Map(Box::new(rust_type(values, progenitor)?)),
    })
}
