use genesys_cloud_catalogue::{Catalogue, Kind, Schema};

use super::{ACTIVE, DELETED, Field, INACTIVE, Object, Range, Shape, Text};
use crate::media::{AUDIO_BYTES, AUDIO_MILLISECONDS, AUDIO_TYPE, Media};
use crate::name::Noun;
use crate::record_types::RecordTypes;
use crate::rng::hash;

/// Down to this depth objects have all fields.
const FULL_TO: usize = 1;
/// Down to this depth objects have scalar and required fields.
const PLAIN_TO: usize = 3;
/// Down to this depth objects have required fields. Deeper objects are empty, because some definitions require
/// themselves.
const REQUIRED_TO: usize = 6;

/// Lists that objects have at any depth, by definition and field: a conversation is little without its segments.
const PARTS: &[(&str, &str)] = &[
    ("AnalyticsParticipant", "sessions"),
    ("AnalyticsParticipantWithoutAttributes", "sessions"),
    ("AnalyticsSession", "segments"),
];

/// Turns schemas into shapes.
pub(super) struct Compiler<'a> {
    pub(super) catalogue: &'a Catalogue,
}

impl Compiler<'_> {
    /// Returns the shape of a field in an object called `owner`.
    pub(super) fn shape(&self, owner: &str, name: &str, schema: &Schema, depth: usize) -> Shape {
        // The name of a field says more than the name of a mere reference type.
        let is_named = |definition: &&str| name.is_empty() || !definition.ends_with("Ref");
        let definition = schema.reference.as_deref();
        let noun = definition.filter(is_named).unwrap_or(name);
        let record_type = RecordTypes::embedded().of_object(name, definition);
        let schema = self.catalogue.resolve(schema);
        match schema.kind {
            _ if !schema.values.is_empty() => {
                let values = schema.values.iter().map(|value| value.to_string().into_bytes());
                let values: Vec<_> = values.collect();
                let has = |state: &[u8]| values.iter().any(|value| value == state);
                match name == "state" && has(ACTIVE) && has(INACTIVE) && has(DELETED) {
                    true => Shape::State(values),
                    false => Shape::Choice(values),
                }
            }
            Some(Kind::Boolean) => Shape::Boolean,
            Some(Kind::Integer) if name == "id" => Shape::Integer(Range::of_ids(schema)),
            Some(Kind::Integer) => Shape::Integer(match (owner, name) {
                ("Recording", "outputSizeInBytes") => Range::only(AUDIO_BYTES),
                ("Recording", "outputDurationMs") => Range::only(AUDIO_MILLISECONDS),
                _ => Range::of(schema, 1.0),
            }),
            Some(Kind::Number) => Shape::Hundredths(Range::of(schema, 100.0)),
            Some(Kind::String | Kind::File) => Shape::Text(text(owner, name, schema)),
            Some(Kind::Array) => {
                let any = Schema::default();
                let item = schema.items.as_deref().unwrap_or(&any);
                let singular = name.strip_suffix('s').unwrap_or(name);
                Shape::Array(Box::new(self.shape(owner, singular, item, depth + 1)))
            }
            _ => self.object((noun, record_type), schema, depth),
        }
    }

    fn object(
        &self,
        (noun, record_type): (&str, Option<usize>),
        schema: &Schema,
        depth: usize,
    ) -> Shape {
        if schema.properties.is_empty() {
            // Any fields are allowed. An id as the value distinguishes such records, like rows of a data table.
            let value = schema.additional_properties.as_deref().filter(|_| depth > 0);
            let shape = match value {
                Some(value) => self.shape(noun, "value", value, depth + 1),
                None => Shape::Text(Text::Id),
            };
            return Shape::Map(Box::new(shape));
        }
        // A record without an id is identified by all its fields.
        let has_id = schema.property("id").is_some();
        let identified_by_all = depth == 0 && !has_id;
        // A nested entity is little more than a reference.
        let full = depth == 0 || (depth <= FULL_TO && !has_id);
        let mut fields = Vec::new();
        for (name, property) in &schema.properties {
            let required = schema.required.contains(name);
            let wanted = full || required || (depth <= PLAIN_TO && self.is_plain(property));
            // The elements of such a list have their scalar fields.
            let is_part = PARTS.contains(&(noun, name));
            let depth = if is_part { PLAIN_TO - 2 } else { depth };
            if depth > REQUIRED_TO || !(wanted || is_part) {
                continue;
            }
            let mut shape = self.shape(noun, name, property, depth + 1);
            if let Shape::Text(Text::Name(_, referred)) = &mut shape {
                let types = RecordTypes::embedded().all();
                let record_type = record_type.and_then(|number| types.get(number));
                *referred = record_type.map(|it| Noun::of_definition(it.name));
            }
            let own = name == "id"
                || matches!(shape, Shape::Text(Text::Id | Text::Name(..) | Text::SelfUri));
            fields.push(Field {
                key: format!("{}:", serde_json::Value::from(name.as_str())).into_bytes(),
                salt: hash(name),
                constant: own || required || identified_by_all,
                name: name.clone(),
                shape,
            });
        }
        let collection = Noun::of_definition(noun).collection();
        Shape::Object(Object { fields, record_type, collection })
    }

    fn is_plain(&self, schema: &Schema) -> bool {
        let kind = self.catalogue.resolve(schema).kind;
        !matches!(kind, None | Some(Kind::Array | Kind::Object))
    }
}

/// Returns a string generator that suits the name of a field.
fn text(owner: &str, name: &str, schema: &Schema) -> Text {
    let has = |part: &str| name.to_ascii_lowercase().contains(part);
    let late = ["modif", "end", "updat", "complet", "last"].iter().any(|part| has(part));
    match schema.format.as_deref() {
        Some("date-time") => return Text::DateTime { late },
        Some("date") => return Text::Date { late },
        Some("local-date-time") => return Text::LocalDateTime,
        Some("year-month") => return Text::Month,
        _ => {}
    }
    let is_uuid = schema.format.as_deref() == Some("uuid")
        || schema.pattern.as_deref().is_some_and(|pattern| pattern.contains("{8}-"));
    let numbered = |before: &str, after| Text::Numbered(before.to_owned(), after);
    if let Some(media) = Media::of_field(owner, name) {
        return Text::Media(media);
    }
    if (owner, name) == ("BatchDownloadJobResult", "contentType") {
        return Text::Fixed(AUDIO_TYPE);
    }
    match name {
        "id" => Text::Id,
        "name" => Text::Name(Noun::of_definition(owner), None),
        "selfUri" => Text::SelfUri,
        "createdBy" | "modifiedBy" => Text::OtherId,
        _ if is_uuid || name.ends_with("Id") => {
            RecordTypes::embedded().of_field(name).map_or(Text::OtherId, Text::IdOf)
        }
        _ if schema.format.as_deref() == Some("uri") => numbered("https://example.com/", ""),
        _ if has("email") => numbered("agent", "@example.com"),
        _ if has("phone") || has("address") || has("number") => numbered("+1317555", ""),
        _ if has("language") || has("locale") => Text::Fixed("en-US"),
        _ if has("timezone") => Text::Fixed("America/New_York"),
        _ => numbered(&format!("{name} "), ""),
    }
}
