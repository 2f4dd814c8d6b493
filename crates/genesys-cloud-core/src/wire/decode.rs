//! How the body of a reply is read as a typed value.

use std::borrow::Cow;

use bytes::Bytes;
use serde::de::DeserializeSeed as _;

use super::{Seed, Wire, mended};
use crate::response::{Decode, DecodeError, RawResponse};

/// What arrives decides: JSON is read as JSON, text as text where the type has such a form, and an empty
/// body, or a `null`, as the empty value of the type, whichever status the API chose to send it with.
impl<T: Wire> Decode for T {
    fn decode(reply: &RawResponse) -> Result<Self, DecodeError> {
        if reply.body().is_empty() {
            return T::absent().ok_or_else(|| DecodeError::new("the reply is empty"));
        }
        let text = reply.json_text()?;
        let is_json = is_json(reply);
        if is_json
            && text.trim_ascii() == "null"
            && let Some(absent) = T::absent()
        {
            return Ok(absent);
        }
        // What is not called JSON may be JSON all the same.
        read_json(text).or_else(|error| match is_json {
            true => Err(error),
            false => T::from_text(text).ok_or(error),
        })
    }
}

fn read_json<T: Wire>(text: &str) -> Result<T, DecodeError> {
    let read = |text: &str| {
        let mut json = serde_json::Deserializer::from_str(text);
        let value = Seed::new().deserialize(&mut json)?;
        json.end()?;
        Ok(value)
    };
    read(text).or_else(|error| reread(text, error, read))
}

/// Reads a text once more that is in error, if it has halves of surrogate pairs: with U+FFFD in their place. So texts
/// that have none, which are nearly all, are not searched for them.
pub(crate) fn reread<T>(
    text: &str,
    error: DecodeError,
    read: impl FnOnce(&str) -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    match mended(text, false) {
        Cow::Borrowed(_) => Err(error),
        Cow::Owned(mended) => {
            let value = read(&mended)?;
            tracing::warn!("a reply has text that is not valid Unicode: replaced by U+FFFD");
            Ok(value)
        }
    }
}

/// For operations that return what is not JSON.
impl Decode for Bytes {
    fn decode(reply: &RawResponse) -> Result<Self, DecodeError> {
        Ok(reply.body().clone())
    }
}

fn is_json(reply: &RawResponse) -> bool {
    reply.content_type().is_none_or(|media| {
        let media = media.split(';').next().unwrap_or(media).trim();
        media.ends_with("/json") || media.ends_with("+json")
    })
}
