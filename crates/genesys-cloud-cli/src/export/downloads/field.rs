//! The field of a record that has URLs of files.

use genesys_cloud_catalogue::{Catalogue, Kind, Schema};
use genesys_cloud_core::lenient;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::failure::Failure;
use crate::resolve::{nearest, quoted};

/// Depth to which fields with URLs are searched in a record.
const DEPTH: usize = 5;

/// Number of fields with URLs to name in an error.
const NAMED: usize = 6;

/// Stands for each entry of an object or list.
const EACH: &str = "*";

/// The path of the URLs of files in a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UrlField {
    steps: Vec<String>,
}

/// A value of the field.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Where it is in the record, such as `mediaUris.S.mediaUri`.
    pub(super) path: String,
    /// `None` if it is not a text.
    pub(super) url: Option<String>,
}

impl UrlField {
    /// Finds the field in the schema of the records. Fails if the document describes them without it, or as no text.
    pub(super) fn new(text: &str, item: Option<&Schema>, unchecked: bool) -> Result<Self, Failure> {
        let of = |text: &str| Self { steps: text.split('.').map(str::to_owned).collect() };
        let Some(item) = item.filter(|_| !unchecked) else { return Ok(of(text)) };
        let known = url_fields(item);
        let refused = |why: String| {
            let failure = Failure::usage(format!("--download {text}: {why}"));
            let near = nearest(text, known.iter().cloned(), 2);
            match (near.is_empty(), known.is_empty()) {
                (false, _) => failure.advise(format!("did you mean {}?", quoted(&near))),
                (true, false) => {
                    let named = known.len().min(NAMED);
                    let others = match known.len() - named {
                        0 => String::new(),
                        others => format!(" and {others} others"),
                    };
                    let names = known[..named].join(", ");
                    failure.advise(format!("fields with URLs: {names}{others}"))
                }
                (true, true) => failure.advise("the records have no field with a URL"),
            }
        };
        if !text.contains('.') && resolved(item).property(text).is_none() {
            let is_named = |path: &&String| path.rsplit('.').next() == Some(text);
            return match &known.iter().filter(is_named).cloned().collect::<Vec<_>>()[..] {
                [path] => Ok(of(path)),
                [] => Err(refused(format!("records have no field `{text}`"))),
                paths => Err(Failure::usage(format!(
                    "--download {text}: records have several fields of this name"
                ))
                .advise(format!("choose one of {}", quoted(paths)))),
            };
        }
        let field = of(text);
        match field.schema(item) {
            Err(name) => Err(refused(format!("records have no field `{name}`"))),
            Ok(Some(found)) if !matches!(found.kind, None | Some(Kind::String)) => {
                Err(refused("it is not a text, so it is not a URL".to_owned()))
            }
            Ok(_) => Ok(field),
        }
    }

    /// Returns the schema of a value, if the document describes it. Fails with the path of a field that it lacks.
    fn schema<'a>(&self, item: &'a Schema) -> Result<Option<&'a Schema>, String> {
        let mut schema = resolved(item);
        for (at, step) in self.steps.iter().enumerate() {
            match &schema.items {
                Some(items) if step == EACH => {
                    schema = resolved(items);
                    continue;
                }
                Some(items) => schema = resolved(items),
                None => {}
            }
            let of_map = schema.additional_properties.as_deref();
            let next = match step == EACH {
                true => of_map,
                false => schema.property(step).or(of_map.filter(|_| schema.properties.is_empty())),
            };
            schema = match next {
                Some(next) => resolved(next),
                None if schema.properties.is_empty() && schema.kind.is_none() => return Ok(None),
                None => return Err(self.steps[..=at].join(".")),
            };
        }
        while let Some(items) = &schema.items {
            schema = resolved(items);
        }
        Ok(Some(schema))
    }

    /// Returns the values in a record. Absent, null and empty ones are none.
    pub(super) fn find(&self, record: &RawValue) -> Vec<Found> {
        let mut found = Vec::new();
        let Some((first, rest)) = self.steps.split_first() else { return found };
        if first == EACH {
            let value = parse(record.get());
            walk(&value, &self.steps, String::new(), &mut found);
        } else if let Some(value) = lenient::at(record.get(), &format!("/{first}")) {
            walk(&parse(value), rest, first.clone(), &mut found);
        }
        found
    }
}

/// Parses JSON that the API sent. It was validated, but a text may have half of a surrogate pair.
fn parse(json: &str) -> Value {
    let clean = lenient::clean(json, false);
    serde_json::from_str(&clean).unwrap_or_default()
}

fn resolved(schema: &Schema) -> &Schema {
    Catalogue::embedded().resolve(schema)
}

