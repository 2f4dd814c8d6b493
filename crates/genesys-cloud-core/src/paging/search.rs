//! The search encoded in a `q64` parameter.

use std::io::Read as _;

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use flate2::read::GzDecoder;
use serde_json::{Map, Value};

/// Maximum size of a search in bytes.
const LARGEST: u64 = 1 << 20;

/// A search as JSON. `q64` is gzip in base64 (developer.genesys.cloud/organization/search/reusable-searches).
pub(super) struct Search(Map<String, Value>);

impl Search {
    /// Decodes a search. `None` if the text is not one.
    pub(super) fn decode(q64: &str) -> Option<Self> {
        const EITHER_PADDING: GeneralPurposeConfig =
            GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        const BASE64: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, EITHER_PADDING);
        let bytes = BASE64.decode(q64.replace('+', "-").replace('/', "_")).ok()?;
        if bytes.starts_with(b"{") {
            return serde_json::from_slice(&bytes).ok().map(Self);
        }
        let mut json = Vec::new();
        GzDecoder::new(&bytes[..]).take(LARGEST).read_to_end(&mut json).ok()?;
        serde_json::from_slice(&json).ok().map(Self)
    }

    /// The fields that are not null, with their values as text.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&str, String)> {
        let set = self.0.iter().filter(|(_, value)| !value.is_null());
        set.map(|(name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            (name.as_str(), text)
        })
    }

    /// The page number that it requests. `None` if that is not a number from 1.
    pub(super) fn page(&self) -> Option<u64> {
        match self.fields().find(|(name, _)| *name == "pageNumber") {
            None => Some(1),
            Some((_, number)) => number.parse().ok().filter(|number| *number > 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};

    use super::*;

    #[test]
    fn decodes_either_alphabet_compressed_or_not() {
        // `{"pageNumber":3}`
        const COMPRESSED: &str = "H4sIAAAAAAACA6tWKkhMT/UrzU1KLVKyMq4FALZItUIQAAAA";
        assert_eq!(Search::decode(COMPRESSED).and_then(|search| search.page()), Some(3));
        let json = r#"{"pageNumber":7,"query":[{"value":"é?>"}]}"#;
        for text in [BASE64_STANDARD.encode(json), BASE64_URL_SAFE_NO_PAD.encode(json)] {
            assert_eq!(Search::decode(&text).and_then(|search| search.page()), Some(7), "{text}");
        }
        for text in ["", "p1", "H4sIAAAA", "é", &BASE64_STANDARD.encode("[]")] {
            assert!(Search::decode(text).is_none(), "{text}");
        }
    }

    #[test]
    fn requests_the_first_page_without_a_page_number() {
        for (json, page) in [
            ("{}", Some(1)),
            (r#"{"pageNumber":null}"#, Some(1)),
            (r#"{"pageNumber":1}"#, Some(1)),
            (r#"{"pageNumber":"2"}"#, Some(2)),
            (r#"{"pageNumber":0}"#, None),
            (r#"{"pageNumber":-1}"#, None),
            (r#"{"pageNumber":1.5}"#, None),
            (r#"{"pageNumber":[]}"#, None),
        ] {
            let search = Search::decode(&BASE64_STANDARD.encode(json)).expect("a search");
            assert_eq!(search.page(), page, "{json}");
        }
    }
}
