use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The query of a request. Pairs keep their order, and are decoded when read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Query<'a>(&'a str);

impl<'a> Query<'a> {
    pub(crate) fn new(raw: &'a str) -> Self {
        Self(raw)
    }

    /// Every name and value, still encoded.
    fn raw_pairs(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let pairs = self.0.split('&').filter(|pair| !pair.is_empty());
        pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
    }

    pub(crate) fn pairs(self) -> impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)> {
        self.raw_pairs().map(|(name, value)| (decode(name), decode(value)))
    }

    pub(crate) fn get(self, wanted: &str) -> Option<Cow<'a, str>> {
        self.pairs().find(|(name, _)| name == wanted).map(|(_, value)| value)
    }

    /// The whole query, as received.
    pub(crate) fn text(self) -> &'a str {
        self.0
    }

    /// Returns the query with some parameters replaced. The replacements come first; other parameters keep
    /// their encoding.
    pub(crate) fn replace(self, changes: &[(&str, String)]) -> String {
        let mut query = String::new();
        let mut push = |name: &str, value: &str| {
            query.extend([if query.is_empty() { "" } else { "&" }, name, "=", value]);
        };
        for (name, value) in changes {
            push(name, &encode(value));
        }
        let is_changed = |name: &str| changes.iter().any(|(changed, _)| decode(name) == *changed);
        for (name, value) in self.raw_pairs().filter(|(name, _)| !is_changed(name)) {
            push(name, value);
        }
        query
    }
}

/// Characters allowed unencoded in a query.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Encodes a string for use in a query.
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

/// Decodes form or query text, where a plus is a space.
fn decode(text: &str) -> Cow<'_, str> {
    if text.contains('+') {
        let spaced = text.replace('+', " ");
        return Cow::Owned(percent_decode_str(&spaced).decode_utf8_lossy().into_owned());
    }
    percent_decode_str(text).decode_utf8_lossy()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_values() {
        let query = Query::new("name=Support+%26%20Sales*&flag");
        assert_eq!(query.get("name").as_deref(), Some("Support & Sales*"));
        assert_eq!(query.get("flag").as_deref(), Some(""));
        assert_eq!(query.get("none"), None);
    }

    #[test]
    fn replacing_the_page_keeps_the_encoding_of_filters() {
        let query = Query::new("pageNumber=2&name=a%20b&id=1&id=2&pageSize=900");
        let next = query.replace(&[("pageSize", "500".to_owned()), ("pageNumber", "3".to_owned())]);
        assert_eq!(next, "pageSize=500&pageNumber=3&name=a%20b&id=1&id=2");
        assert_eq!(Query::new("").replace(&[("after", "a+/=".to_owned())]), "after=a%2B%2F%3D");
    }
}
