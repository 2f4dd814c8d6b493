//! Compares a document with its bindings.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::bindings::{Bindings, Conversion, Listed, Operation as Bound, Reader, Type};
use crate::document::{Document, Operation, Shape, referred};
use crate::lexer::Token;

/// How much was compared.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) operations: usize,
    pub(crate) parameters: usize,
    pub(crate) bodies: usize,
    pub(crate) replies: usize,
    pub(crate) records: usize,
    pub(crate) fields: usize,
    pub(crate) values: usize,
    pub(crate) lists: usize,
    pub(crate) submits: usize,
    pub(crate) conversions: usize,
}

pub(crate) struct Comparison<'a> {
    document: &'a Document,
    bindings: &'a Bindings,
    /// The Rust type of each record of the document, and the reverse.
    types: BTreeMap<String, String>,
    records: BTreeMap<String, String>,
    ahead: Vec<String>,
    pub(crate) counts: Counts,
    pub(crate) differences: Vec<String>,
}

/// All differences, and how much was compared.
pub(crate) fn compare(document: &Document, bindings: &Bindings) -> (Counts, Vec<String>) {
    let mut comparison = Comparison {
        document,
        bindings,
        types: BTreeMap::new(),
        records: BTreeMap::new(),
        ahead: Vec::new(),
        counts: Counts::default(),
        differences: Vec::new(),
    };
    comparison.operations();
    comparison.records();
    comparison.lists();
    comparison.conversions();
    (comparison.counts, comparison.differences)
}

impl<'a> Comparison<'a> {
    fn note(&mut self, place: &str, what: &str) {
        self.differences.push(format!("{place}: {what}"));
    }

    fn operations(&mut self) {
        let (document, bindings) = (self.document, self.bindings);
        for (id, operation) in &document.operations {
            self.counts.operations += 1;
            match bindings.operations.get(id) {
                Some(bound) => self.operation(operation, bound),
                None => self.note(id, "the bindings do not have it"),
            }
        }
        for id in bindings.operations.keys().filter(|id| !document.operations.contains_key(*id)) {
            self.note(id, "the document does not have it");
        }
    }

    fn operation(&mut self, operation: &'a Operation, bound: &'a Bound) {
        let id = &operation.id;
        if bound.verb.to_uppercase() != operation.method || bound.path != operation.path {
            let (verb, path) = (&bound.verb, &bound.path);
            self.note(id, &format!("{verb} {path} for {} {}", operation.method, operation.path));
        }
        self.parameters(operation, bound);
        match (&operation.body, &bound.body) {
            (None, None) => {}
            (Some((shape, required)), Some((kind, is_required))) => {
                self.counts.bodies += 1;
                if required != is_required {
                    self.note(id, "whether the body is required");
                }
                self.shape(shape, kind, &format!("{id}, body"));
            }
            (expected, _) => self.note(id, if expected.is_some() { "no body" } else { "a body" }),
        }
        self.reply(operation, bound);
        let redirects: Vec<u64> = operation
            .replies
            .iter()
            .map(|(status, _)| *status)
            .filter(|status| *status >= 300)
            .collect();
        if redirects != bound.accepts {
            self.note(id, &format!("accepts {:?}, not {redirects:?}", bound.accepts));
        }
    }

