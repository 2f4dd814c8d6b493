//! Reads JSON text token by token.
//!
//! The text was validated before, as a [`RawValue`](serde_json::value::RawValue), so the scanner
//! checks only the tokens that a caller takes. In text that is not JSON, a missing token is an error.

/// The text is not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Invalid;

/// A position in JSON text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// Returns the first byte of the next token; 0 at the end.
    #[inline]
    pub(crate) fn peek(&mut self) -> u8 {
        loop {
            match self.text.as_bytes().get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                Some(byte) => return *byte,
                None => return 0,
            }
        }
    }

    /// Takes a byte if it is the next token.
    #[inline]
    pub(crate) fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == byte;
        self.at += usize::from(is_next);
        is_next
    }

    /// Takes these bytes if they are next.
    #[inline]
    pub(crate) fn take_all(&mut self, bytes: &[u8]) -> bool {
        let is_next = self.rest().starts_with(bytes);
        if is_next {
            self.at += bytes.len();
        }
        is_next
    }

    /// Takes a byte that must be the next token.
    #[inline]
    pub(crate) fn expect(&mut self, byte: u8) -> Result<(), Invalid> {
        self.take(byte).then_some(()).ok_or(Invalid)
    }

    /// Takes `null` if it is next.
    #[inline]
    pub(crate) fn null(&mut self) -> bool {
        self.peek() == b'n' && self.take_all(b"null")
    }

    /// Takes a string with its quotes. The flag says whether it has escapes.
    #[inline]
    pub(crate) fn string(&mut self) -> Result<(&'a str, bool), Invalid> {
        let start = self.at;
        if self.peek() != b'"' {
            return Err(Invalid);
        }
        let bytes = self.text.as_bytes();
        let mut end = quote_or_escape(bytes, self.at + 1);
        let mut has_escapes = false;
        while bytes.get(end) == Some(&b'\\') {
            has_escapes = true;
            end = quote_or_escape(bytes, end + 2);
        }
        let text = self.text.get(self.at..=end).ok_or(Invalid)?;
        if end <= start {
            return Err(Invalid);
        }
        self.at = end + 1;
        Ok((text, has_escapes))
    }

    /// Takes a number or a literal.
    #[inline]
    pub(crate) fn scalar(&mut self) -> Result<&'a str, Invalid> {
        self.peek();
        let is_part =
            |byte: &&u8| !matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t');
        let length = self.rest().iter().take_while(is_part).count();
        let text = self.text.get(self.at..self.at + length).ok_or(Invalid)?;
        self.at += length;
        (!text.is_empty()).then_some(text).ok_or(Invalid)
    }

    /// Takes a value of any kind.
    pub(crate) fn value(&mut self) -> Result<&'a str, Invalid> {
        match self.peek() {
            b'"' => self.string().map(|(text, _)| text),
            b'{' | b'[' => {
                let start = self.at;
                self.container()?;
                self.text.get(start..self.at).ok_or(Invalid)
            }
            _ => self.scalar(),
        }
    }

    /// Takes an object or a list, of any depth.
    fn container(&mut self) -> Result<(), Invalid> {
        let bytes = self.text.as_bytes();
        let (mut at, mut depth) = (self.at, 0_usize);
        loop {
            match bytes.get(at).ok_or(Invalid)? {
                b'{' | b'[' => depth += 1,
                b'}' | b']' => {
                    depth = depth.checked_sub(1).ok_or(Invalid)?;
                    if depth == 0 {
                        self.at = at + 1;
                        return Ok(());
                    }
                }
                b'"' => {
                    at = quote_or_escape(bytes, at + 1);
                    while bytes.get(at) == Some(&b'\\') {
                        at = quote_or_escape(bytes, at + 2);
                    }
                }
                _ => {}
            }
            at += 1;
        }
    }
}

const ONES: u64 = u64::from_le_bytes([0x01; 8]);
const HIGH_BITS: u64 = u64::from_le_bytes([0x80; 8]);

/// Marks the zero bytes of a word in their highest bit. The lowest mark is exact; those above it may be wrong.
const fn zeros(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & HIGH_BITS
}

/// Returns the position of the next quote or backslash, or the length of the text. Eight bytes at a time: most strings
/// are too short for the search functions of larger vectors to pay off.
#[inline]
fn quote_or_escape(bytes: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*chunk);
        let found = zeros(word ^ (ONES * b'"' as u64)) | zeros(word ^ (ONES * b'\\' as u64));
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(|byte| matches!(byte, b'"' | b'\\')).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_end_of_a_string() {
        for (json, expected) in [
            (r#""" rest"#, Some((r#""""#, false))),
            (r#"  "a b", 1"#, Some((r#""a b""#, false))),
            (r#""12345678901234567890üü","x""#, Some((r#""12345678901234567890üü""#, false))),
            (r#""a\"b\\" "#, Some((r#""a\"b\\""#, true))),
            (r#""1234567\"" "#, Some((r#""1234567\"""#, true))),
            (r#""open"#, None),
            (r#""open\""#, None),
            (r#""open\"#, None),
            ("1", None),
            ("", None),
        ] {
            assert_eq!(Scanner::new(json).string().ok(), expected, "{json}");
        }
    }

    #[test]
    fn every_position_of_a_quote_is_found() {
        for length in 0..40 {
            for (end, has_escapes) in [("\"", false), ("\\\"\"", true)] {
                let json = format!("\"{}{end}, \"x\"", "é".repeat(length));
                let (text, escapes) = Scanner::new(&json).string().expect("a string");
                assert_eq!(text.len(), 1 + 2 * length + end.len());
                assert_eq!(escapes, has_escapes);
            }
        }
    }

    #[test]
    fn takes_values_of_every_kind() {
        let json = r#" {"a":["}",{"b":"\"]"}]} , [1, "x"],true,-1.5e3 ,null"#;
        let mut scanner = Scanner::new(json);
        let mut values = Vec::new();
        loop {
            values.push(scanner.value().expect("a value"));
            if !scanner.take(b',') {
                break;
            }
        }
        assert_eq!(values, [r#"{"a":["}",{"b":"\"]"}]}"#, r#"[1, "x"]"#, "true", "-1.5e3", "null"]);
        assert_eq!(scanner.peek(), 0);
        for json in ["", "[", "{\"a\":1", "[\"]", ",", "]"] {
            assert_eq!(Scanner::new(json).value(), Err(Invalid), "{json}");
        }
    }

    #[test]
    fn deep_nesting_needs_no_stack() {
        let json = "[".repeat(1_000_000) + &"]".repeat(1_000_000);
        assert_eq!(Scanner::new(&json).value().map(str::len), Ok(2_000_000));
    }
}
