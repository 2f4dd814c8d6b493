//! Recognizes errors for a time range that is too large for one call.

use crate::error::{Error, ErrorBody};

/// Why a time range must be split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SplitReason {
    /// It has more items than the API lists.
    TooMany,
    /// It is longer than the operation accepts, like any other of its length.
    TooLong,
}

/// Parts of the API's message, in order, in lower case and without digit separators, and their meaning. The API has no
/// documented error codes for these, so only the messages can be matched.
const TEXTS: &[(&[&str], SplitReason)] = &[
    // "Pagination may not exceed 100000 results. Tip: .." from the conversation details query (splunk's
    // genesys_cloud_ta, change log of 0.2.2). The same with 400000 from the results of details jobs, quoted only in
    // part by programs that load them into a warehouse.
    (&["pagination may not exceed ", " results"], SplitReason::TooMany),
    (&["may not exceed ", "00000 results"], SplitReason::TooMany),
    // "You must specify a search interval as part of your query that does not exceed 31 days." from the conversation
    // details query (genesys_cloud_ta, which later also saw 7 days).
    (&["interval", "not exceed ", " day"], SplitReason::TooLong),
];

/// Whether an error means that a shorter time range must be requested.
pub(crate) fn is_too_large(error: &Error) -> bool {
    SplitReason::of(error).is_some()
}

impl SplitReason {
    /// Returns the reason for a split if a shorter window would avoid the error: a response with status 400, or a
    /// failed job, with a known message.
    pub(crate) fn of(error: &Error) -> Option<Self> {
        let why = Self::of_text(error.refusal()?);
        why.or_else(|| Self::of_body(error.body()?))
    }

    /// Looks at the template and the nested errors too, because the message itself may be generic.
    fn of_body(body: &ErrorBody) -> Option<Self> {
        let texts = [&body.message, &body.message_with_params];
        let reason = texts.into_iter().flatten().find_map(|text| Self::of_text(text));
        reason.or_else(|| body.errors.iter().find_map(Self::of_body))
    }

    fn of_text(text: &str) -> Option<Self> {
        let text = without_separators(&text.to_lowercase());
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
        TEXTS.iter().find(|(words, _)| has(words)).map(|(_, reason)| *reason)
    }
}

/// Removes separators between digits, as in `100,000`.
fn without_separators(text: &str) -> String {
    let mut chars = text.chars().peekable();
    let (mut plain, mut before) = (String::with_capacity(text.len()), None);
    while let Some(char) = chars.next() {
        let is_digit = |char: Option<char>| char.is_some_and(|char| char.is_ascii_digit());
        let separates = matches!(char, ',' | '.' | '_' | '\'' | ' ' | '\u{a0}' | '\u{202f}');
        if !(separates && is_digit(before) && is_digit(chars.peek().copied())) {
            plain.push(char);
        }
        before = Some(char);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognizes_the_known_messages() {
        for (text, reason) in [
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
            assert_eq!(SplitReason::of_text(text), reason, "{text}");
        }
    }
}
