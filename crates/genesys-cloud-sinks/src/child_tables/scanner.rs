//! Finds the tokens of JSON text that was validated before, as a `RawValue`.

/// The text is not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Invalid;

/// A position in JSON text.
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Returns the first byte of the next token; 0 at the end.
    pub(super) fn peek(&mut self) -> u8 {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let space = rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        self.at += space;
        rest.get(space).copied().unwrap_or(0)
    }

    /// Returns the position of the next token.
    pub(super) fn position(&mut self) -> usize {
        self.peek();
        self.at
    }

    /// Returns the text from a position to the last token.
    pub(super) fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// Takes a byte if it is the next token.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == byte;
        self.at += usize::from(is_next);
        is_next
    }

    /// Takes a byte that must be the next token.
    pub(super) fn expect(&mut self, byte: u8) -> Result<(), Invalid> {
        self.take(byte).then_some(()).ok_or(Invalid)
    }

    /// Takes a string with its quotes.
    pub(super) fn string(&mut self) -> Result<&'a str, Invalid> {
        if self.peek() != b'"' {
            return Err(Invalid);
        }
        let start = self.at;
        self.at = self.end_of_string(start)?;
        Ok(self.since(start))
    }

    /// Takes a value of any kind and depth.
    pub(super) fn value(&mut self) -> Result<&'a str, Invalid> {
        let start = self.position();
        match self.peek() {
            b'"' => self.at = self.end_of_string(start)?,
            b'{' | b'[' => self.at = self.end_of_container(start)?,
            _ => {
                let rest = &self.text.as_bytes()[start..];
                let is_part =
                    |byte: &&u8| !matches!(byte, b',' | b'}' | b']') && !byte.is_ascii_whitespace();
                self.at += rest.iter().take_while(is_part).count();
            }
        }
        let value = self.since(start);
        if value.is_empty() { Err(Invalid) } else { Ok(value) }
    }

    fn end_of_string(&self, start: usize) -> Result<usize, Invalid> {
        let bytes = self.text.as_bytes();
        let mut at = start + 1;
        loop {
            let rest = bytes.get(at..).ok_or(Invalid)?;
            at += memchr::memchr2(b'"', b'\\', rest).ok_or(Invalid)?;
            match bytes[at] {
                b'"' => return Ok(at + 1),
                _ => at += 2,
            }
        }
    }

    /// Finds the end without recursion, however deep the value is.
    fn end_of_container(&self, start: usize) -> Result<usize, Invalid> {
        let bytes = self.text.as_bytes();
        let (mut at, mut depth) = (start, 0_usize);
        loop {
            match bytes.get(at).ok_or(Invalid)? {
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                b'"' => {
                    at = self.end_of_string(at)?;
                    continue;
                }
                _ => {}
            }
            at += 1;
            if depth == 0 {
                return Ok(at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_values_of_every_kind() {
        let json = r#" {"a":["}",{"b":"\"]"}]} , [1, "x"],true,-1.5e3 ,null, "\\""#;
        let mut scanner = Scanner::new(json);
        let mut values = Vec::new();
        loop {
            values.push(scanner.value().expect("a value"));
            if !scanner.take(b',') {
                break;
            }
        }
        let expected =
            [r#"{"a":["}",{"b":"\"]"}]}"#, r#"[1, "x"]"#, "true", "-1.5e3", "null", r#""\\""#];
        assert_eq!(values, expected);
        for json in ["", "[", "{\"a\":1", "[\"]", ",", "]", "\"open\\\"", "\"\\"] {
            assert_eq!(Scanner::new(json).value(), Err(Invalid), "{json}");
        }
    }

    #[test]
    fn deep_nesting_needs_no_stack() {
        let json = "[".repeat(1_000_000) + &"]".repeat(1_000_000);
        assert_eq!(Scanner::new(&json).value().map(str::len), Ok(2_000_000));
    }
}
