//! A search as encoded in a URI: base64 of gzip of JSON.

use std::io::{Read, Write};

use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Map, Value};

/// Far more than any search needs; a few bytes of gzip can expand to gigabytes.
const LARGEST: u64 = 1 << 20;

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

pub(crate) fn encode(search: &Map<String, Value>) -> String {
    let json = Value::Object(search.clone()).to_string();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory can't fail.
    let _ = gzip.write_all(json.as_bytes());
    BASE64_STANDARD.encode(gzip.finish().unwrap_or_default())
}

/// Also accepts URL-safe base64 and uncompressed JSON.
pub(crate) fn decode(q64: &str) -> Option<Map<String, Value>> {
    let bytes = URL_SAFE.decode(q64.replace('+', "-").replace('/', "_")).ok()?;
    if bytes.starts_with(b"{") {
        return serde_json::from_slice(&bytes).ok();
    }
    let mut json = Vec::new();
    GzDecoder::new(bytes.as_slice()).take(LARGEST).read_to_end(&mut json).ok()?;
    serde_json::from_slice(&json).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_an_encoded_search() {
        let search = serde_json::json!({ "pageNumber": 2, "query": [{ "value": "é" }] });
        let search = search.as_object().cloned().expect("an object");
        let text = encode(&search);
        assert_eq!(decode(&text), Some(search.clone()));
        assert_eq!(decode(text.trim_end_matches('=')), Some(search));
        assert_eq!(decode(&BASE64_STANDARD.encode("{}")), Some(Map::new()));
        for garbage in ["1", "", "H4sIAAAA", "é"] {
            assert_eq!(decode(garbage), None, "{garbage}");
        }
    }
}
