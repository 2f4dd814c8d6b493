//! Runs progenitor over a flat document and takes from its output the names and types that it chose.
//!
//! What progenitor makes as a whole is too large to compile for this API (54 MB of source) and stricter
//! than the service. Kept from it: how a schema, a property, an enum value and a parameter are named in
//! Rust, how keywords and odd characters are cleaned, what type each has, and where a recursive type
//! needs a `Box`. Every other fact comes from the document. An item of a shape that is not expected is
//! an error, so that an upgrade of progenitor can't change the bindings in silence.
//!
//! Names that would become one identifier are told apart before progenitor sees them, by
//! [`names::distinct`]: what stands in for a name goes in, and is looked for in what comes out.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Once;

use anyhow::{Context as _, Result, bail};
use progenitor_impl::{GenerationSettings, Generator, InterfaceStyle, TagStyle};
use serde_json::{Map, Value, json};
use syn::{
    Expr, Fields, FnArg, GenericArgument, ImplItem, Item, Lit, Meta, Pat, PathArguments,
    ReturnType, Type,
};

use crate::document::{Document, Kind, ListStyle, Location, Object, Operation, Schema, Variants};
use crate::names::{self, Case};

/// What progenitor says of a document.
pub struct Names {
    /// By the name in Rust.
    types: BTreeMap<String, TypeDefinition>,
    /// By the function's name.
    functions: BTreeMap<String, Function>,
    /// The function's name by operationId.
    operations: BTreeMap<String, String>,
}

/// A type and its Rust name.
pub struct TypeDefinition {
    pub name: String,
    pub shape: Shape,
}

pub enum Shape {
    /// Fields by the property's name.
    Struct(BTreeMap<String, Member>),
    /// Variants by the value.
    Enum(BTreeMap<String, String>),
}

/// A field or an argument: its name in Rust and its type.
#[derive(Clone)]
pub struct Member {
    pub name: String,
    pub kind: RustType,
}

struct Function {
    arguments: BTreeMap<String, RustType>,
}

/// A Rust type as generated code writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RustType {
    Boolean,
    Integer,
    Number,
    Text,
    DateTime,
    Date,
    LocalDateTime,
    /// JSON without a schema.
    Value,
    Boxed(Box<RustType>),
    List(Box<RustType>),
    Map(Box<RustType>),
    /// A generated type.
    Named(String),
}

