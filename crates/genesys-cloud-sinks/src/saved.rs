//! What sinks remember of a commit, as it is saved.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::SinkError;

/// What a commit remembers, as it is saved.
pub(crate) fn to_saved(committed: &impl Serialize) -> Result<Value, SinkError> {
    serde_json::to_value(committed)
        .map_err(|error| SinkError::new(format!("the state of the output can't be saved: {error}")))
}

/// Reads what [`to_saved`] has given, and nothing else.
pub(crate) fn from_saved<T: DeserializeOwned + Serialize>(saved: &Value) -> Result<T, SinkError> {
    let odd = |why: String| {
        SinkError::mismatch(format!(
            "what was saved of the output can't be read ({why}); start over with --restart"
        ))
    };
    let read: T = serde_json::from_value(saved.clone()).map_err(|error| odd(error.to_string()))?;
    match to_saved(&read)? == *saved {
        true => Ok(read),
        false => Err(odd("it is not what is saved of such an output".to_owned())),
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
    fn nothing_but_what_was_saved_passes_for_a_commit() {
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
            let error = from_saved::<Commit>(&odd).expect_err("it is none");
            assert!(error.is_mismatch(), "{odd}: {error}");
        }
    }
}
