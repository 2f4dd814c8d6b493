//! Standard output. Text from a server must not control the terminal.

use std::io::{self, IsTerminal as _, Write};

use genesys_cloud_core::display;

/// Returns standard output for text such as names. Always escapes control characters.
pub(crate) fn text() -> Escaping<io::Stdout> {
    Escaping::new(io::stdout(), true)
}

/// Returns standard output for data. Escapes control characters only on a terminal.
pub(crate) fn data() -> Escaping<io::Stdout> {
    let stdout = io::stdout();
    let is_terminal = stdout.is_terminal();
    Escaping::new(stdout, is_terminal)
}

/// A writer that escapes control characters and bidirectional marks, except line feeds and tabs.
pub(crate) struct Escaping<W> {
    out: W,
    escapes: bool,
    /// The first bytes of a character whose other bytes have not arrived yet.
    partial: Vec<u8>,
}

impl<W: Write> Escaping<W> {
    fn new(out: W, escapes: bool) -> Self {
        Self { out, escapes, partial: Vec::new() }
    }
}

impl<W: Write> Write for Escaping<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.escapes {
            return self.out.write(bytes);
        }
        let mut whole = std::mem::take(&mut self.partial);
        whole.extend_from_slice(bytes);
        let mut rest = &whole[..];
        loop {
            let (text, invalid) = match std::str::from_utf8(rest) {
                Ok(text) => (text, None),
                Err(error) => {
                    let valid = rest.get(..error.valid_up_to()).unwrap_or_default();
                    (std::str::from_utf8(valid).unwrap_or_default(), Some(error.error_len()))
                }
            };
            self.out.write_all(display::lines(text).as_bytes())?;
            rest = rest.get(text.len()..).unwrap_or_default();
            match invalid {
                None => break,
                // The next bytes may complete it.
                Some(None) => {
                    self.partial = rest.to_owned();
                    break;
                }
                Some(Some(length)) => {
                    self.out.write_all("\u{fffd}".as_bytes())?;
                    rest = rest.get(length..).unwrap_or_default();
                }
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_control_characters_at_any_split_of_the_bytes() {
        let bytes = "a\u{1b}[2Jä\t\u{9b}1m\n日\u{202e}本\u{7f}".as_bytes();
        let mut bytes = bytes.to_owned();
        bytes.extend_from_slice(b"\x9b\xff.");
        for size in [1, 2, 3, 5, usize::MAX] {
            let mut plain = Escaping::new(Vec::new(), false);
            let mut escaping = Escaping::new(Vec::new(), true);
            for part in bytes.chunks(size) {
                plain.write_all(part).expect("a Vec");
                escaping.write_all(part).expect("a Vec");
            }
            assert_eq!(plain.out, bytes);
            assert_eq!(
                String::from_utf8(escaping.out).expect("text"),
                "a\\u001b[2Jä\t\\u009b1m\n日\\u202e本\\u007f\u{fffd}\u{fffd}.",
                "in parts of {size}"
            );
        }
    }
}