fn walk(value: &Value, steps: &[String], path: String, found: &mut Vec<Found>) {
    let join = |name: &str| match path.is_empty() {
        true => name.to_owned(),
        false => format!("{path}.{name}"),
    };
    match (value, steps.split_first()) {
        (Value::Null, _) => {}
        (Value::Array(values), next) => {
            let rest = match next {
                Some((step, rest)) if step == EACH => rest,
                _ => steps,
            };
            for (at, value) in values.iter().enumerate() {
                walk(value, rest, join(&at.to_string()), found);
            }
        }
        (Value::String(text), None) if text.trim().is_empty() => {}
        (Value::String(text), None) => found.push(Found { path, url: Some(text.clone()) }),
        (Value::Object(fields), Some((step, rest))) if step == EACH => {
            for (name, value) in fields {
                walk(value, rest, join(name), found);
            }
        }
        (Value::Object(fields), Some((step, rest))) => {
            if let Some(value) = fields.get(step) {
                walk(value, rest, join(step), found);
            }
        }
        (_, _) => found.push(Found { path, url: None }),
    }
}

/// Returns the paths of fields that have URLs, by their names, except links to the records themselves. Those with the
/// fewest steps come first.
fn url_fields(item: &Schema) -> Vec<String> {
    let mut paths = Vec::new();
    collect(item, String::new(), DEPTH, &mut paths);
    // Those with many steps are often of users that the record names.
    paths.sort_by_key(|path| path.split('.').filter(|step| *step != EACH).count());
    paths
}

fn collect(schema: &Schema, path: String, depth: usize, paths: &mut Vec<String>) {
    if depth == 0 {
        return;
    }
    let mut schema = resolved(schema);
    while let Some(items) = &schema.items {
        schema = resolved(items);
    }
    let join = |name: &str| match path.is_empty() {
        true => name.to_owned(),
        false => format!("{path}.{name}"),
    };
    for (name, field) in &schema.properties {
        let lower = name.to_ascii_lowercase();
        let is_url = ["uri", "url", "uris", "urls"].iter().any(|end| lower.ends_with(end));
        let mut of = resolved(field);
        while let Some(items) = &of.items {
            of = resolved(items);
        }
        match of.kind {
            Some(Kind::String) if is_url && name != "selfUri" => paths.push(join(name)),
            Some(Kind::String) => {}
            _ => collect(field, join(name), depth - 1, paths),
        }
    }
    if let Some(values) = &schema.additional_properties {
        collect(values, join(EACH), depth - 1, paths);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recording() -> Option<&'static Schema> {
        Catalogue::embedded().definition("Recording")
    }

    fn found(field: &UrlField, json: &str) -> Vec<(String, Option<String>)> {
        let record = RawValue::from_string(json.to_owned()).expect("JSON");
        field.find(&record).into_iter().map(|it| (it.path, it.url)).collect()
    }

    #[test]
    fn finds_a_field_by_its_path_or_its_only_name() {
        let whole = UrlField::new("mediaUris.*.mediaUri", recording(), false).expect("a path");
        assert_eq!(UrlField::new("mediaUri", recording(), false).expect("a name"), whole);
        for (text, why, advice) in [
            ("mediaUrl", "records have no field `mediaUrl`", "mediaUris.*.mediaUri"),
            ("mediaUris.*.uri", "records have no field `mediaUris.*.uri`", "mediaUri"),
            ("mediaUris", "it is not a text", "mediaUri"),
            ("outputDurationMs", "it is not a text", ""),
        ] {
            let failure = UrlField::new(text, recording(), false).expect_err(text);
            assert!(failure.to_string().contains(why), "{failure}");
            assert!(failure.advice()[0].contains(advice), "{:?}", failure.advice());
        }
        UrlField::new("anything.at.all", recording(), true).expect("unchecked");
        UrlField::new("anything.at.all", None, false).expect("not described");
    }

    #[test]
    fn finds_texts_in_objects_and_lists_and_reports_other_values() {
        let field = UrlField::new("a.*.u", None, false).expect("a field");
        let some = |path: &str, url: &str| (path.to_owned(), Some(url.to_owned()));
        for (json, expected) in [
            (r#"{"a":{"S":{"u":"1"},"T":{"u":null},"V":{}}}"#, vec![some("a.S.u", "1")]),
            (
                r#"{"a":[{"u":["1","2"]},{"u":" "}]}"#,
                vec![some("a.0.u.0", "1"), some("a.0.u.1", "2")],
            ),
            (r#"{"a":{"S":{"u":5}}}"#, vec![("a.S.u".to_owned(), None)]),
            (r#"{"a":"text"}"#, vec![("a".to_owned(), None)]),
            (r#"{"a":{"S":{"u":"\ud800"}}}"#, vec![some("a.S.u", "\u{fffd}")]),
            (r#"{"b":1}"#, vec![]),
            ("7", vec![]),
        ] {
            assert_eq!(found(&field, json), expected, "{json}");
        }
    }
}
