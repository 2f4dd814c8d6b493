//! Bodies and responses by format.

use super::read::Reader;
use super::source::{Format, Node};
use super::{Body, Kind, Reply, Schema};
use crate::json::Json;
use crate::notes::Rule;

/// How suitable a format is, best first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Suits {
    Json,
    /// A JSON-based format, such as `application/scim+json`.
    KindOfJson,
    Anything,
    No,
}

/// The format without its parameters (`; charset=utf-8`).
fn essence(format: &str) -> String {
    format.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn suits(format: &str) -> Suits {
    match essence(format).as_str() {
        "application/json" | "text/json" => Suits::Json,
        format if format.ends_with("+json") => Suits::KindOfJson,
        "*/*" | "application/*" => Suits::Anything,
        _ => Suits::No,
    }
}

/// Whether a body of this format can be JSON.
pub(super) fn is_json(format: &str) -> bool {
    suits(format) != Suits::No
}

fn is_text(format: &str) -> bool {
    essence(format).starts_with("text/")
}

impl<'a> Reader<'_, 'a> {
    /// The body of OpenAPI 3.
    pub(super) fn request_body(
        &self,
        operation: &Node<'a>,
        missing: &mut Option<String>,
    ) -> Option<Body> {
        let source = self.source;
        let node = source.follow(&operation.get("requestBody")?)?;
        if !node.json.is_object() {
            source.note_kind(&node, "an object");
            return None;
        }
        let required = source.flag(&node, "required");
        let Some((format, form)) = self.best(&node) else {
            self.leave_out_body(&node, "of no stated format", required, missing);
            return None;
        };
        let schema = match form.get("schema") {
            Some(schema) if is_json(format) => self.schemas.schema(&schema),
            _ => Kind::Any.into(),
        };
        if !is_json(format) || schema.kind == Kind::Binary {
            self.leave_out_body(&node, format, required, missing);
            return None;
        }
        Some(Body { required, schema })
    }

    /// The most suitable format of a body or response.
    fn best(&self, node: &Node<'a>) -> Option<(&'a str, Node<'a>)> {
        let formats = self.source.object(node, "content");
        formats.into_iter().min_by_key(|(format, _)| (suits(format), *format))
    }

    /// The success responses, ordered by status.
    pub(super) fn replies(&self, operation: &Node<'a>) -> Vec<Reply> {
        let source = self.source;
        if !operation.has("responses") {
            source.note(Rule::Replies, operation, "it has no `responses`");
        }
        let codes = source.object(operation, "responses");
        let has_200 = codes.iter().any(|(code, _)| *code == "200");
        let mut replies = Vec::new();
        for (code, node) in codes {
            if code.starts_with("x-") {
                continue;
            }
            let status = match code.to_ascii_uppercase().as_str() {
                "DEFAULT" => None,
                "2XX" if has_200 => continue,
                "2XX" => Some(200),
                "1XX" | "3XX" | "4XX" | "5XX" => continue,
                number => match number.parse::<u16>() {
                    Ok(status) if (100..600).contains(&status) => Some(status),
                    _ => {
                        source.note(Rule::Replies, &node, format!("`{code}` is not a status"));
                        continue;
                    }
                },
            };
            if status.is_none_or(|status| (200..400).contains(&status)) {
                replies.push(Reply { status, schema: self.reply(operation, &node) });
            }
        }
        // If there are other responses, `default` describes errors.
        if replies.iter().any(|reply| reply.status.is_some()) {
            replies.retain(|reply| reply.status.is_some());
        }
        replies.sort_by_key(|reply| reply.status);
        replies
    }

    /// The schema of a response.
    fn reply(&self, operation: &Node<'a>, node: &Node<'a>) -> Option<Schema> {
        let source = self.source;
        let node = source.follow(node)?;
        if !node.json.is_object() {
            source.note_kind(&node, "an object");
            return None;
        }
        if source.format == Format::Swagger2 {
            let schema = self.schemas.schema(&node.get("schema")?);
            let holder = if operation.has("produces") { operation } else { &source.root };
            let formats = source.texts(holder, "produces");
            let may_be_text = |it: &String| is_json(it) || is_text(it);
            let is_file = !formats.is_empty()
                && !formats.iter().any(may_be_text)
                && matches!(schema.kind, Kind::Text { .. });
            return Some(if is_file { Kind::Binary.into() } else { schema });
        }
        let (format, form) = self.best(&node)?;
        self.note_other_formats(&node, format, form.json);
        match is_json(format) {
            true => form.get("schema").map(|schema| self.schemas.schema(&schema)),
            false if is_text(format) => Some(Kind::Text { format: None }.into()),
            false => Some(Kind::Binary.into()),
        }
    }

    /// Notes the other formats of a response, if their schemas differ.
    fn note_other_formats(&self, node: &Node<'a>, taken: &str, form: &Json) {
        let others: Vec<&str> = self
            .source
            .object(node, "content")
            .into_iter()
            .filter(|(format, other)| {
                let is_same = is_json(format) == is_json(taken)
                    && other.json.get("schema") == form.get("schema");
                *format != taken && !is_same
            })
            .map(|(format, _)| format)
            .collect();
        if !others.is_empty() {
            let what = format!("`{taken}` is read, not {}", others.join(", "));
            self.source.note(Rule::ReplyMedia, node, what);
        }
    }
}
