//! The events of `--log json`, and their schema.

/// The JSON Schema of an event: `genesys-cloud schema events`.
pub(crate) const SCHEMA: &str = include_str!("events.schema.json");

/// Checks an event against the schema, in debug builds only.
#[cfg(not(debug_assertions))]
pub(crate) fn check(_: &str, _: &serde_json::Value) {}

#[cfg(debug_assertions)]
pub(crate) use self::checked::check;

#[cfg(debug_assertions)]
mod checked {
    use std::sync::LazyLock;

    use serde_json::{Map, Value};

    use super::SCHEMA;

    static EVENTS: LazyLock<Value> =
        LazyLock::new(|| serde_json::from_str(SCHEMA).unwrap_or_default());

    /// Panics if an event does not match the schema.
    pub(crate) fn check(event: &str, facts: &Value) {
        let mut whole = facts.clone();
        whole["event"] = event.into();
        whole["time"] = "".into();
        let known = EVENTS["oneOf"].as_array().into_iter().flatten();
        let schema = known.clone().find(|it| it["properties"]["event"]["const"] == event);
        let faults = match schema {
            Some(schema) => faults(schema, &whole, ""),
            None => vec!["events.schema.json does not have this event".to_owned()],
        };
        assert!(
            faults.is_empty(),
            "the event {event} does not match its schema: {faults:?} {whole}"
        );
    }

    /// Returns how a value differs from a schema. Supports only the keywords that the schema of events uses.
    pub(super) fn faults(schema: &Value, value: &Value, path: &str) -> Vec<String> {
        let Some(schema) = schema.as_object() else { return vec![format!("{path}: no schema")] };
        let mut faults = Vec::new();
        for (keyword, wanted) in schema {
            let fits = match keyword.as_str() {
                "description" => true,
                "type" => has_type(wanted, value),
                "const" => wanted == value,
                "enum" => wanted.as_array().is_some_and(|all| all.contains(value)),
                "minimum" => value.as_f64() >= wanted.as_f64() || value.is_null(),
                "maximum" => value.as_f64() <= wanted.as_f64(),
                "required" => wanted.as_array().is_some_and(|names| {
                    names.iter().filter_map(Value::as_str).all(|name| value.get(name).is_some())
                }),
                "additionalProperties" => {
                    *wanted != false || only_known(schema.get("properties"), value)
                }
                "properties" | "items" => {
                    faults.extend(inner(keyword, wanted, value, path));
                    true
                }
                _ => false,
            };
            if !fits {
                faults.push(format!("{path}: {keyword} {wanted}"));
            }
        }
        faults
    }

    fn inner(keyword: &str, wanted: &Value, value: &Value, path: &str) -> Vec<String> {
        let none = Map::new();
        match (keyword, value) {
            ("properties", Value::Object(fields)) => {
                let known = wanted.as_object().unwrap_or(&none).iter();
                let present =
                    known.filter_map(|(name, schema)| Some((name, schema, fields.get(name)?)));
                present
                    .flat_map(|(name, schema, it)| faults(schema, it, &format!("{path}/{name}")))
                    .collect()
            }
            ("items", Value::Array(items)) => {
                items.iter().flat_map(|item| faults(wanted, item, &format!("{path}/[]"))).collect()
            }
            _ => Vec::new(),
        }
    }

    fn only_known(properties: Option<&Value>, value: &Value) -> bool {
        let known = |name: &String| properties.is_some_and(|all| all.get(name).is_some());
        value.as_object().is_none_or(|fields| fields.keys().all(known))
    }

    fn has_type(wanted: &Value, value: &Value) -> bool {
        let is = |kind: &Value| match kind.as_str() {
            Some("null") => value.is_null(),
            Some("boolean") => value.is_boolean(),
            Some("integer") => value.is_i64() || value.is_u64(),
            Some("number") => value.is_number(),
            Some("string") => value.is_string(),
            Some("array") => value.is_array(),
            Some("object") => value.is_object(),
            _ => false,
        };
        match wanted {
            Value::Array(kinds) => kinds.iter().any(is),
            kind => is(kind),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::checked::{check, faults};
    use super::*;
    use crate::exit::ROWS;

    fn schema() -> Value {
        serde_json::from_str(SCHEMA).expect("JSON")
    }

    #[test]
    fn the_schema_lists_all_exit_names() {
        let names: Vec<Value> = ROWS.iter().filter_map(|row| row.name).map(Value::from).collect();
        let all = schema();
        let events = all["oneOf"].as_array().expect("events");
        let listed: Vec<&Value> = events
            .iter()
            .map(|it| &it["properties"]["exit"]["enum"])
            .filter(|it| !it.is_null())
            .collect();
        assert_eq!(listed.len(), 2, "end and error");
        for listed in listed {
            assert_eq!(listed, &Value::from(names.clone()));
        }
    }

    #[test]
    fn detects_an_event_that_does_not_match_the_schema() {
        check("saved", &json!({ "records": 5 }));
        let all = schema();
        let events = all["oneOf"].as_array().expect("events");
        let saved = events.iter().find(|it| it["properties"]["event"]["const"] == "saved");
        let saved = saved.expect("an event");
        let event = |facts: Value| {
            let mut event = json!({ "event": "saved", "time": "now" });
            event
                .as_object_mut()
                .expect("an object")
                .extend(facts.as_object().expect("facts").clone());
            event
        };
        assert!(faults(saved, &event(json!({ "records": 5 })), "").is_empty());
        for odd in [
            json!({}),
            json!({ "records": -1 }),
            json!({ "records": 1.5 }),
            json!({ "records": "5" }),
            json!({ "records": null }),
            json!({ "records": 5, "more": 1 }),
            json!({ "records": 5, "event": "other" }),
        ] {
            assert!(!faults(saved, &event(odd.clone()), "").is_empty(), "{odd}");
        }
        assert!(!faults(&json!({ "oneOf": [] }), &json!(1), "").is_empty(), "an unknown keyword");
    }
}