    fn parameters(&mut self, operation: &'a Operation, bound: &'a Bound) {
        let id = &operation.id;
        for parameter in &operation.parameters {
            self.counts.parameters += 1;
            let place = format!("{id}, {} parameter {}", parameter.place, parameter.name);
            let is_of = |section: &str| match section {
                "path" => parameter.place == "path",
                "header" | "required_header" => parameter.place == "header",
                _ => parameter.place == "query",
            };
            let mut found =
                bound.arguments.iter().filter(|it| it.wire == parameter.name && is_of(&it.section));
            let (Some(argument), None) = (found.next(), found.next()) else {
                self.note(&place, "does not occur exactly once");
                continue;
            };
            let (shape, is_list) = match &parameter.shape {
                Shape::List(items) => (&**items, true),
                shape => (shape, false),
            };
            let section = match (parameter.place.as_str(), parameter.required, is_list) {
                ("path", ..) => "path",
                ("header", true, _) => "required_header",
                ("header", false, _) => "header",
                (_, _, true) if parameter.joined_by.is_some() => "joined",
                (_, true, true) => "required_each",
                (_, false, true) => "each",
                (_, true, false) => "required",
                (_, false, false) => "query",
            };
            if argument.section != section {
                self.note(
                    &place,
                    &format!("is in the section {}, not {section}", argument.section),
                );
            }
            if argument.joined_by.is_some() && argument.joined_by != parameter.joined_by {
                self.note(&place, "its values are joined otherwise");
            }
            self.shape(shape, &argument.kind, &place);
        }
        if bound.arguments.len() > operation.parameters.len() {
            self.note(id, "has other parameters");
        }
        let in_path: Vec<&str> = bound
            .arguments
            .iter()
            .filter(|argument| argument.section == "path")
            .map(|argument| argument.wire.as_str())
            .collect();
        let due: Vec<&str> = operation
            .path
            .split('{')
            .skip(1)
            .filter_map(|rest| Some(rest.split_once('}')?.0))
            .collect();
        if in_path != due {
            self.note(id, "the arguments are not in the order of the path");
        }
    }

    /// The return type of a call, by status.
    fn reply(&mut self, operation: &'a Operation, bound: &'a Bound) {
        let place = format!("{}, reply", operation.id);
        let replies = &operation.replies;
        self.counts.replies += replies.len();
        let described: Vec<(u64, &Shape)> =
            replies.iter().filter_map(|(status, shape)| Some((*status, shape.as_ref()?))).collect();
        let output = &bound.output;
        let named = |name: &str| *output == Type::Named(name.to_owned());
        let Some((_, first)) = described.first() else {
            let is_empty = !replies.is_empty() && replies.iter().all(|(status, _)| *status == 204);
            let due = if is_empty || operation.method == "HEAD" {
                *output == Type::Unit
            } else {
                named("RawResponse")
            };
            if !due {
                self.note(&place, &format!("{output:?} for a reply that has no schema"));
            }
            return;
        };
        if operation.method == "HEAD" {
            if *output != Type::Unit {
                self.note(&place, "a HEAD has a reply");
            }
        } else if described.iter().any(|(_, shape)| **shape == Shape::Bytes) {
            if !named("Bytes") {
                self.note(&place, &format!("{output:?} for bytes"));
            }
        } else if described.iter().all(|(_, shape)| shape == first) {
            let is_always = described.len() == replies.len();
            match output {
                Type::Of(option, kind) if option == "Option" && !is_always => {
                    self.shape(first, kind, &place)
                }
                kind if is_always => self.shape(first, kind, &place),
                _ => self.note(&place, &format!("{output:?} for what may have no body")),
            }
        } else {
            let variants = match output {
                Type::Named(name) => self.bindings.replies.get(name),
                _ => None,
            };
            let Some(variants) = variants else {
                return self.note(&place, &format!("{output:?} for several replies"));
            };
            if variants.len() != described.len() {
                self.note(&place, "other statuses");
            }
            for ((status, shape), (known, kind)) in described.iter().zip(variants) {
                if *status.max(&200) != *known {
                    self.note(&place, &format!("{known} for {status}"));
                }
                self.shape(shape, kind, &place);
            }
        }
    }

    /// Compares a type with a shape. Records are compared later, once each.
    fn shape(&mut self, shape: &'a Shape, kind: &'a Type, place: &str) {
        let kind = kind.unboxed();
        let scalar = match shape {
            Shape::Boolean => "bool",
            Shape::Integer => "i64",
            Shape::Number => "f64",
            Shape::Text => "String",
            Shape::DateTime => "DateTime",
            Shape::Date => "Date",
            Shape::LocalDateTime => "LocalDateTime",
            Shape::Json => "Json",
            Shape::Bytes => "Bytes",
            _ => "",
        };
        match (shape, kind) {
            (Shape::List(items), Type::Of(outer, inner)) if outer == "Vec" => {
                self.shape(items, inner, place)
            }
            (Shape::Map(values), Type::Of(outer, inner)) if outer == "Map" => {
                self.shape(values, inner, place)
            }
            (Shape::Enum(values), Type::Named(name)) => {
                let name = self.bindings.resolve(name);
                self.counts.values += values.len();
                match self.bindings.enums.get(name) {
                    Some(known) if same(known, values) => {}
                    Some(_) => self.note(place, &format!("the enum {name} has other values")),
                    None => self.note(place, &format!("{name} is not an enum")),
                }
            }
            (Shape::Record(record), Type::Named(name)) => {
                let name = self.bindings.resolve(name).to_owned();
                let known = self.types.entry(record.clone()).or_insert_with(|| name.clone());
                let other = self.records.entry(name.clone()).or_insert_with(|| record.clone());
                if *known != name || other != record {
                    self.note(
                        place,
                        &format!("{name} for {record}, which is another type elsewhere"),
                    );
                } else {
                    self.ahead.push(record.clone());
                }
            }
            (_, Type::Named(name)) if name == scalar => {}
            _ => self.note(place, &format!("{kind:?} for {shape:?}")),
        }
    }

