//! Reads Swagger 2.0, as Genesys publishes it, and OpenAPI 3.0 and 3.1.
//!
//! Only a text that is not an API document is an error. A [rule](crate::notes::Rule) degrades an unsupported construct,
//! and a note records it.

use std::collections::{BTreeSet, HashMap};

use anyhow::{Result, bail};
use heck::ToLowerCamelCase as _;

use super::schemas::Schemas;
use super::servers;
use super::source::{Format, Node, Source};
use super::{Document, Method, Operation};
use crate::json::Json;
use crate::notes::{Notes, Rule};

/// Reads a document from its JSON text.
pub fn read(text: &str) -> Result<(Document, Notes)> {
    let root = Json::parse(text)?;
    if !root.is_object() {
        bail!("not an API document: expected an object, found {}", root.kind());
    }
    let mut notes = Notes::default();
    let format = format(&root, &mut notes)?;
    let source = Source::new(&root, format, notes);
    let document = Reader { source: &source, schemas: Schemas::new(&source) }.document()?;
    Ok((document, source.into_notes()))
}

fn format(root: &Json, notes: &mut Notes) -> Result<Format> {
    let supported = "expected Swagger 2.0, OpenAPI 3.0 or 3.1";
    let (key, version) = match (root.get("swagger"), root.get("openapi")) {
        (Some(_), Some(_)) => bail!("the document has both `swagger` and `openapi`"),
        (None, None) => {
            bail!("not an API document: it has neither `swagger` nor `openapi`")
        }
        (Some(version), None) => ("swagger", version),
        (None, Some(version)) => ("openapi", version),
    };
    let stated = version.as_str().map_or_else(|| version.compact(), str::to_owned);
    let is = |minor: &str| stated == minor || stated.starts_with(&format!("{minor}."));
    let format = match key {
        "swagger" if stated == "2.0" || stated == "2" => Format::Swagger2,
        "openapi" if is("3.0") => Format::OpenApi3,
        "openapi" if is("3.1") => Format::OpenApi31,
        "openapi"
            if stated.strip_prefix("3.").is_some_and(|it| it.starts_with(['2', '3', '4'])) =>
        {
            notes.add(Rule::Version, "/openapi", format!("version {stated}"));
            Format::OpenApi31
        }
        _ => bail!("`{key}`: unsupported version {}; {supported}", version.compact()),
    };
    if version.as_str().is_none() {
        notes.add(
            Rule::WrongKind,
            format!("/{key}"),
            format!("expected a string, found {}", version.kind()),
        );
    }
    Ok(format)
}

pub(super) struct Reader<'s, 'a> {
    pub(super) source: &'s Source<'a>,
    pub(super) schemas: Schemas<'s, 'a>,
}

/// The keys of a path that are not operations.
const NOT_OPERATIONS: [&str; 5] = ["$ref", "description", "parameters", "servers", "summary"];

