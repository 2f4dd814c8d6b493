//! Serialization of a sink's commits.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::SinkError;

/// Serializes a commit.
pub(crate) fn to_saved(committed: &impl Serialize) -> Result<Value, SinkError> {
    serde_json::to_value(committed)
        .map_err(|error| SinkError::new(format!("can't save the state of the output: {error}")))
}

/// Deserializes a commit. Rejects anything that [`to_saved`] does not produce.
pub(crate) fn from_saved<T: DeserializeOwned + Serialize>(saved: &Value) -> Result<T, SinkError> {
    let invalid = |why: String| {
        SinkError::mismatch(format!(
            "the saved state of the output is invalid ({why}); start over with --restart"
        ))
    };
    let read: T =
        serde_json::from_value(saved.clone()).map_err(|error| invalid(error.to_string()))?;
    match to_saved(&read)? == *saved {
        true => Ok(read),
        false => Err(invalid("it is of another output".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Serialize, Deserialize)]
    struct Commit {
        rows: u64,
        key: Option<String>,
    }

    #[test]
    fn rejects_what_is_not_a_saved_commit() {
        let good = to_saved(&Commit { rows: 1, key: None }).expect("a value");
        assert_eq!(from_saved::<Commit>(&good).expect("a commit").rows, 1);
        for odd in [
            Value::Null,
            json!(1),
            json!([1, null]),
            json!({}),
            json!({ "rows": 1 }),
            json!({ "rows": null, "key": null }),
            json!({ "rows": -1, "key": null }),
            json!({ "rows": 1.0, "key": null }),
            json!({ "rows": "1", "key": null }),
            json!({ "rows": 1, "key": null, "more": null }),
        ] {
            let error = from_saved::<Commit>(&odd).expect_err("not a commit");
            assert!(error.is_mismatch(), "{odd}: {error}");
        }
    }
}