    fn records(&mut self) {
        let (document, bindings) = (self.document, self.bindings);
        let mut done = std::collections::BTreeSet::new();
        while let Some(record) = self.ahead.pop() {
            if !done.insert(record.clone()) {
                continue;
            }
            self.counts.records += 1;
            let name = self.types[&record].clone();
            if !record.contains('.') && plain(&name) != plain(&record) {
                self.note(&record, &format!("is called {name}"));
            }
            let Some(fields) = bindings.records.get(&name) else {
                self.note(&record, &format!("{name} is not a record"));
                continue;
            };
            let due = &document.records[&record];
            for (wire, shape) in due {
                self.counts.fields += 1;
                let mut found = fields.iter().filter(|(known, _)| known == wire);
                match (found.next(), found.next()) {
                    (Some((_, kind)), None) => {
                        self.shape(shape, kind, &format!("{record}, field {wire}"))
                    }
                    _ => {
                        self.note(&record, &format!("the field {wire} does not occur exactly once"))
                    }
                }
            }
            if fields.len() != due.len() {
                self.note(&record, "has other fields");
            }
        }
        for name in bindings.records.keys().filter(|name| !self.records.contains_key(*name)) {
            self.differences.push(format!("{name}: the document has no such record"));
        }
    }

    /// A conversion between records loses no fields.
    fn conversions(&mut self) {
        let bindings = self.bindings;
        for conversion in &bindings.conversions {
            self.counts.conversions += 1;
            let Conversion { from, to, fields } = conversion;
            let place = format!("{to} from {from}");
            let (Some(source), Some(due)) = (bindings.records.get(from), bindings.records.get(to))
            else {
                self.note(&place, "is not of records");
                continue;
            };
            if due.len() != *fields {
                self.note(&place, "does not set all fields");
            }
            for (wire, _) in due.iter().filter(|(wire, _)| !source.iter().any(|it| it.0 == *wire)) {
                self.note(&place, &format!("the field {wire} has no source"));
            }
        }
    }

    fn lists(&mut self) {
        let bindings = self.bindings;
        let by_call: BTreeMap<&str, &str> = bindings
            .operations
            .iter()
            .filter_map(|(id, bound)| Some((bound.call.as_deref()?, id.as_str())))
            .collect();
        for (listed, is_list) in bindings
            .lists
            .iter()
            .map(|it| (it, true))
            .chain(bindings.submits.iter().map(|it| (it, false)))
        {
            let Some(operation) =
                by_call.get(listed.call.as_str()).and_then(|id| self.document.operations.get(*id))
            else {
                self.note(&listed.call, "lists for no operation");
                continue;
            };
            if is_list {
                self.counts.lists += 1;
                self.list(operation, &listed.item, &listed.facts);
            } else {
                self.counts.submits += 1;
                self.submit(operation, listed);
            }
        }
        for (_, constant, facts) in &bindings.families {
            for (id, verb, path) in operations_in(facts) {
                // The path of the results may name its parameters differently than the submit.
                let is_known = self.document.operations.get(&id).is_some_and(|operation| {
                    operation.method == verb.to_uppercase() && form(&operation.path) == form(&path)
                });
                if !is_known {
                    self.note(constant, &format!("{verb} {path} ({id}) is not in the document"));
                }
            }
        }
    }

