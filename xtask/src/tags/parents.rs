//! Which list has the values of each path parameter of a list.
//!
//! Four rules decide, in this order; `openapi/parents.tsv` has the rest.
//! 1. The path up to the parameter is a list: `/queues` for `/queues/{queueId}/members`.
//! 2. It is a list below `/query`: `/worktypes/query` for `/worktypes/{worktypeId}/flows`.
//! 3. The list shows how a job stands or what it resulted in. It has no parent: the submit of the job reads it.
//! 4. Rule 1 finds the same list for the parameters of this name, in most of the paths that have one.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, anyhow, bail};
use genesys_cloud_catalogue::tags::{Parent, ParentList};

use super::{Decision, item_schema};
use crate::document::{Document, Kind, Location, Method, Operation, Schema, placeholders};
use crate::jobs::{self, Families, Item, Role, Sources};

const FILE: &str = "openapi/parents.tsv";

/// How many paths have to agree on the list of a parameter of this name.
const AGREE: usize = 2;

/// The reviewed entries of `openapi/parents.tsv`, by the path up to and including the parameter.
#[derive(Default)]
pub struct Parents(BTreeMap<String, Entry>);

struct Entry {
    /// The operationId of the list, and the path of the field.
    list: Option<(String, String)>,
    reason: String,
}

/// What was decided for one path parameter, and by which rule.
pub struct Found {
    pub parent: Parent,
    pub rule: &'static str,
}

/// The rule of what the file states.
const REVIEWED: &str = "reviewed";

impl Found {
    fn list(name: &str, list: ParentList, rule: &'static str) -> Self {
        Self { parent: Parent { parameter: name.to_owned(), list: Some(list), reason: None }, rule }
    }

    fn none(name: &str, reason: &str, rule: &'static str) -> Self {
        let reason = Some(reason.to_owned());
        Self { parent: Parent { parameter: name.to_owned(), list: None, reason }, rule }
    }
}

impl Parents {
    /// Reads the file: a header line, then the path, list, field and reason of each entry, separated by tabs.
    pub fn parse(text: &str) -> Result<Self> {
        let mut entries = BTreeMap::new();
        let lines = text.lines().enumerate().filter(|(_, line)| !line.starts_with('#')).skip(1);
        for (index, line) in lines {
            let fail = |why: &str| anyhow!("{FILE}, line {}: {why}", index + 1);
            let [path, list, field, reason] = line.split('\t').collect::<Vec<_>>()[..] else {
                return Err(fail("expected four columns separated by tabs"));
            };
            if !path.ends_with('}') {
                return Err(fail("the path must end with a parameter"));
            }
            if reason.trim().is_empty() {
                return Err(fail("add the reason"));
            }
            let list = match (list, field) {
                ("-", "-") => None,
                ("-", _) | (_, "-") => return Err(fail("state both list and field, or neither")),
                (list, field) => Some((list.to_owned(), field.to_owned())),
            };
            let entry = Entry { list, reason: reason.to_owned() };
            if entries.insert(path.to_owned(), entry).is_some() {
                return Err(fail("this path has two lines; remove one"));
            }
        }
        Ok(Self(entries))
    }
}

/// Decides the parents of all lists of a document.
pub struct Decider<'a> {
    document: &'a Document,
    tags: &'a [Decision],
    families: &'a Families,
    entries: &'a Parents,
    by_place: BTreeMap<(Method, &'a str), usize>,
    by_id: BTreeMap<&'a str, usize>,
    /// The lists that rule 1 finds, by the name of the parameter, with the number of paths.
    agreed: BTreeMap<&'a str, BTreeMap<ParentKey, BTreeSet<&'a str>>>,
}

type ParentKey = (String, String);

