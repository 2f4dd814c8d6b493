//! Which replies mean that a piece is too large.

use crate::error::Error;

/// Why a piece can't be read as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It holds more than the API lists.
    TooMany,
    /// It is longer than the operation takes, and so are others of its length.
    TooLong,
}

/// What the API's message has in it, in lower case and in this order, and what that means. The API document
/// has no codes for these, so that the texts are all there is to go by.
const TEXTS: &[(&[&str], Refusal)] = &[
    // "Pagination may not exceed 100000 results. Tip: .." of the conversation details query: splunk's
    // genesys_cloud_ta, change log of 0.2.2. The same with 400000, of the results of details jobs: seen in
    // programs that load them into a warehouse.
    (&["pagination may not exceed ", " results"], Refusal::TooMany),
    // "You must specify a search interval as part of your query that does not exceed 31 days.", of the
    // conversation details query: genesys_cloud_ta, which since has met 7 days as well.
    (&["interval", "not exceed ", " days"], Refusal::TooLong),
];

impl Refusal {
    /// What an error means, if it is one of those that a shorter piece would not meet: a reply of status 400,
    /// or a job that failed.
    pub(super) fn of(error: &Error) -> Option<Self> {
        Self::of_text(error.refusal()?)
    }

    fn of_text(text: &str) -> Option<Self> {
        let text = text.to_lowercase();
        let has = |words: &[&str]| {
            let mut rest = text.as_str();
            words.iter().all(|word| match rest.split_once(word) {
                Some((_, after)) => {
                    rest = after;
                    true
                }
                None => false,
            })
        };
        TEXTS.iter().find(|(words, _)| has(words)).map(|(_, refusal)| *refusal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        for (text, refusal) in [
            (
                "Pagination may not exceed 100000 results.\n\nTip: When extracting large chunks of data \
                 (multiple days/weeks), maximize pagination performance by querying in smaller intervals.",
                Some(Refusal::TooMany),
            ),
            ("pagination may not exceed 400000 results", Some(Refusal::TooMany)),
            (
                "You must specify a search interval as part of your query that does not exceed 31 days.",
                Some(Refusal::TooLong),
            ),
            ("The interval must not exceed 7 days", Some(Refusal::TooLong)),
            ("Results may not be used for pagination", None),
            ("A name must not exceed 31 days", None),
            ("The page size may not exceed 100", None),
            ("The interval is not valid", None),
            ("", None),
        ] {
            assert_eq!(Refusal::of_text(text), refusal, "{text}");
        }
    }
}
