//! The format of a saved state, with a checksum that detects an edited, truncated or damaged state.

use genesys_cloud_core::MAX_STATE_SIZE;
use genesys_cloud_sinks::checksum::Checksum;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::failure::Failure;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    /// Checked before the rest is parsed.
    #[serde(rename = "version")]
    _version: u64,
    /// Checksum of the state's text.
    sum: String,
    state: Box<RawValue>,
}

/// Formats a state with this version.
pub(super) fn seal(version: u64, state: &impl Serialize) -> Result<String, Failure> {
    sealed(version, state, MAX_STATE_SIZE)
}

fn sealed(version: u64, state: &impl Serialize, largest: u64) -> Result<String, Failure> {
    let cant = |error| Failure::output(format!("can't save the state: {error}"));
    // A state may have many megabytes: write it once, and fill in the checksum afterwards.
    let empty = Checksum::of(&[]);
    let mut text = format!("{{\"version\":{version},\"sum\":\"{empty}\",\"state\":").into_bytes();
    let begin = text.len();
    serde_json::to_writer(&mut text, state).map_err(cant)?;
    let sum = Checksum::of(&text[begin..]);
    let at = begin - empty.len() - "\",\"state\":".len();
    text[at..at + empty.len()].copy_from_slice(sum.as_bytes());
    text.push(b'}');
    let text = String::from_utf8(text)
        .map_err(|error| Failure::output(format!("can't save the state: {error}")))?;
    // A state too large to load must not replace a valid one.
    match text.len() as u64 <= largest {
        true => Ok(text),
        false => Err(Failure::output(format!(
            "the state of the export has {} bytes, more than the maximum of {largest}; the last saved state is kept",
            text.len()
        ))
        .advise("export less at a time, such as a shorter --interval")),
    }
}

/// Parses a state. Fails if the text is not exactly what was saved.
pub(super) fn unseal<T: DeserializeOwned>(version: u64, text: &str) -> Result<T, String> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u64,
    }
    let damaged = |error: serde_json::Error| {
        format!("the state is damaged, or not the state of an export ({error})")
    };
    let found = serde_json::from_str::<Versioned>(text).map_err(damaged)?;
    if found.version != version {
        return Err(format!("the state was saved by another release (version {})", found.version));
    }
    let sealed: Sealed = serde_json::from_str(text).map_err(damaged)?;
    if Checksum::of(sealed.state.get().as_bytes()) != sealed.sum {
        return Err("the state was modified after it was saved: wrong checksum".to_owned());
    }
    serde_json::from_str(sealed.state.get()).map_err(damaged)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn rejects_a_state_that_was_truncated_or_edited() {
        let state = json!({"sink": {"length": 12}, "text": "a\u{e9}b", "number": 1.5});
        let text = seal(2, &state).expect("a text");
        assert_eq!(unseal::<Value>(2, &text), Ok(state));
        assert!(unseal::<Value>(3, &text).is_err_and(|why| why.contains("(version 2)")));
        for end in 0..text.len() {
            if text.is_char_boundary(end) {
                unseal::<Value>(2, &text[..end]).expect_err("truncated");
            }
        }
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'7' { b'8' } else { b'7' };
            let Ok(changed) = String::from_utf8(bytes) else { continue };
            unseal::<Value>(2, &changed).expect_err(&changed);
        }
        for (old, new) in [("12", "-1"), ("{\"length\":12}", "null"), ("\"number\"", " \"number\"")]
        {
            let changed = text.replacen(old, new, 1);
            assert_ne!(changed, text);
            let why = unseal::<Value>(2, &changed).expect_err("edited");
            assert!(why.contains("wrong checksum"), "{changed}: {why}");
        }
    }

    #[test]
    fn does_not_save_a_state_too_large_to_load() {
        let state = "x".repeat(100);
        let length = sealed(2, &state, 1_000).expect("a text").len() as u64;
        sealed(2, &state, length).expect("as large as allowed");
        let error = sealed(2, &state, length - 1).expect_err("too large");
        assert!(error.to_string().contains(&format!("has {length} bytes")), "{error}");
    }
}
