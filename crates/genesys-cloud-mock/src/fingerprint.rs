use serde_json::Value;

use crate::rng::{hash, mix};

/// Hashes a value; the order of fields does not matter.
pub(crate) fn fingerprint(value: &Value) -> u64 {
    match value {
        Value::Null => 1,
        Value::Bool(flag) => 2 + u64::from(*flag),
        Value::Number(number) => mix(4 ^ hash(&number.to_string())),
        Value::String(text) => mix(5 ^ hash(text)),
        Value::Array(items) => {
            items.iter().fold(6, |sum: u64, item| mix(sum.rotate_left(7) ^ fingerprint(item)))
        }
        Value::Object(fields) => fields.iter().fold(7, |sum: u64, (name, value)| {
            sum.wrapping_add(mix(hash(name) ^ fingerprint(value).rotate_left(1)))
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::from_str;

    use super::*;

    #[test]
    fn ignores_the_order_of_fields_and_distinguishes_values() {
        let of = |text: &str| fingerprint(&from_str(text).expect("JSON"));
        assert_eq!(of(r#"{"a":1,"b":[2,3]}"#), of(r#"{"b":[2,3],"a":1}"#));
        assert_ne!(of(r#"{"a":1,"b":[2,3]}"#), of(r#"{"a":1,"b":[3,2]}"#));
        assert_ne!(of(r#"{"a":1,"b":2}"#), of(r#"{"a":2,"b":1}"#));
    }
}
