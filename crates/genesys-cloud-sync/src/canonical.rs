//! The canonical form of records, for comparing them by a hash.

use genesys_cloud_core::lenient;
use serde_json::value::RawValue;
use xxhash_rust::xxh3::xxh3_128;

/// Maximum depth to which objects are sorted. Deeper values count as the text that the API sent.
const DEEPEST: usize = 64;

/// Returns a hash of a record that ignores white space, the order of fields and how strings are escaped.
pub(crate) fn hash(record: &str) -> u128 {
    let mut out = Vec::with_capacity(record.len());
    write(record, DEEPEST, &mut out);
    xxh3_128(&out)
}

/// Returns a scalar in its canonical form. `None` for null, lists and objects.
pub(crate) fn scalar(json: &str) -> Option<String> {
    if json.starts_with(['{', '[', 'n']) || json.is_empty() {
        return None;
    }
    let mut out = Vec::new();
    write(json, 0, &mut out);
    String::from_utf8(out).ok()
}

fn write(json: &str, depth: usize, out: &mut Vec<u8>) {
    match json.as_bytes().first() {
        Some(b'"') => match lenient::text(json, false) {
            // Writing to a vector can't fail.
            Some((text, false)) => drop(serde_json::to_writer(&mut *out, &*text)),
            _ => out.extend_from_slice(json.as_bytes()),
        },
        Some(b'{') if depth > 0 => {
            let Some(mut fields) = lenient::fields(json) else {
                return out.extend_from_slice(json.as_bytes());
            };
            // Stable, so that the last of duplicate fields stays the last.
            fields.sort_by(|(one, _), (other, _)| one.cmp(other));
            out.push(b'{');
            for (name, value) in fields {
                drop(serde_json::to_writer(&mut *out, &name));
                out.push(b':');
                write(value, depth - 1, out);
                out.push(b',');
            }
            out.push(b'}');
        }
        Some(b'[') if depth > 0 => match serde_json::from_str::<Vec<&RawValue>>(json) {
            Ok(items) => {
                out.push(b'[');
                for item in items {
                    write(item.get(), depth - 1, out);
                    out.push(b',');
                }
                out.push(b']');
            }
            Err(_) => out.extend_from_slice(json.as_bytes()),
        },
        _ => out.extend_from_slice(json.trim().as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_records_have_the_same_hash() {
        let record = r#"{"id":"a","n":{"x":[1,"é"],"y":null}}"#;
        for same in [
            r#"{ "n" : { "y" : null , "x" : [ 1 , "\u00e9" ] }, "id" : "\u0061" }"#,
            "{\"id\":\"a\",\n\"n\":{\"x\":[1,\"é\"],\"y\":null}}",
        ] {
            assert_eq!(hash(record), hash(same), "{same}");
        }
    }

    #[test]
    fn different_records_have_different_hashes() {
        let records = [
            r#"{"id":"a"}"#,
            r#"{"id":"b"}"#,
            r#"{"id":"a","x":null}"#,
            r#"{"id":["a"]}"#,
            r#"{"id":[["a"]]}"#,
            r#"{"id":["a","a"]}"#,
            r#"{"id":1}"#,
            r#"{"id":"1"}"#,
            // Beyond the precision of a double.
            r#"{"id":12345678901234567890123}"#,
            r#"{"id":12345678901234567890124}"#,
            r#"{"id":"\ud83d"}"#,
            r#"{"id":"\ud83e"}"#,
        ];
        let mut hashes: Vec<u128> = records.iter().map(|record| hash(record)).collect();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), records.len());
    }

    #[test]
    fn deep_records_do_not_overflow_the_stack() {
        let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
        assert_ne!(hash(&deep), hash(&deep.replace('1', "2")));
    }

    #[test]
    fn keys_are_scalars() {
        for (json, text) in [
            (r#""a\u0062""#, Some(r#""ab""#)),
            ("12", Some("12")),
            ("true", Some("true")),
            ("null", None),
            ("[1]", None),
            ("{}", None),
        ] {
            assert_eq!(scalar(json).as_deref(), text, "{json}");
        }
    }
}
