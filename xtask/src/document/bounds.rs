//! Bounds of numbers.

use crate::json::Json;

/// The smallest and the largest integer that a schema allows, if stated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    pub minimum: Option<i64>,
    pub maximum: Option<i64>,
}

impl Bounds {
    /// Reads the bounds of a schema.
    pub fn of(schema: &Json) -> Self {
        Self { minimum: minimum(schema), maximum: maximum(schema) }
    }

    /// Returns the intersection.
    pub fn and(self, other: Self) -> Self {
        Self {
            minimum: self.minimum.max(other.minimum),
            maximum: match (self.maximum, other.maximum) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            },
        }
    }
}

/// The largest integer that a schema allows. Bounds beyond 64 bits are ignored.
fn maximum(schema: &Json) -> Option<i64> {
    let bound = schema.get("maximum").and_then(number).map(f64::floor);
    let exclusive = match schema.get("exclusiveMaximum") {
        // OpenAPI 3.0: a boolean that modifies `maximum`.
        Some(Json::Bool(true)) => return integer(exact(schema, "maximum")?.ceil() - 1.0),
        Some(json) => number(json).map(|bound| bound.ceil() - 1.0),
        None => None,
    };
    match (bound, exclusive) {
        (Some(one), Some(other)) => integer(one.min(other)),
        (one, other) => integer(one.or(other)?),
    }
}

/// The smallest integer that a schema allows.
fn minimum(schema: &Json) -> Option<i64> {
    let bound = schema.get("minimum").and_then(number).map(f64::ceil);
    let exclusive = match schema.get("exclusiveMinimum") {
        Some(Json::Bool(true)) => return integer(exact(schema, "minimum")?.floor() + 1.0),
        Some(json) => number(json).map(|bound| bound.floor() + 1.0),
        None => None,
    };
    match (bound, exclusive) {
        (Some(one), Some(other)) => integer(one.max(other)),
        (one, other) => integer(one.or(other)?),
    }
}

fn exact(schema: &Json, key: &str) -> Option<f64> {
    schema.get(key).and_then(number)
}

fn number(json: &Json) -> Option<f64> {
    match json {
        Json::Number(number) => number.as_f64(),
        _ => None,
    }
}

fn integer(bound: f64) -> Option<i64> {
    // Doubles represent every integer up to this.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[allow(clippy::cast_possible_truncation)]
    (bound.abs() <= EXACT).then_some(bound as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_bounds_of_both_versions() {
        for (schema, low, high) in [
            (r#"{"minimum": 1, "maximum": 100}"#, Some(1), Some(100)),
            (r#"{"minimum": 0.5, "maximum": 99.5}"#, Some(1), Some(99)),
            (
                r#"{"minimum": 0, "exclusiveMinimum": true, "maximum": 101, "exclusiveMaximum": true}"#,
                Some(1),
                Some(100),
            ),
            (r#"{"exclusiveMinimum": 0, "exclusiveMaximum": 101}"#, Some(1), Some(100)),
            (
                r#"{"minimum": 5, "exclusiveMinimum": 0, "maximum": 50, "exclusiveMaximum": 101}"#,
                Some(5),
                Some(50),
            ),
            (r#"{"minimum": "1", "maximum": 1e300}"#, None, None),
            ("{}", None, None),
        ] {
            let json = Json::parse(schema).expect(schema);
            assert_eq!((minimum(&json), maximum(&json)), (low, high), "{schema}");
        }
    }
}