impl Names {
    /// Generates from a flat document.
    pub fn of(document: &Document) -> Result<Self> {
        let file = generate(document)?;
        let mut names = Self {
            types: BTreeMap::new(),
            functions: BTreeMap::new(),
            operations: document
                .operations
                .iter()
                .enumerate()
                .map(|(index, operation)| (operation.id.clone(), function_name(index)))
                .collect(),
        };
        for item in file.items {
            match item {
                Item::Mod(module) if module.ident == "types" => {
                    for item in module.content.map(|(_, items)| items).unwrap_or_default() {
                        names.add_type(item)?;
                    }
                }
                Item::Impl(block) if block.trait_.is_none() && is_client(&block.self_ty) => {
                    for item in block.items {
                        if let ImplItem::Fn(function) = item {
                            names.add_function(&function.sig)?;
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(names)
    }

    /// The type of a definition.
    pub fn definition(&self, name: &str) -> Result<&TypeDefinition> {
        self.types
            .get(&names::identifier(name, Case::Pascal))
            .with_context(|| format!("definition `{name}`: progenitor made no type of it"))
    }

    /// The arguments that stand for an operation's parameters, in their order.
    pub fn arguments(&self, operation: &Operation) -> Result<Vec<Member>> {
        let function = self
            .operations
            .get(&operation.id)
            .and_then(|name| self.functions.get(name))
            .with_context(|| format!("{}: progenitor made no function of it", operation.place()))?;
        parameter_stand_ins(operation)
            .iter()
            .map(|stand_in| {
                let name = names::identifier(stand_in, Case::Snake);
                let kind = function.arguments.get(&name).cloned().with_context(|| {
                    format!(
                        "{}: parameter `{stand_in}` is not among progenitor's arguments",
                        operation.place()
                    )
                })?;
                Ok(Member { name, kind })
            })
            .collect()
    }

    fn add_type(&mut self, item: Item) -> Result<()> {
        let (name, shape) = match item {
            Item::Struct(item) => {
                let Fields::Named(fields) = &item.fields else {
                    bail!("progenitor made an unexpected struct of `{}`", item.ident);
                };
                let mut members = BTreeMap::new();
                for field in &fields.named {
                    let name = field.ident.as_ref().map(ToString::to_string).unwrap_or_default();
                    let place = || format!("field `{name}` of `{}`", item.ident);
                    let wire = serde_rename(&field.attrs).unwrap_or_else(|| name.clone());
                    let kind = RustType::of(&field.ty).with_context(place)?;
                    members.insert(wire, Member { name: clean(&name), kind });
                }
                (item.ident.to_string(), Shape::Struct(members))
            }
            Item::Enum(item) => {
                let mut variants = BTreeMap::new();
                for variant in &item.variants {
                    if !matches!(variant.fields, Fields::Unit) {
                        bail!("progenitor made an unexpected enum of `{}`", item.ident);
                    }
                    let name = variant.ident.to_string();
                    let wire = serde_rename(&variant.attrs).unwrap_or_else(|| name.clone());
                    variants.insert(wire, name);
                }
                (item.ident.to_string(), Shape::Enum(variants))
            }
            // Conversions, defaults and errors of the types above; ours stand in the runtime.
            Item::Impl(_) | Item::Mod(_) | Item::Use(_) => return Ok(()),
            other => bail!("progenitor made an unexpected item: {}", short(&other)),
        };
        self.types.insert(name.clone(), TypeDefinition { name, shape });
        Ok(())
    }

    fn add_function(&mut self, signature: &syn::Signature) -> Result<()> {
        // `new`, `baseurl` and such of the client itself are not asynchronous.
        if signature.asyncness.is_none() {
            return Ok(());
        }
        if !matches!(signature.output, ReturnType::Type(..)) {
            bail!("progenitor made an unexpected function `{}`", signature.ident);
        }
        let mut arguments = BTreeMap::new();
        for argument in &signature.inputs {
            let FnArg::Typed(argument) = argument else { continue };
            let Pat::Ident(name) = &*argument.pat else {
                bail!("progenitor made an unexpected argument in `{}`", signature.ident);
            };
            let name = clean(&name.ident.to_string());
            // Progenitor begins an argument by `_` where it begins a field by `x`: at a digit.
            let name = match name.strip_prefix('_') {
                Some(rest) => format!("x{rest}"),
                None => name,
            };
            let place = || format!("argument `{name}` of `{}`", signature.ident);
            arguments.insert(name.clone(), RustType::of(&argument.ty).with_context(place)?);
        }
        self.functions.insert(signature.ident.to_string(), Function { arguments });
        Ok(())
    }
}

impl RustType {
    /// Reads a type of progenitor's output; `Option`, references and lifetimes are left out, since every
    /// field is optional and arguments are given by value.
    fn of(kind: &Type) -> Result<Self> {
        let unexpected = || format!("a type of a shape that is not expected: {}", short(kind));
        let path = match kind {
            Type::Reference(reference) => return Self::of(&reference.elem),
            Type::Path(path) => &path.path,
            _ => bail!(unexpected()),
        };
        let last = path.segments.last().with_context(unexpected)?;
        let arguments: Vec<&Type> = match &last.arguments {
            PathArguments::AngleBracketed(arguments) => arguments
                .args
                .iter()
                .filter_map(|argument| match argument {
                    GenericArgument::Type(kind) => Some(kind),
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        };
        let first = path.segments.first().map(|segment| segment.ident.to_string());
        let inner = |index: usize| {
            arguments.get(index).copied().with_context(unexpected).and_then(Self::of).map(Box::new)
        };
        Ok(match (first.as_deref(), last.ident.to_string().as_str()) {
            (_, "str") => Self::Text,
            (_, "bool") => Self::Boolean,
            (_, "i64") => Self::Integer,
            (_, "f64") => Self::Number,
            (Some("std"), "String") => Self::Text,
            (Some("std"), "Option") => *inner(0)?,
            (Some("std"), "Box") => Self::Boxed(inner(0)?),
            (Some("std"), "Vec") | (None | Some("Vec"), "Vec") => Self::List(inner(0)?),
            (Some("std"), "HashMap") => Self::Map(inner(1)?),
            (_, "Option") => *inner(0)?,
            (Some("serde_json"), "Value") => Self::Value,
            (Some("serde_json"), "Map") => Self::Map(Box::new(Self::Value)),
            (Some("chrono"), "DateTime") => Self::DateTime,
            (Some("chrono"), "NaiveDate") => Self::Date,
            (Some("chrono"), "NaiveDateTime") => Self::LocalDateTime,
            (Some("types"), name) => Self::Named(name.to_owned()),
            // Within the module of types, a type stands without a path.
            (Some(first), name) if first == name && arguments.is_empty() => {
                Self::Named(name.to_owned())
            }
            _ => bail!(unexpected()),
        })
    }
}

thread_local! {
    /// Whether this thread is in progenitor, whose panics are told as errors.
    static IN_PROGENITOR: Cell<bool> = const { Cell::new(false) };
}

/// Keeps panics of progenitor from being printed; those of other threads still are.
fn silence_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !IN_PROGENITOR.get() {
                hook(panic);
            }
        }));
    });
}

fn generate(document: &Document) -> Result<syn::File> {
    let tokens = tokens(document).map_err(|error| {
        let place = match refused(document).first() {
            Some((index, _)) => document.operations[*index].place(),
            None => "the document as a whole".to_owned(),
        };
        anyhow::anyhow!("{place}: progenitor can't generate this: {error}")
    });
    syn::parse2(tokens?).context("progenitor's output is not Rust that syn reads")
}

/// What progenitor makes of a document.
fn tokens(document: &Document) -> Result<proc_macro2::TokenStream, String> {
    let spec: openapiv3::OpenAPI = serde_json::from_value(openapi(document))
        .map_err(|error| format!("the flat document is not the OpenAPI that it reads: {error}"))?;
    let mut settings = GenerationSettings::default();
    // The one format of the API that is its own: a time whose zone stands elsewhere.
    let local_date_time = json!({ "type": "string", "format": "local-date-time" });
    settings.with_interface(InterfaceStyle::Positional).with_tag(TagStyle::Merged).with_conversion(
        serde_json::from_value(local_date_time).map_err(|error| error.to_string())?,
        "chrono::NaiveDateTime",
        std::iter::empty(),
    );
    let run = std::panic::AssertUnwindSafe(move || {
        Generator::new(&settings).generate_tokens(&spec).map_err(|error| error.to_string())
    });
    silence_panics();
    IN_PROGENITOR.set(true);
    let result = std::panic::catch_unwind(run);
    IN_PROGENITOR.set(false);
    result.unwrap_or_else(|panic| {
        let message = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied());
        Err(message.unwrap_or("it panicked").to_owned())
    })
}