    /// `Scheme { items: [..], .. }` of an operation that returns a page.
    fn list(&mut self, operation: &'a Operation, item: &'a Type, facts: &[Token]) {
        let place = format!("{}, list", operation.id);
        let mut reader = Reader(facts.to_vec().into());
        let Ok(mut block) = reader.name().and_then(|_| reader.block('{', '}')) else {
            return self.note(&place, "is not understood");
        };
        let mut path = None;
        while let Ok(key) = block.name() {
            let value = value_of(&mut block);
            match key.as_str() {
                "items" => path = Some(texts(&value)),
                "page_size" => self.page_size(operation, &value),
                "maximum" | "minimum" => self.bound(operation, &key, &value),
                "token_in" => self.taken(operation, &value),
                _ => {}
            }
        }
        let Some(path) = path else { return self.note(&place, "has no items") };
        self.items(operation, item, &path);
    }

    /// Compares the item type at a path of a response.
    fn items(&mut self, operation: &'a Operation, item: &'a Type, path: &[String]) {
        let place = format!("{}, items", operation.id);
        let document = self.document;
        let Some(list) = document.reply(operation).and_then(|reply| document.at(reply, path))
        else {
            return self.note(&place, &format!("the reply has no {path:?}"));
        };
        let items = if list["type"] == "array" { &list["items"] } else { list };
        match self.expected(items) {
            Expected::Record(name) => match item {
                Type::Named(kind)
                    if self.types.get(name).is_some_and(|it| it == self.bindings.resolve(kind)) => {
                }
                _ => self.note(&place, &format!("{item:?} for {name}")),
            },
            Expected::Scalar(name) if *item == Type::Named(name.to_owned()) => {}
            Expected::Scalar(name) => self.note(&place, &format!("{item:?} for {name}")),
            Expected::Other => {}
        }
    }

