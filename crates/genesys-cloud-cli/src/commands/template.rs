//! Request bodies with placeholders.

use genesys_cloud_catalogue::{Catalogue, Kind, Schema};
use serde_json::Value;

/// Depth below which optional objects are left empty: some types have thousands of fields.
const DEEPEST: usize = 3;

/// Returns a body with all fields of a type, as indented JSON: required fields first, then the others in the order of
/// the document. Omits read-only fields. A type within itself is empty.
pub(super) fn body(schema: &Schema) -> String {
    let mut text = String::new();
    Writer { text: &mut text, path: Vec::new() }.value(schema, true);
    text
}

struct Writer<'a, 'b> {
    text: &'a mut String,
    /// The types around the current one.
    path: Vec<&'b Schema>,
}

impl<'b> Writer<'_, 'b> {
    fn value(&mut self, schema: &'b Schema, is_required: bool) {
        let schema: &'b Schema = Catalogue::embedded().resolve(schema);
        let is_within_itself = self.path.iter().any(|known| std::ptr::eq(*known, schema));
        let is_too_deep = self.path.len() > DEEPEST && !is_required;
        match schema.kind {
            _ if !schema.values.is_empty() => *self.text += &schema.values[0].to_string(),
            Some(Kind::Array) if is_within_itself || is_too_deep => *self.text += "[]",
            Some(Kind::Array) => self.list(schema),
            Some(Kind::Boolean) => *self.text += "false",
            Some(Kind::Integer | Kind::Number) => self.number(schema),
            Some(Kind::String | Kind::File) => {
                let text = placeholder(schema.format.as_deref());
                *self.text += &Value::from(text).to_string();
            }
            _ if is_within_itself || is_too_deep => *self.text += "{}",
            _ => self.object(schema),
        }
    }

    /// Writes the least number that is allowed, or 0.
    fn number(&mut self, schema: &Schema) {
        let least = schema.minimum.filter(|least| *least > 0.0).unwrap_or(0.0);
        *self.text += &format!("{}", least.ceil());
    }

    fn list(&mut self, schema: &'b Schema) {
        let Some(items) = schema.items.as_deref() else { return *self.text += "[]" };
        let inner = Catalogue::embedded().resolve(items);
        if self.path.iter().any(|known| std::ptr::eq(*known, inner)) {
            return *self.text += "[]";
        }
        self.path.push(schema);
        *self.text += "[";
        self.line();
        self.value(items, false);
        self.path.pop();
        self.line();
        *self.text += "]";
    }

    fn object(&mut self, schema: &'b Schema) {
        let is_required = |name: &String| schema.required.contains(name);
        let known = || schema.properties.iter().filter(|(_, it)| !it.read_only);
        let required = known().filter(|(name, _)| is_required(name));
        let fields = required.chain(known().filter(|(name, _)| !is_required(name)));
        self.path.push(schema);
        let mut is_empty = true;
        let fields = fields.map(|(name, it)| (name.as_str(), it));
        let entry =
            schema.additional_properties.as_deref().filter(|_| schema.properties.is_empty());
        for (name, it) in fields.chain(entry.map(|it| ("key", it))) {
            *self.text += if is_empty { "{" } else { "," };
            is_empty = false;
            self.line();
            *self.text += &format!("{}: ", Value::from(name));
            self.value(it, schema.required.iter().any(|known| known == name));
        }
        self.path.pop();
        if is_empty {
            return *self.text += "{}";
        }
        self.line();
        *self.text += "}";
    }

    fn line(&mut self) {
        self.text.push('\n');
        self.text.extend(std::iter::repeat_n("  ", self.path.len()));
    }
}

fn placeholder(format: Option<&str>) -> &'static str {
    match format {
        Some("date") => "2024-05-01",
        Some("date-time") => "2024-05-01T00:00:00Z",
        Some("interval") => "2024-05-01T00:00:00Z/2024-05-02T00:00:00Z",
        Some("uri" | "url") => "https://example.com",
        _ => "text",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;
    use crate::body::faults;

    fn template(operation: &str) -> String {
        let entry = Catalogue::embedded().operation(operation).expect(operation);
        body(&entry.body.as_ref().expect("a body").schema)
    }

    #[test]
    fn every_template_is_a_valid_body() {
        let mut count = 0;
        for entry in Catalogue::embedded().operations() {
            let Some(known) = &entry.body else { continue };
            let text = body(&known.schema);
            assert!(text.len() < 200_000, "{}: {} bytes", entry.id, text.len());
            let json: &RawValue = serde_json::from_str(&text)
                .unwrap_or_else(|error| panic!("{}: {error}\n{text}", entry.id));
            let found = faults(&known.schema, json);
            assert!(found.is_empty(), "{}: {found:?}", entry.id);
            count += 1;
        }
        assert!(count > 1_000, "{count}");
    }

    #[test]
    fn required_fields_come_first_and_read_only_ones_are_omitted() {
        let text = template("postRoutingQueues");
        assert!(text.starts_with("{\n  \"name\": \"text\",\n"), "{text}");
        assert!(!text.contains("\n  \"selfUri\""), "{text}");
        for part in ["\"enableTranscription\": false", "\"skillEvaluationMethod\": \"NONE\""] {
            assert!(text.contains(part), "{text}");
        }
    }
}