impl<'a> Reader<'_, 'a> {
    fn document(&self) -> Result<Document> {
        let source = self.source;
        let is_31 = source.format == Format::OpenApi31;
        let webhooks = if is_31 { source.object(&source.root, "webhooks") } else { Vec::new() };
        for (name, webhook) in webhooks {
            source.note(Rule::Webhook, &webhook, format!("the webhook `{name}`"));
        }
        let paths = match source.root.get("paths") {
            Some(paths) if paths.json.is_object() => source.entries(&paths),
            Some(paths) => bail!(
                "not an API document: `paths`: expected an object, found {}",
                paths.json.kind()
            ),
            // A document with only webhooks or definitions.
            None if is_31 => Vec::new(),
            None => bail!("not an API document: it has no `paths`"),
        };
        self.schemas.read_definitions();
        let base = servers::base(source);
        let mut operations = Vec::new();
        for (path, item) in paths {
            if !path.starts_with("x-") {
                self.path(path, &item, &base, &mut operations);
            }
        }
        // The output does not depend on the order of the document.
        operations.sort_by(|a, b| (&a.path, a.method).cmp(&(&b.path, b.method)));
        self.name_operations(&mut operations);
        let section = format!("/{}", source.format.definitions().join("/"));
        Ok(Document { operations, definitions: self.schemas.finish(), section })
    }

    /// Reads the operations of a path.
    fn path(&self, path: &str, item: &Node<'a>, base: &str, operations: &mut Vec<Operation>) {
        let source = self.source;
        if !item.json.is_object() {
            return source.note_kind(item, "an object");
        }
        if !braces_match(path) {
            return source.note(Rule::Path, item, "its braces don't match");
        }
        if !path.starts_with('/') {
            source.note(Rule::Path, item, "it does not start with `/`");
        }
        // A path may be a reference with additional operations, which take precedence.
        let mut items = vec![item.clone()];
        if item.has("$ref") {
            items.extend(source.follow(item));
        }
        let shared: Vec<Node<'a>> =
            items.iter().rev().flat_map(|item| source.list(item, "parameters")).collect();
        let base_of_path = items.iter().find_map(|item| servers::own(source, item));
        let base = base_of_path.as_deref().unwrap_or(base);
        let mut known = BTreeSet::new();
        for (key, operation) in items.iter().flat_map(|item| source.entries(item)) {
            if NOT_OPERATIONS.contains(&key) || key.starts_with("x-") {
                continue;
            }
            let method = Method::ALL.into_iter().find(|it| it.as_str().eq_ignore_ascii_case(key));
            let Some(method) = method else {
                source.note(Rule::Method, &operation, format!("`{key}` of {path}"));
                continue;
            };
            if !known.insert(method) {
                source.note(Rule::Method, &operation, format!("a second `{key}` of {path}"));
                continue;
            }
            let base = servers::own(source, &operation).unwrap_or_else(|| base.to_owned());
            let slash = if path.starts_with('/') { "" } else { "/" };
            let path = format!("{base}{slash}{path}");
            operations.extend(self.operation(method, path, &shared, &operation));
        }
    }

    /// Reads an operation; `None` if bindings can't send it.
    fn operation(
        &self,
        method: Method,
        path: String,
        shared: &[Node<'a>],
        node: &Node<'a>,
    ) -> Option<Operation> {
        let source = self.source;
        if !node.json.is_object() {
            source.note_kind(node, "an object");
            return None;
        }
        let mut taken = self.parameters(&path, node, shared);
        if source.format != Format::Swagger2 {
            taken.body = self.request_body(node, &mut taken.missing);
        }
        if let Some(missing) = taken.missing {
            let route = format!("{} {path}", method.as_str());
            source.note(Rule::LeftOut, node, format!("{route} requires {missing}"));
            return None;
        }
        for (name, callback) in source.object(node, "callbacks") {
            source.note(Rule::Webhook, &callback, format!("the callback `{name}`"));
        }
        // Users of the other SDKs know an operation by the name in the vendor key.
        let id = source
            .text(node, "x-purecloud-method-name")
            .or_else(|| source.text(node, "operationId"))
            .unwrap_or_default();
        let permissions = node.get("x-inin-requires-permissions");
        Some(Operation {
            id: id.to_owned(),
            at: node.at.clone(),
            method,
            path,
            tags: source.texts(node, "tags"),
            summary: source.described(node, "summary"),
            description: source.described(node, "description"),
            deprecated: source.flag(node, "deprecated"),
            preview: source.flag(node, "x-genesys-preview"),
            permissions: permissions
                .as_ref()
                .map(|it| source.texts(it, "permissions"))
                .unwrap_or_default(),
            any_permission: permissions.and_then(|it| source.text(&it, "type")) == Some("ANY"),
            parameters: taken.list,
            body: taken.body,
            replies: self.replies(node),
        })
    }

    /// Gives an id to each operation without a usable one.
    fn name_operations(&self, operations: &mut [Operation]) {
        let mut taken: HashMap<String, String> = HashMap::new();
        let mut nameless = Vec::new();
        for (index, operation) in operations.iter().enumerate() {
            let id = &operation.id;
            let why = if id.is_empty() {
                "no operationId".to_owned()
            } else if !id.contains(|letter: char| letter.is_ascii_alphanumeric()) {
                format!("`{id}` has no Latin letter")
            } else if let Some(other) = taken.get(id) {
                format!("`{id}` is also the id of {other}")
            } else {
                taken.insert(id.clone(), operation.route());
                continue;
            };
            nameless.push((index, why));
        }
        for (index, why) in nameless {
            let operation = &mut operations[index];
            let made = made_id(operation.method, &operation.path);
            let mut id = made.clone();
            let mut number = 2;
            while taken.contains_key(&id) {
                id = format!("{made}{number}");
                number += 1;
            }
            taken.insert(id.clone(), operation.route());
            let what = format!("{}: {why}; it is `{id}`", operation.route());
            self.source.note_at(Rule::OperationId, &operation.at, what);
            operation.id = id;
        }
    }
}

/// Builds an operationId from method and path, as Genesys does: `getUsersUserIdQueues`.
fn made_id(method: Method, path: &str) -> String {
    let words = path
        .split(|letter: char| !letter.is_ascii_alphanumeric())
        .filter(|word| !matches!(*word, "api" | "v1" | "v2"));
    let words: Vec<&str> = std::iter::once(method.as_str()).chain(words).collect();
    // In upper case, each letter of `GET` would be a word.
    words
        .join(" ")
        .replacen(method.as_str(), &method.as_str().to_lowercase(), 1)
        .to_lower_camel_case()
}

/// Whether each `{` of a path has a `}` and a name in between.
fn braces_match(path: &str) -> bool {
    let mut name: Option<usize> = None;
    for letter in path.chars() {
        name = match (letter, name) {
            ('{', None) => Some(0),
            ('}', Some(1..)) => None,
            ('{' | '}', _) => return false,
            (_, Some(length)) => Some(length + 1),
            (_, None) => None,
        };
    }
    name.is_none()
}
