//! Runs progenitor over a flat document and extracts the names and types that it chose.
//!
//! The whole output is too large to compile for this API (54 MB of source) and stricter than the service. Kept from it
//! are the Rust names of schemas, properties, enum values and parameters, with keywords and odd characters handled; the
//! type of each; and which recursive types need a `Box`. Every other fact comes from the document. An item with an
//! unexpected shape is an error, so that an upgrade of progenitor can't change the bindings silently.
//!
//! [`names::distinct`] first replaces names that would become the same identifier: progenitor gets the stand-in, and
//! the result is looked up by it.

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

/// The names and types that progenitor chose for a document.
pub struct Names {
    /// By Rust name.
    types: BTreeMap<String, TypeDefinition>,
    /// By function name.
    functions: BTreeMap<String, Function>,
    /// The function names, by operationId.
    operations: BTreeMap<String, String>,
}

/// A type and its Rust name.
pub struct TypeDefinition {
    pub name: String,
    pub shape: Shape,
}

pub enum Shape {
    /// Fields by property name.
    Struct(BTreeMap<String, Member>),
    /// Variants by value.
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
    /// Free-form JSON.
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
            .with_context(|| format!("definition `{name}`: progenitor generated no type"))
    }

    /// The arguments for the parameters of an operation, in their order.
    pub fn arguments(&self, operation: &Operation) -> Result<Vec<Member>> {
        let function = self
            .operations
            .get(&operation.id)
            .and_then(|name| self.functions.get(name))
            .with_context(|| format!("{}: progenitor generated no function", operation.place()))?;
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
                    bail!("progenitor generated an unexpected struct `{}`", item.ident);
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
                        bail!("progenitor generated an unexpected enum `{}`", item.ident);
                    }
                    let name = variant.ident.to_string();
                    let wire = serde_rename(&variant.attrs).unwrap_or_else(|| name.clone());
                    variants.insert(wire, name);
                }
                (item.ident.to_string(), Shape::Enum(variants))
            }
            // Conversions, defaults and errors of the types above; the core has its own.
            Item::Impl(_) | Item::Mod(_) | Item::Use(_) => return Ok(()),
            other => bail!("progenitor generated an unexpected item: {}", short(&other)),
        };
        self.types.insert(name.clone(), TypeDefinition { name, shape });
        Ok(())
    }

    fn add_function(&mut self, signature: &syn::Signature) -> Result<()> {
        // Functions of the client itself, such as `new`, are not async.
        if signature.asyncness.is_none() {
            return Ok(());
        }
        if !matches!(signature.output, ReturnType::Type(..)) {
            bail!("progenitor generated an unexpected function `{}`", signature.ident);
        }
        let mut arguments = BTreeMap::new();
        for argument in &signature.inputs {
            let FnArg::Typed(argument) = argument else { continue };
            let Pat::Ident(name) = &*argument.pat else {
                bail!("progenitor generated an unexpected argument in `{}`", signature.ident);
            };
            let name = clean(&name.ident.to_string());
            // Before a digit, progenitor prefixes arguments with `_` and fields with `x`.
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
    /// Parses a type of progenitor's output, without `Option`, references and lifetimes: every field is optional, and
    /// arguments are passed by value.
    fn of(kind: &Type) -> Result<Self> {
        let unexpected = || format!("unexpected type: {}", short(kind));
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
            // Within the module of types, names have no path.
            (Some(first), name) if first == name && arguments.is_empty() => {
                Self::Named(name.to_owned())
            }
            _ => bail!(unexpected()),
        })
    }
}

thread_local! {
    /// Whether this thread is in progenitor, whose panics become errors.
    static IN_PROGENITOR: Cell<bool> = const { Cell::new(false) };
}

/// Suppresses the messages of panics in progenitor, but not of other threads.
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
        let place = match rejected(document).first() {
            Some((index, _)) => document.operations[*index].place(),
            None => "the document as a whole".to_owned(),
        };
        anyhow::anyhow!("{place}: progenitor can't generate this: {error}")
    });
    syn::parse2(tokens?).context("syn can't parse progenitor's output")
}

/// Runs progenitor.
fn tokens(document: &Document) -> Result<proc_macro2::TokenStream, String> {
    let spec: openapiv3::OpenAPI = serde_json::from_value(openapi(document))
        .map_err(|error| format!("it can't read the flat document: {error}"))?;
    let mut settings = GenerationSettings::default();
    // A format specific to this API: a time whose zone is in another field.
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

/// Finds the operations that progenitor rejects, and why: its own error does not name them.
pub fn rejected(document: &Document) -> Vec<(usize, String)> {
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

/// Converts the flat document to OpenAPI 3.0, reduced to what names and types depend on: nothing is required or has a
/// default or bound, and each operation has one response.
fn openapi(document: &Document) -> Value {
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for (index, operation) in document.operations.iter().enumerate() {
        let stand_ins = parameter_stand_ins(operation);
        // Names do not depend on the path, and progenitor does not accept every path.
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

/// A parameter that the document calls an object is a string, since it is part of a URL.
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
        // A single width: see `Wire` for integers in the core.
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
        // Each type becomes a property, for its name.
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

/// The function name of the operation with this index. It does not appear in the bindings.
fn function_name(index: usize) -> String {
    format!("operation_{index}")
}

/// The stand-in for the name of a definition, without slashes, which would end a reference. The Rust name is the same.
fn definition_stand_in(name: &str) -> String {
    name.replace('/', "-")
}

/// The stand-ins for the names of the parameters.
fn parameter_stand_ins(operation: &Operation) -> Vec<String> {
    let parameters = operation.parameters.iter().map(|parameter| parameter.name.as_str());
    names::distinct(parameters, Case::Snake, &names::RESERVED_PARAMETERS, "parameter")
}

/// The stand-ins for the names of the properties.
pub fn property_stand_ins(object: &Object) -> Vec<String> {
    let properties = object.properties.iter().map(|(name, _)| name.as_str());
    names::distinct(properties, Case::Snake, &names::RESERVED_FIELDS, "field")
}

/// The stand-ins for the types of a discriminator.
pub fn variant_fields(variants: &Variants) -> Vec<String> {
    let values = variants.definitions.iter().map(|(value, _)| value.as_str());
    names::distinct(values, Case::Snake, &[], "field")
}

/// The variants of a discriminator, by value.
pub fn variant_names(variants: &Variants) -> Vec<String> {
    let values = variants.definitions.iter().map(|(value, _)| value.as_str());
    names::distinct(values, Case::Pascal, &names::RESERVED_VARIANTS, "value")
        .iter()
        .map(|name| names::identifier(name, Case::Pascal))
        .collect()
}

/// The distinct values of an enum with their stand-ins.
pub fn value_stand_ins(values: &[String]) -> Vec<(&str, String)> {
    let mut seen = BTreeSet::new();
    let values: Vec<&str> =
        values.iter().map(String::as_str).filter(|value| seen.insert(*value)).collect();
    let stand_ins =
        names::distinct(values.iter().copied(), Case::Pascal, &names::RESERVED_VARIANTS, "value");
    values.into_iter().zip(stand_ins).collect()
}

/// Removes the prefix of a raw identifier (`r#type`).
fn clean(identifier: &str) -> String {
    identifier.trim_start_matches("r#").to_owned()
}

fn is_client(kind: &Type) -> bool {
    matches!(kind, Type::Path(path) if path.path.is_ident("Client"))
}

/// The name in `#[serde(rename = "..")]`.
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