/// The operations that progenitor stops at, which it does not say itself, and why it does.
pub fn refused(document: &Document) -> Vec<(usize, String)> {
    let alone = |operation: &Operation| {
        let mut part = Document {
            operations: vec![operation.clone()],
            definitions: BTreeMap::new(),
            section: document.section.clone(),
        };
        let reached: Vec<String> =
            document.reached([operation]).into_iter().map(str::to_owned).collect();
        for name in reached {
            if let Some(schema) = document.definitions.get(&name) {
                part.definitions.insert(name, schema.clone());
            }
        }
        part
    };
    let operations = document.operations.iter().enumerate();
    let failed = operations.filter_map(|(index, it)| Some((index, tokens(&alone(it)).err()?)));
    failed.collect()
}

/// The flat document as the OpenAPI 3.0 that progenitor reads, thinned to what the names and types
/// depend on: nothing is required, nothing has a default or a bound, and each operation has one reply.
fn openapi(document: &Document) -> Value {
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for (index, operation) in document.operations.iter().enumerate() {
        let stand_ins = parameter_stand_ins(operation);
        // Names do not depend on the path, and progenitor does not take every one.
        let mut path = format!("/{index}");
        let parameters: Vec<Value> = operation
            .parameters
            .iter()
            .zip(&stand_ins)
            .map(|(parameter, stand_in)| {
                if parameter.location == Location::Path {
                    path.push_str(&format!("/{{{stand_in}}}"));
                }
                let mut json = json!({
                    "name": stand_in,
                    "in": parameter.location.as_str(),
                    "required": parameter.required,
                    "schema": parameter_schema(&parameter.schema),
                });
                if parameter.location == Location::Query {
                    json["explode"] = json!(parameter.list == ListStyle::Repeated);
                }
                json
            })
            .collect();
        let mut json = json!({
            "operationId": function_name(index),
            "parameters": parameters,
            "responses": { "204": { "description": "" } },
        });
        if let Some(body) = &operation.body {
            json["requestBody"] = json!({
                "required": true,
                "content": { "application/json": { "schema": schema(&body.schema) } },
            });
        }
        paths.entry(path).or_default().insert(operation.method.as_str().to_lowercase(), json);
    }
    let schemas: Map<String, Value> = document
        .definitions
        .iter()
        .map(|(name, definition)| (definition_stand_in(name), schema(definition)))
        .collect();
    json!({
        "openapi": "3.0.3",
        "info": { "title": "Genesys Cloud", "version": "2" },
        "paths": paths,
        "components": { "schemas": schemas },
    })
}

