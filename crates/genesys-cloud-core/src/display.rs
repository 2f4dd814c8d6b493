//! Makes text from outside safe to print: it cannot move the cursor, color the terminal or reverse the text direction.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

/// Escapes control characters, including line breaks, and bidirectional marks: `\n`, `\u001b`, `\u202e`. Escaped JSON
/// keeps its value.
pub fn one_line(text: &str) -> Cow<'_, str> {
    escaped(text, |_| false)
}

/// Like [`one_line`], but keeps line feeds and tabs.
pub fn lines(text: &str) -> Cow<'_, str> {
    escaped(text, |char| matches!(char, '\n' | '\t'))
}

fn escaped(text: &str, is_kept: impl Fn(char) -> bool) -> Cow<'_, str> {
    let is_escaped = |char: char| is_hidden(char) && !is_kept(char);
    if !text.contains(is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for char in text.chars() {
        // Writing to a string cannot fail.
        let _ = match is_escaped(char) {
            true => escape(&mut shown, char),
            false => shown.write_char(char),
        };
    }
    Cow::Owned(shown)
}

/// Whether a character affects the text around it: C0 and C1 controls, and the marks of Unicode's bidirectional
/// algorithm (UAX #9).
fn is_hidden(char: char) -> bool {
    char.is_control()
        || matches!(
            char,
            '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}'
        )
}

fn escape(out: &mut impl fmt::Write, char: char) -> fmt::Result {
    match char {
        '\n' => out.write_str("\\n"),
        '\r' => out.write_str("\\r"),
        '\t' => out.write_str("\\t"),
        // All of them have at most four digits.
        _ => write!(out, "\\u{:04x}", u32::from(char)),
    }
}

/// Prints a text on one line, up to a maximum number of characters.
pub(crate) struct Bounded<'a>(pub(crate) &'a str, pub(crate) usize);

impl fmt::Display for Bounded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let &Self(text, most) = self;
        let mut chars = text.chars();
        for char in chars.by_ref().take(most) {
            match is_hidden(char) {
                true => escape(f, char)?,
                false => f.write_char(char)?,
            }
        }
        match chars.count() {
            0 => Ok(()),
            more => write!(f, "… ({more} more characters)"),
        }
    }
}

/// Returns the beginning of a text on one line, with whitespace collapsed.
pub(crate) fn excerpt(text: &str, most: usize) -> String {
    let words = text.split_whitespace();
    let mut begun = String::new();
    for word in words {
        if !begun.is_empty() {
            begun.push(' ');
        }
        begun.push_str(word);
        // A character has at most four bytes.
        if begun.len() > most.saturating_mul(4) {
            break;
        }
    }
    let end = begun.char_indices().nth(most).map_or(begun.len(), |(end, _)| end);
    one_line(begun.get(..end).unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_control_characters_and_bidirectional_marks() {
        for (text, line) in [
            ("plain, ä, 日本, 🙂", "plain, ä, 日本, 🙂"),
            ("a\nb\tc\r", "a\\nb\\tc\\r"),
            ("\u{1b}]0;title\u{7}\u{1b}[2J", "\\u001b]0;title\\u0007\\u001b[2J"),
            ("\u{7f}\u{0}\u{8}", "\\u007f\\u0000\\u0008"),
            ("\u{80}\u{9b}31m\u{85}\u{9f}", "\\u0080\\u009b31m\\u0085\\u009f"),
            ("\u{202a}\u{202e}\u{2066}\u{2069}", "\\u202a\\u202e\\u2066\\u2069"),
            ("\u{200e}\u{200f}\u{61c}", "\\u200e\\u200f\\u061c"),
            ("\u{202f}\u{2065}\u{a0}", "\u{202f}\u{2065}\u{a0}"),
        ] {
            assert_eq!(one_line(text), line);
            let json = serde_json::to_string(text).expect("JSON");
            let read: String = serde_json::from_str(&one_line(&json)).expect("JSON");
            assert_eq!(read, text, "escaped JSON has the same value");
        }
        assert_eq!(lines("a\n\tb\u{1b}\r\n"), "a\n\tb\\u001b\\r\n");
        assert!(matches!(one_line("plain"), Cow::Borrowed(_)));
    }

    #[test]
    fn cuts_text_after_a_number_of_characters() {
        assert_eq!(Bounded("äöü", 3).to_string(), "äöü");
        assert_eq!(Bounded("äö\nü", 3).to_string(), "äö\\n… (1 more characters)");
        assert_eq!(excerpt("  a \n b\t\u{1b}c ", 100), "a b \\u001bc");
        assert_eq!(excerpt("äöü äöü", 5), "äöü ä");
        assert_eq!(excerpt(&"x".repeat(1_000_000), 7), "xxxxxxx");
        assert_eq!(excerpt(&" x".repeat(1_000_000), 7), "x x x x");
    }
}
