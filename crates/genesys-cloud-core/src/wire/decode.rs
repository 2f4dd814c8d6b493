//! Decodes response bodies as typed values.

use std::borrow::Cow;

use bytes::Bytes;
use serde::de::DeserializeSeed as _;

use super::{Seed, Wire, mended};
use crate::response::{Decode, DecodeError, RawResponse};

/// Decodes what arrives: JSON as JSON, other text as text if the type allows it, and an empty body or `null` as the empty
/// value of the type, whatever the status.
impl<T: Wire> Decode for T {
    fn decode(response: &RawResponse) -> Result<Self, DecodeError> {
        if response.body().is_empty() {
            return T::absent().ok_or_else(|| DecodeError::new("the response is empty"));
        }
        let text = response.json_text()?;
        let is_json = is_json(response);
        if is_json
            && text.trim_ascii() == "null"
            && let Some(absent) = T::absent()
        {
            return Ok(absent);
        }
        // A body with another content type may still be JSON.
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

/// Retries a failed decoding with unpaired surrogates replaced by U+FFFD. Valid texts, which are nearly all, are not
/// searched for them.
pub(crate) fn reread<T>(
    text: &str,
    error: DecodeError,
    read: impl FnOnce(&str) -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    match mended(text, false) {
        Cow::Borrowed(_) => Err(error),
        Cow::Owned(mended) => {
            let value = read(&mended)?;
            tracing::warn!("replaced invalid Unicode in a response by U+FFFD");
            Ok(value)
        }
    }
}

/// For operations that do not return JSON.
impl Decode for Bytes {
    fn decode(response: &RawResponse) -> Result<Self, DecodeError> {
        Ok(response.body().clone())
    }
}

fn is_json(response: &RawResponse) -> bool {
    response.content_type().is_none_or(|media| {
        let media = media.split(';').next().unwrap_or(media).trim();
        media.ends_with("/json") || media.ends_with("+json")
    })
}
