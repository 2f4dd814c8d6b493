//! Text that is not valid Unicode: unpaired surrogates, which JSON can express with escapes.

use std::borrow::Cow;

/// Replaces unpaired surrogates in JSON by U+FFFD, and NUL too with `with_nul`. Works on any part of a JSON text,
/// including field names. Borrowed if nothing is replaced.
pub(crate) fn mended(json: &str, with_nul: bool) -> Cow<'_, str> {
    let (mut clean, mut done) = (String::new(), 0);
    let mut from = 0;
    while let Some(at) = json.get(from..).and_then(|rest| rest.find('\\')).map(|at| from + at) {
        let escape = &json[at..];
        let (length, is_bad) = match unit(escape) {
            // Other escapes are a backslash and one ASCII character.
            None => (2, false),
            Some(0) => (6, with_nul),
            Some(0xd800..0xdc00) => match escape.get(6..).and_then(unit) {
                Some(0xdc00..0xe000) => (12, false),
                _ => (6, true),
            },
            Some(0xdc00..0xe000) => (6, true),
            Some(_) => (6, false),
        };
        from = at + length;
        if is_bad {
            clean.push_str(&json[done..at]);
            clean.push_str("\\ufffd");
            done = from;
        }
    }
    match done {
        0 => Cow::Borrowed(json),
        _ => {
            clean.push_str(&json[done..]);
            Cow::Owned(clean)
        }
    }
}

/// Returns the code unit of a `\u` escape at the start of the text.
fn unit(text: &str) -> Option<u16> {
    u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()
}

/// Strips a byte order mark.
pub(crate) fn without_mark(json: &str) -> &str {
    json.strip_prefix('\u{feff}').unwrap_or(json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_unpaired_surrogates_and_nul() {
        for (json, with_nul, clean) in [
            (r#""a\u0000b""#, true, r#""a\ufffdb""#),
            (r#""a\u0000b""#, false, r#""a\u0000b""#),
            (r#""\\u0000""#, true, r#""\\u0000""#),
            (r#""\\\u0000""#, true, r#""\\\ufffd""#),
            (r#""\ud83d\ude00""#, true, r#""\ud83d\ude00""#),
            (r#""\ud83dx""#, false, r#""\ufffdx""#),
            (r#""\ud83d\n\ude00""#, false, r#""\ufffd\n\ufffd""#),
            (r#""\ude00\uD83D""#, false, r#""\ufffd\ufffd""#),
            (r#""\u00e9 ü \uD83D\n""#, false, r#""\u00e9 ü \ufffd\n""#),
            (r#"{"k\ud83d":["\uDE00",1.50]}"#, false, r#"{"k\ufffd":["\ufffd",1.50]}"#),
            (r#""\\ud83d""#, false, r#""\\ud83d""#),
            ("\\", false, "\\"),
        ] {
            assert_eq!(mended(json, with_nul), clean, "{json}");
            assert_eq!(matches!(mended(json, with_nul), Cow::Owned(_)), json != clean, "{json}");
        }
    }
}