    fn expected(&self, schema: &'a Value) -> Expected<'a> {
        let resolved = self.document.resolved(schema);
        match (referred(schema), resolved["type"].as_str()) {
            (Some(name), _) if self.types.contains_key(name) => Expected::Record(name),
            (_, Some("string"))
                if resolved.get("enum").is_none() && resolved.get("format").is_none() =>
            {
                Expected::Scalar("String")
            }
            (_, Some("integer")) => Expected::Scalar("i64"),
            (_, Some("object") | None)
                if resolved
                    .get("properties")
                    .is_none_or(|it| it == &Value::Object(Default::default()))
                    && !resolved["additionalProperties"].is_object() =>
            {
                Expected::Scalar("Json")
            }
            _ => Expected::Other,
        }
    }

    /// `[body] "name" as text|integer`
    fn page_size(&mut self, operation: &'a Operation, value: &[Token]) {
        let place = format!("{}, page size", operation.id);
        let Some(schema) = self.parameter(operation, value) else {
            return self.note(&place, "is not a parameter");
        };
        let is_text = value.last() == Some(&Token::Name("text".to_owned()));
        if is_text != (schema["type"] == "string") {
            self.note(&place, "has another type");
        }
    }

    /// Compares a documented bound with the bindings.
    fn bound(&mut self, operation: &'a Operation, key: &str, value: &[Token]) {
        let Some(schema) = operation_size(self.document, operation) else { return };
        if let ([Token::Number(number)], Some(stated)) = (value, schema[key].as_u64())
            && *number != stated
            && stated > 1
        {
            self.note(
                &format!("{}, page size", operation.id),
                &format!("{key} {number} for {stated}"),
            );
        }
    }

    fn taken(&mut self, operation: &'a Operation, value: &[Token]) {
        if self.parameter(operation, value).is_none() {
            self.note(&format!("{}, token", operation.id), "is not a parameter");
        }
    }

    /// The schema of `query "name"`, `body "path"` or `"name"`.
    fn parameter(&self, operation: &'a Operation, value: &[Token]) -> Option<&'a Value> {
        let name = value.iter().find_map(|token| match token {
            Token::Text(name) => Some(name),
            _ => None,
        })?;
        if value.first() == Some(&Token::Name("body".to_owned())) {
            let path: Vec<String> = name.split('.').map(str::to_owned).collect();
            let schema = operation.body_schema.as_ref()?;
            return self.document.at(schema, &path);
        }
        let found =
            operation.parameters.iter().find(|it| it.place == "query" && it.name == *name)?;
        Some(&found.json)
    }

    /// `"id" Verb "path" FAMILY`
    fn submit(&mut self, operation: &'a Operation, listed: &'a Listed) {
        let place = format!("{}, job", operation.id);
        let [Token::Text(id), Token::Name(verb), Token::Text(path), Token::Name(family), ..] =
            &listed.facts[..]
        else {
            return self.note(&place, "is not understood");
        };
        if *id != operation.id || verb.to_uppercase() != operation.method || *path != operation.path
        {
            self.note(&place, &format!("submits {verb} {path} ({id})"));
        }
        let home = self.bindings.homes.get(&listed.call);
        let mut families = self.bindings.families.iter();
        let found = families.find(|(file, constant, _)| Some(file) == home && constant == family);
        let Some((_, _, facts)) = found else {
            return self.note(&place, &format!("no family {family}"));
        };
        // Results that an operation lists.
        let at = facts
            .windows(2)
            .position(|pair| *pair == [Token::Name("results".to_owned()), Token::Mark(':')]);
        let Some(results) = at.map(|at| &facts[at + 2..]) else {
            return self.note(&place, "no results");
        };
        if results.first() == Some(&Token::Name("list".to_owned())) {
            let Some((by, ..)) = operations_in(results).into_iter().next() else { return };
            let by = self.document.operations.get(&by);
            let items = results
                .windows(2)
                .position(|pair| *pair == [Token::Name("items".to_owned()), Token::Mark(':')]);
            if let (Some(by), Some(at)) = (by, items) {
                let end =
                    results[at..].iter().position(|token| *token == Token::Mark(']')).unwrap_or(0);
                let path = texts(&results[at..at + end]);
                let is_list = |it: &&Value| it["type"] == "array";
                let reply = self.document.reply(by);
                if !path.is_empty()
                    || reply.map(|it| self.document.resolved(it)).as_ref().is_some_and(is_list)
                {
                    self.items(by, &listed.item, &path);
                }
            }
        }
    }
}

enum Expected<'a> {
    Record(&'a str),
    Scalar(&'static str),
    Other,
}

fn operation_size<'a>(document: &'a Document, operation: &'a Operation) -> Option<&'a Value> {
    let query = operation.parameters.iter().find(|it| it.name == "pageSize").map(|it| &it.json);
    let body = || {
        let schema = operation.body_schema.as_ref()?;
        document.at(schema, &["pageSize".to_owned()])
    };
    query.or_else(body)
}

/// The operations in a list of facts: `"id" Verb "path"`.
fn operations_in(facts: &[Token]) -> Vec<(String, String, String)> {
    facts
        .windows(3)
        .filter_map(|window| match window {
            [Token::Text(id), Token::Name(verb), Token::Text(path)] if path.starts_with('/') => {
                Some((id.clone(), verb.clone(), path.clone()))
            }
            _ => None,
        })
        .collect()
}

/// `: ..` up to the comma that ends it.
fn value_of(reader: &mut Reader) -> Vec<Token> {
    let mut value = Vec::new();
    let mut depth = 0;
    while let Some(token) = reader.0.pop_front() {
        match token {
            Token::Mark('[' | '(') => depth += 1,
            Token::Mark(']' | ')') => depth -= 1,
            Token::Mark(',') if depth == 0 => break,
            _ => {}
        }
        if token != Token::Mark(':') {
            value.push(token);
        }
    }
    value
}

fn texts(tokens: &[Token]) -> Vec<String> {
    let texts = tokens.iter().filter_map(|token| match token {
        Token::Text(text) => Some(text.clone()),
        _ => None,
    });
    texts.collect()
}

fn same(known: &[String], due: &[String]) -> bool {
    let sorted = |values: &[String]| {
        let mut values = values.to_vec();
        values.sort();
        values
    };
    sorted(known) == sorted(due)
}

/// A name without the changes for Rust.
fn plain(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).collect::<String>().to_lowercase()
}

/// A path without the names of its parameters.
fn form(path: &str) -> String {
    let segments = path.split('/').map(|it| if it.starts_with('{') { "{}" } else { it });
    segments.collect::<Vec<_>>().join("/")
}