impl<'a> Decider<'a> {
    pub fn new(
        document: &'a Document,
        tags: &'a [Decision],
        families: &'a Families,
        entries: &'a Parents,
    ) -> Self {
        let operations = document.operations.iter().enumerate();
        let by_place =
            operations.clone().map(|(at, it)| ((it.method, it.path.as_str()), at)).collect();
        let by_id = operations.map(|(at, it)| (it.id.as_str(), at)).collect();
        let agreed = BTreeMap::new();
        let mut this = Self { document, tags, families, entries, by_place, by_id, agreed };
        for (operation, tag) in document.operations.iter().zip(tags) {
            for parameter in path_parameters(operation).filter(|_| tag.is_list()) {
                if let Some(list) = this.by_path(parameter) {
                    let lists = this.agreed.entry(parameter.name).or_default();
                    lists.entry((list.operation, list.field)).or_default().insert(&operation.path);
                }
            }
        }
        this
    }

    /// The parents of a list, one for each path parameter, in their order. `strict`: it is an error if no rule and no
    /// entry finds one.
    pub fn parents(
        &self,
        operation: &Operation,
        tag: &Decision,
        strict: bool,
    ) -> Result<Vec<Found>> {
        let parent = |parameter: PathParameter<'_>| match self.parent(tag, parameter) {
            Err(_) if !strict => Ok(Found::none(parameter.name, "no rule finds one", "none")),
            found => found.with_context(|| operation.place()),
        };
        path_parameters(operation).filter(|_| tag.is_list()).map(parent).collect()
    }

    fn parent(&self, tag: &Decision, parameter: PathParameter<'_>) -> Result<Found> {
        let PathParameter { name, prefix, .. } = parameter;
        if let Some(entry) = self.entries.0.get(&format!("{prefix}/{{{name}}}")) {
            let Some((operation, field)) = &entry.list else {
                return Ok(Found::none(name, &entry.reason, REVIEWED));
            };
            let list = ParentList { operation: operation.clone(), field: field.clone() };
            return Ok(Found::list(name, list, REVIEWED));
        }
        self.by_rules(tag, parameter)
    }

    fn by_rules(&self, tag: &Decision, parameter: PathParameter<'_>) -> Result<Found> {
        let PathParameter { name, prefix, .. } = parameter;
        if let Some(list) = self.by_path(parameter) {
            return Ok(Found::list(name, list, "the path up to the parameter is a list"));
        }
        if let Some(list) = self.at(Method::Post, &format!("{prefix}/query"), parameter) {
            return Ok(Found::list(name, list, "the path up to the parameter has a query"));
        }
        if matches!(tag.role, Some(Role::Status | Role::Results)) {
            let reason = "these are the results of a job, which its submit reads";
            return Ok(Found::none(name, reason, "it belongs to a job"));
        }
        if let Some(list) = self.by_name(name) {
            return Ok(Found::list(name, list, "most lists with this parameter have this parent"));
        }
        bail!(
            "no rule finds the list that has the values of `{name}`; add {prefix}/{{{name}}} to {FILE}, \
             with the list and its field, or with the reason why there is none"
        )
    }

    fn by_path(&self, parameter: PathParameter<'_>) -> Option<ParentList> {
        self.at(Method::Get, parameter.prefix, parameter)
    }

    /// The list at a path whose records have a field of the parameter's type: `id`, or one with the name of the
    /// parameter or its last word (`version` for `tableVersion`).
    fn at(&self, method: Method, path: &str, parameter: PathParameter<'_>) -> Option<ParentList> {
        let at = *self.by_place.get(&(method, path))?;
        let (operation, tag) = (&self.document.operations[at], &self.tags[at]);
        let items = tag.list.items.as_deref().filter(|_| tag.is_list())?;
        let item = item_schema(self.document, operation, items)?;
        let last_word = parameter.name.rfind(|letter: char| letter.is_ascii_uppercase());
        let last_word = parameter.name[last_word.unwrap_or_default()..].to_ascii_lowercase();
        let mut fields = ["id", parameter.name, &last_word].into_iter();
        let field = fields.find(|field| self.has(item, field, parameter.is_number))?;
        Some(ParentList { operation: operation.id.clone(), field: field.to_owned() })
    }

    fn by_name(&self, name: &str) -> Option<ParentList> {
        let lists = self.agreed.get(name)?;
        let paths: usize = lists.values().map(BTreeSet::len).sum();
        let ((operation, field), most) = lists.iter().max_by_key(|(_, paths)| paths.len())?;
        let is_agreed = most.len() >= AGREE && most.len() * 3 >= paths * 2;
        is_agreed.then(|| ParentList { operation: operation.clone(), field: field.clone() })
    }

    /// Whether records of this schema have a field that can be part of a path.
    fn has(&self, item: &Schema, field: &str, is_number: bool) -> bool {
        let found = self.document.at(item, field).map(|schema| self.document.resolve(schema));
        let fits = |kind: &Kind| match kind {
            Kind::Integer { .. } => true,
            Kind::Text { .. } | Kind::Enum(_) => !is_number,
            _ => false,
        };
        found.is_some_and(|schema| fits(&schema.kind))
    }

    /// Fails where an entry of the file is for no list, names no list with this field, or says what the rules find.
    pub fn check_used(&self) -> Result<()> {
        let mut prefixes = BTreeMap::new();
        for (at, operation) in self.document.operations.iter().enumerate() {
            for parameter in path_parameters(operation).filter(|_| self.tags[at].is_list()) {
                let PathParameter { name, prefix, .. } = parameter;
                prefixes.insert(format!("{prefix}/{{{name}}}"), (at, parameter));
            }
        }
        for (path, entry) in &self.entries.0 {
            let Some((at, parameter)) = prefixes.get(path) else {
                bail!("{FILE}: no list has the path parameter {path}; remove the line");
            };
            if let Ok(found) = self.by_rules(&self.tags[*at], *parameter) {
                let list = found.parent.list.map(|list| (list.operation, list.field));
                if list == entry.list {
                    bail!(
                        "{FILE}: the rules find the list of {path} by themselves; remove the line"
                    );
                }
            }
            let Some((id, field)) = &entry.list else { continue };
            let Some(at) = self.by_id.get(id.as_str()) else {
                bail!("{FILE}: {path}: the document has no operation `{id}`");
            };
            let item = self.item(*at)?;
            if !item.is_some_and(|item| self.has(item, field, parameter.is_number)) {
                let kind = if parameter.is_number { "number" } else { "text or number" };
                bail!("{FILE}: {path}: the records of `{id}` have no {kind} at `{field}`");
            }
        }
        Ok(())
    }

    /// The records of a list or a job.
    fn item(&self, at: usize) -> Result<Option<&'a Schema>> {
        let (operation, tag) = (&self.document.operations[at], &self.tags[at]);
        if tag.is_list() {
            let items = tag.list.items.as_deref();
            return Ok(items.and_then(|items| item_schema(self.document, operation, items)));
        }
        let Some((family, Role::Submit)) = self.families.place(&operation.id) else {
            return Ok(None);
        };
        let sources = Sources::new(self.document, self.tags);
        Ok(match jobs::item(&sources, family, operation)? {
            Item::Of(schema) => Some(schema),
            _ => None,
        })
    }
}

/// A path parameter, and the path before it.
#[derive(Clone, Copy)]
struct PathParameter<'a> {
    name: &'a str,
    prefix: &'a str,
    is_number: bool,
}

fn path_parameters(operation: &Operation) -> impl Iterator<Item = PathParameter<'_>> {
    let path = operation.path.as_str();
    placeholders(path).filter_map(move |name| {
        let at = path.find(&format!("{{{name}}}"))?;
        let mut parameters = operation.parameters.iter();
        let known = parameters.find(|it| it.name == name && it.location == Location::Path);
        let is_number = known.is_some_and(|it| matches!(it.schema.kind, Kind::Integer { .. }));
        Some(PathParameter { name, prefix: path[..at].trim_end_matches('/'), is_number })
    })
}
