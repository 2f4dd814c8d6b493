//! Recognizes the errors that mean that a range of time is too large for one call.

use crate::error::{Error, ErrorBody};

/// Why a range of time has to be split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SplitReason {
    /// It holds more items than the API lists.
    TooMany,
    /// It is longer than the operation accepts, as is any other of its length.
    TooLong,
}

/// What the API's message has in it, in lower case and in this order, without what groups the digits of a
/// number, and what that means. The API document has no codes for these, so that the texts are all there is to
/// go by.
const TEXTS: &[(&[&str], SplitReason)] = &[
    // "Pagination may not exceed 100000 results. Tip: .." of the conversation details query: splunk's
    // genesys_cloud_ta, change log of 0.2.2. The same with 400000, of the results of details jobs: seen in
    // programs that load them into a warehouse, which name no more of the text than this.
    (&["pagination may not exceed ", " results"], SplitReason::TooMany),
    (&["may not exceed ", "00000 results"], SplitReason::TooMany),
    // "You must specify a search interval as part of your query that does not exceed 31 days.", of the
    // conversation details query: genesys_cloud_ta, which since has met 7 days as well.
    (&["interval", "not exceed ", " day"], SplitReason::TooLong),
];

/// Whether an error means that a shorter range of time has to be requested.
pub(crate) fn is_too_large(error: &Error) -> bool {
    SplitReason::of(error).is_some()
}

impl SplitReason {
    /// What an error means, if it is one of those that a shorter window would not meet: a reply of status 400,
    /// or a job that failed.
    pub(crate) fn of(error: &Error) -> Option<Self> {
        let why = Self::of_text(error.refusal()?);
        why.or_else(|| Self::of_body(error.body()?))
    }

    /// The message may be of no help, and what it is made of tell.
    fn of_body(body: &ErrorBody) -> Option<Self> {
        let texts = [&body.message, &body.message_with_params];
        let told = texts.into_iter().flatten().find_map(|text| Self::of_text(text));
        told.or_else(|| body.errors.iter().find_map(Self::of_body))
    }

    fn of_text(text: &str) -> Option<Self> {
        let text = without_groups(&text.to_lowercase());
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

/// A text whose numbers have nothing between their digits, as `100,000` has.
fn without_groups(text: &str) -> String {
    let mut signs = text.chars().peekable();
    let (mut plain, mut before) = (String::with_capacity(text.len()), None);
    while let Some(sign) = signs.next() {
        let is_digit = |sign: Option<char>| sign.is_some_and(|sign| sign.is_ascii_digit());
        let groups = matches!(sign, ',' | '.' | '_' | '\'' | ' ' | '\u{a0}' | '\u{202f}');
        if !(groups && is_digit(before) && is_digit(signs.peek().copied())) {
            plain.push(sign);
        }
        before = Some(sign);
    }
    plain
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
                Some(SplitReason::TooMany),
            ),
            ("pagination may not exceed 400000 results", Some(SplitReason::TooMany)),
            (
                "You must specify a search interval as part of your query that does not exceed 31 days.",
                Some(SplitReason::TooLong),
            ),
            ("PAGINATION MAY NOT EXCEED 100,000 RESULTS", Some(SplitReason::TooMany)),
            ("pagination may not exceed {limit} results", Some(SplitReason::TooMany)),
            ("The query may not exceed 400 000 results.", Some(SplitReason::TooMany)),
            ("The interval must not exceed 7 days", Some(SplitReason::TooLong)),
            ("the INTERVAL cannot exceed 1 day", Some(SplitReason::TooLong)),
            ("The page size may not exceed 500 results", None),
            ("At most 10 queues may be named; results may not exceed 9 pages", None),
            ("Results may not be used for pagination", None),
            ("A name must not exceed 31 days", None),
            ("The page size may not exceed 100", None),
            ("The interval is not valid", None),
            ("", None),
        ] {
            assert_eq!(SplitReason::of_text(text), refusal, "{text}");
        }
    }
}
