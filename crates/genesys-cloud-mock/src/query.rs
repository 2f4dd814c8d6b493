use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// The query of a request: pairs as they came, decoded when read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Query<'a>(&'a str);

impl<'a> Query<'a> {
    pub(crate) fn new(raw: &'a str) -> Self {
        Self(raw)
    }

    /// Every name with its value, still encoded.
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

    /// The same query for another page, encoded as it came.
    pub(crate) fn at_page(self, number: u64, size: u64) -> String {
        let mut query = format!("pageSize={size}&pageNumber={number}");
        let others = self
            .raw_pairs()
            .filter(|(name, _)| !matches!(decode(name).as_ref(), "pageSize" | "pageNumber"));
        for (name, value) in others {
            query.extend(["&", name, "=", value]);
        }
        query
    }
}

/// Reads a form or query text: a plus is a space.
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
    fn values_are_decoded() {
        let query = Query::new("name=Support+%26%20Sales*&flag");
        assert_eq!(query.get("name").as_deref(), Some("Support & Sales*"));
        assert_eq!(query.get("flag").as_deref(), Some(""));
        assert_eq!(query.get("none"), None);
    }

    #[test]
    fn another_page_keeps_the_filters_as_they_were_encoded() {
        let query = Query::new("pageNumber=2&name=a%20b&id=1&id=2&pageSize=900");
        assert_eq!(query.at_page(3, 500), "pageSize=500&pageNumber=3&name=a%20b&id=1&id=2");
    }
}