/// A parameter is text where the document calls it an object: it stands in a URL.
fn parameter_schema(parameter: &Schema) -> Value {
    match &parameter.kind {
        Kind::Any | Kind::Map(_) | Kind::Object(_) | Kind::Binary => json!({ "type": "string" }),
        Kind::List(items) => json!({ "type": "array", "items": parameter_schema(items) }),
        _ => schema(parameter),
    }
}

fn schema(schema_of: &Schema) -> Value {
    match &schema_of.kind {
        Kind::Any | Kind::Binary => json!({}),
        Kind::Reference(name) => {
            json!({ "$ref": format!("#/components/schemas/{}", definition_stand_in(name)) })
        }
        Kind::Boolean => json!({ "type": "boolean" }),
        // One width for all: see the runtime's `Wire` for integers.
        Kind::Integer { .. } => json!({ "type": "integer", "format": "int64" }),
        Kind::Number { .. } => json!({ "type": "number", "format": "double" }),
        Kind::Text { format } => match format.as_deref() {
            Some(format @ ("date" | "date-time")) => json!({ "type": "string", "format": format }),
            Some("local-date-time") => json!({ "type": "string", "format": "local-date-time" }),
            _ => json!({ "type": "string" }),
        },
        Kind::Enum(values) => {
            let values: Vec<String> =
                value_stand_ins(values).into_iter().map(|(_, stand_in)| stand_in).collect();
            json!({ "type": "string", "enum": values })
        }
        Kind::List(items) => json!({ "type": "array", "items": schema(items) }),
        Kind::Map(values) => json!({ "type": "object", "additionalProperties": schema(values) }),
        // Each type as a property: what is wanted is its name.
        Kind::Object(Object { variants: Some(variants), .. }) => {
            let names = variants.definitions.iter().map(|(_, name)| name.as_str());
            let properties: Map<String, Value> = variant_fields(variants)
                .into_iter()
                .zip(names)
                .map(|(field, name)| (field, schema(&Schema::reference(name))))
                .collect();
            json!({ "type": "object", "properties": properties })
        }
        Kind::Object(object) => {
            let properties: Map<String, Value> = property_stand_ins(object)
                .into_iter()
                .zip(&object.properties)
                .map(|(stand_in, (_, property))| (stand_in, schema(property)))
                .collect();
            json!({ "type": "object", "properties": properties })
        }
    }
}

/// The function of the operation of this index. What a caller types is not named after it.
fn function_name(index: usize) -> String {
    format!("operation_{index}")
}

/// What progenitor gets for the name of a definition: the name, in which a slash would end a reference too early. In
/// Rust the two are the same.
fn definition_stand_in(name: &str) -> String {
    name.replace('/', "-")
}

/// What progenitor gets for the name of each parameter.
fn parameter_stand_ins(operation: &Operation) -> Vec<String> {
    let parameters = operation.parameters.iter().map(|parameter| parameter.name.as_str());
    names::distinct(parameters, Case::Snake, &names::RESERVED_PARAMETERS, "parameter")
}

/// What progenitor gets for the name of each property.
pub fn property_stand_ins(object: &Object) -> Vec<String> {
    let properties = object.properties.iter().map(|(name, _)| name.as_str());
    names::distinct(properties, Case::Snake, &names::RESERVED_FIELDS, "field")
}

/// What progenitor gets for the type of each value of a discriminator.
pub fn variant_fields(variants: &Variants) -> Vec<String> {
    let values = variants.definitions.iter().map(|(value, _)| value.as_str());
    names::distinct(values, Case::Snake, &[], "field")
}

/// The variant for each value of a discriminator.
pub fn variant_names(variants: &Variants) -> Vec<String> {
    let values = variants.definitions.iter().map(|(value, _)| value.as_str());
    names::distinct(values, Case::Pascal, &names::RESERVED_VARIANTS, "value")
        .iter()
        .map(|name| names::identifier(name, Case::Pascal))
        .collect()
}

/// Each value of an enum, once, and what progenitor gets for it.
pub fn value_stand_ins(values: &[String]) -> Vec<(&str, String)> {
    let mut seen = BTreeSet::new();
    let values: Vec<&str> =
        values.iter().map(String::as_str).filter(|value| seen.insert(*value)).collect();
    let stand_ins =
        names::distinct(values.iter().copied(), Case::Pascal, &names::RESERVED_VARIANTS, "value");
    values.into_iter().zip(stand_ins).collect()
}

/// Without the mark of a raw identifier, which `r#type` has and `type_` has not.
fn clean(identifier: &str) -> String {
    identifier.trim_start_matches("r#").to_owned()
}

fn is_client(kind: &Type) -> bool {
    matches!(kind, Type::Path(path) if path.path.is_ident("Client"))
}

/// The name that `#[serde(rename = "..")]` gives.
fn serde_rename(attributes: &[syn::Attribute]) -> Option<String> {
    let mut rename = None;
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        let Meta::List(list) = &attribute.meta else { continue };
        let parser = syn::punctuated::Punctuated::<Meta, syn::Token![,]>::parse_terminated;
        for meta in list.parse_args_with(parser).ok()? {
            if let Meta::NameValue(pair) = meta
                && pair.path.is_ident("rename")
                && let Expr::Lit(literal) = &pair.value
                && let Lit::Str(text) = &literal.lit
            {
                rename = Some(text.value());
            }
        }
    }
    rename
}

fn short(tokens: &impl quote::ToTokens) -> String {
    tokens.to_token_stream().to_string().chars().take(120).collect()
}
