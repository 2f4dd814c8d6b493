//! Extracts the items of a JSON file while it is downloaded.

use crate::json_path::JsonText;

/// Extracts the items of a JSON text that arrives in parts, each as JSON text. Buffers at most one item.
///
/// Text outside the path of the items is skipped, and only its brackets and quotes are checked. Items are not checked
/// either: whoever decodes them notices if they are not JSON.
#[derive(Debug)]
pub(super) struct ItemScanner {
    /// The names of the fields on the path to the items.
    path: Vec<String>,
    /// How many of them match at the current position.
    matched: usize,
    /// The open brackets, outermost first: true for an object, false for a list.
    open: Vec<bool>,
    state: State,
    quoted: bool,
    escaped: bool,
    /// The name of the current field.
    name: Vec<u8>,
    /// The current item.
    item: Vec<u8>,
    /// The largest allowed item, in bytes.
    max_item: usize,
    /// The number of bytes read.
    at: u64,
    /// Whether the items were found.
    is_found: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before a value that is on the path to the items, or is the items.
    Value,
    /// In an object on the path, before a name or the end.
    Name,
    /// After a name.
    Colon,
    /// In a value that is not on the path. It began at this depth.
    Other(usize),
    /// In a null on the path, of which this many bytes were read.
    Null(usize),
    /// After a value in an object on the path.
    Comma,
    /// In the list of items, before an item or the end.
    Items,
    /// In an item of the list, which is at this depth.
    Item(usize),
    /// In a single item, not in a list, at this depth.
    Only(usize),
    /// After the end of the text.
    End,
}

/// What is wrong with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Malformed {
    /// It is not JSON at about this byte.
    At(u64),
    /// It begins like gzip, but is not gzip.
    Gzip,
    /// The items are neither a list nor an object, at about this byte.
    NoItems(u64),
    /// An item is larger than allowed.
    TooLarge,
    /// It ends in the middle.
    Unfinished,
    /// It is empty.
    Empty,
    /// There are no items at the path.
    Missing,
    /// The text is an error body or an empty object.
    NotItems,
}

const NULL: &[u8] = b"null";

/// The deepest allowed nesting, as in serde_json.
const DEPTH: usize = 127;

impl ItemScanner {
    /// Scans for items at a path: names joined by dots, or `[]` if the text itself is the list or the item.
    pub(super) fn new(path: &str, max_item: usize) -> Self {
        let path = if path == "[]" { "" } else { path };
        Self {
            path: path.split('.').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
            matched: 0,
            open: Vec::new(),
            state: State::Value,
            quoted: false,
            escaped: false,
            name: Vec::new(),
            item: Vec::new(),
            max_item,
            at: 0,
            is_found: false,
        }
    }

    /// Reads a part of the text. Calls `found` with each item that ends in it.
    pub(super) fn read(
        &mut self,
        part: &[u8],
        mut found: impl FnMut(&[u8]),
    ) -> Result<(), Malformed> {
        for byte in part {
            self.at += 1;
            // A byte order mark.
            if self.at <= 3 && matches!(byte, 0xEF | 0xBB | 0xBF) && self.state == State::Value {
                continue;
            }
            self.step(*byte, &mut found)?;
        }
        Ok(())
    }

    /// Call it after the last part.
    pub(super) fn end(mut self, mut found: impl FnMut(&[u8])) -> Result<(), Malformed> {
        // A top-level number has no terminator.
        if self.state == State::Only(0) && !self.quoted && self.open.is_empty() {
            if std::str::from_utf8(&self.item)
                .is_ok_and(|item| JsonText::text_of(item).is_no_item())
            {
                return Err(Malformed::NotItems);
            }
            self.emit(&mut found);
            return Ok(());
        }
        match self.state {
            State::End if self.is_found => Ok(()),
            State::End => Err(Malformed::Missing),
            State::Value if self.open.is_empty() => Err(Malformed::Empty),
            _ => Err(Malformed::Unfinished),
        }
    }

    fn step(&mut self, byte: u8, found: &mut impl FnMut(&[u8])) -> Result<(), Malformed> {
        match self.state {
            State::Item(base) | State::Only(base) => self.within_item(byte, base, found),
            State::Other(base) => self.within_other(byte, base),
            State::Name if self.quoted => self.within_name(byte),
            State::Null(read) => self.within_null(byte, read),
            _ if byte.is_ascii_whitespace() => Ok(()),
            State::Value => self.value(byte),
            State::Items => match byte {
                b']' => self.close(),
                b',' => Ok(()),
                b'}' => Err(self.malformed()),
                _ => {
                    self.state = State::Item(self.open.len());
                    self.step(byte, found)
                }
            },
            State::Name => match byte {
                b'"' => {
                    self.name.clear();
                    self.quoted = true;
                    Ok(())
                }
                b'}' => self.close(),
                _ => Err(self.malformed()),
            },
            State::Colon if byte == b':' => {
                let here = self.path.get(self.matched).map(String::as_bytes);
                let on_path = here == Some(&self.name);
                self.state = if on_path { State::Value } else { State::Other(self.open.len()) };
                if on_path {
                    self.matched += 1;
                }
                Ok(())
            }
            State::Comma => match byte {
                b',' => {
                    self.state = State::Name;
                    Ok(())
                }
                b'}' => self.close(),
                _ => Err(self.malformed()),
            },
            State::Colon | State::End => Err(self.malformed()),
        }
    }

    /// The start of a value on the path.
    fn value(&mut self, byte: u8) -> Result<(), Malformed> {
        let at_path = self.matched == self.path.len();
        self.is_found |= at_path && matches!(byte, b'[' | b'{');
        match byte {
            b'[' if at_path => {
                self.enter(false)?;
                self.state = State::Items;
                Ok(())
            }
            b'{' if at_path => {
                self.state = State::Only(self.open.len());
                self.within_item(byte, self.open.len(), &mut |_| ())
            }
            b'{' => {
                self.enter(true)?;
                self.state = State::Name;
                Ok(())
            }
            // A null counts as absent.
            b'n' => {
                self.matched = self.matched.saturating_sub(1);
                self.state = State::Null(1);
                Ok(())
            }
            _ => Err(Malformed::NoItems(self.at)),
        }
    }

    /// Text that only begins like a null may be an error message.
    fn within_null(&mut self, byte: u8, read: usize) -> Result<(), Malformed> {
        if NULL.get(read) != Some(&byte) {
            return Err(Malformed::NoItems(self.at));
        }
        self.state = match read + 1 {
            read if read < NULL.len() => State::Null(read),
            _ if self.open.is_empty() => State::End,
            _ => State::Comma,
        };
        Ok(())
    }

    fn within_name(&mut self, byte: u8) -> Result<(), Malformed> {
        match byte {
            b'"' if !self.escaped => {
                self.quoted = false;
                self.state = State::Colon;
            }
            _ => {
                self.escaped = byte == b'\\' && !self.escaped;
                // Longer names are not on the path.
                if self.name.len() <= 256 {
                    self.name.push(byte);
                }
            }
        }
        Ok(())
    }

    fn within_other(&mut self, byte: u8, base: usize) -> Result<(), Malformed> {
        let ends = !self.quoted && self.open.len() == base && matches!(byte, b',' | b'}' | b']');
        if !ends {
            return self.track(byte);
        }
        self.state = State::Comma;
        if self.open.is_empty() {
            return Err(self.malformed());
        }
        self.step(byte, &mut |_: &[u8]| ())
    }

    fn within_item(
        &mut self,
        byte: u8,
        base: usize,
        found: &mut impl FnMut(&[u8]),
    ) -> Result<(), Malformed> {
        let is_at_base = !self.quoted && self.open.len() == base;
        // The byte belongs to the enclosing value.
        if is_at_base && matches!(byte, b',' | b']' | b'}') {
            let only = matches!(self.state, State::Only(_));
            self.emit(found);
            if only {
                self.matched = self.matched.saturating_sub(1);
            }
            self.state = if only { State::Comma } else { State::Items };
            return self.step(byte, found);
        }
        if self.item.len() >= self.max_item {
            return Err(Malformed::TooLarge);
        }
        self.item.push(byte);
        self.track(byte)
    }

    fn emit(&mut self, found: &mut impl FnMut(&[u8])) {
        found(self.item.trim_ascii());
        self.item.clear();
    }

    /// Follows quotes and brackets.
    fn track(&mut self, byte: u8) -> Result<(), Malformed> {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' if self.quoted => self.escaped = true,
            b'"' => self.quoted = !self.quoted,
            _ if self.quoted => {}
            b'{' | b'[' => self.enter(byte == b'{')?,
            b'}' | b']' if self.open.pop() != Some(byte == b'}') => return Err(self.malformed()),
            _ => {}
        }
        Ok(())
    }

    fn enter(&mut self, object: bool) -> Result<(), Malformed> {
        if self.open.len() >= DEPTH {
            return Err(self.malformed());
        }
        self.open.push(object);
        Ok(())
    }

    /// The end of the list of items, or of an object on the path.
    fn close(&mut self) -> Result<(), Malformed> {
        self.open.pop();
        self.matched = self.matched.saturating_sub(1).min(self.open.len());
        self.state = if self.open.is_empty() { State::End } else { State::Comma };
        Ok(())
    }

    const fn malformed(&self) -> Malformed {
        Malformed::At(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The items of a text. They do not depend on the size of the parts.
    fn items(path: &str, text: &str) -> Result<Vec<String>, Malformed> {
        let split = |size: usize| {
            let mut scanner = ItemScanner::new(path, 64);
            let mut items = Vec::new();
            let mut found = |item: &[u8]| items.push(String::from_utf8_lossy(item).into_owned());
            for part in text.as_bytes().chunks(size) {
                scanner.read(part, &mut found)?;
            }
            scanner.end(&mut found)?;
            Ok(items)
        };
        let whole = split(usize::MAX);
        for size in 1..=5 {
            assert_eq!(split(size), whole, "{text} in parts of {size}");
        }
        whole
    }

    #[test]
    fn finds_items_at_the_path() {
        for (path, text, expected) in [
            ("[]", "[]", vec![]),
            ("[]", " [ ] ", vec![]),
            ("[]", "[1,2 , 3]", vec!["1", "2", "3"]),
            (
                "[]",
                r#"[{"a":[1,{"b":2}]},"x,]}",null,[]]"#,
                vec![r#"{"a":[1,{"b":2}]}"#, r#""x,]}""#, "null", "[]"],
            ),
            ("[]", r#"["a\"b\\","c\\\"]"]"#, vec![r#""a\"b\\""#, r#""c\\\"]""#]),
            ("[]", r#"{"a":1}"#, vec![r#"{"a":1}"#]),
            ("[]", "\u{feff}[7]", vec!["7"]),
            ("data", r#"{"data":[1,2]}"#, vec!["1", "2"]),
            ("data", r#"{"a":{"data":[0]},"b":[{"data":[0]}],"data":[1],"c":"}"}"#, vec!["1"]),
            ("data", r#"{"data":{"x":1},"more":2}"#, vec![r#"{"x":1}"#]),
            ("a.data", r#"{"data":[0],"a":{"b":{"data":[0]},"data":[1]},"z":1}"#, vec!["1"]),
            ("a.data", r#"{"b":{"data":[0]},"a":{"data":[1]},"a2":{"data":[2]}}"#, vec!["1"]),
            ("data", "{\"x\\\"data\":[0],\n\"data\" : [ \"é\" ]\n}\n", vec!["\"é\""]),
        ] {
            let items = items(path, text).expect(text);
            assert_eq!(items, expected, "{path} of {text}");
        }
    }

    #[test]
    fn a_text_without_its_items_is_not_an_empty_list() {
        use Malformed::{Missing, NotItems};
        let boom = r#"{"message":"boom","status":500}"#;
        for (path, text, expected) in [
            ("[]", "null", Missing),
            ("[]", " null\n", Missing),
            ("data", "null", Missing),
            ("data", "{}", Missing),
            ("data", r#"{"a":1}"#, Missing),
            ("data", r#"{"data":null,"a":1}"#, Missing),
            ("data", boom, Missing),
            ("data", r#"{"a":{"data":[]}}"#, Missing),
            ("a.data", r#"{"a":{"data":null },"b":[]}"#, Missing),
            ("a.data", r#"{"a":{"x":1},"data":[0]}"#, Missing),
            ("a.data", r#"{"a":null,"b":{"data":[0]}}"#, Missing),
            // The text itself is the item.
            ("[]", "{}", NotItems),
            ("[]", boom, NotItems),
            ("[]", r#"{"errorMessage":"Task timed out after 30.00 seconds"}"#, NotItems),
        ] {
            assert_eq!(items(path, text).expect_err(text), expected, "{path} of {text}");
        }
        let item = r#"{"message":"hello","status":"sent","id":"a"}"#;
        assert_eq!(items("[]", item).expect(item), [item]);
    }

    #[test]
    fn rejects_malformed_files() {
        use Malformed::{Empty, NoItems, TooLarge, Unfinished};
        let deep = "[".repeat(200);
        let large = format!("[\"{}\"]", "x".repeat(100));
        for (path, text, expected) in [
            ("[]", "", Some(Empty)),
            ("data", " \n", Some(Empty)),
            ("[]", "not found", Some(NoItems(2))),
            ("[]", "nullable", None),
            ("[]", "nul", Some(Unfinished)),
            ("data", r#"{"data":none}"#, Some(NoItems(10))),
            ("data", r#"{"data":nu}"#, Some(NoItems(11))),
            ("[]", "[1,2", Some(Unfinished)),
            ("[]", "[{\"a\":1}", Some(Unfinished)),
            ("[]", "[\"a", Some(Unfinished)),
            ("data", r#"{"data":[1],"a":"#, Some(Unfinished)),
            ("data", r#"{"data":[1]"#, Some(Unfinished)),
            ("data", r#"{"data":7}"#, Some(NoItems(9))),
            ("data", "[1]", Some(NoItems(1))),
            ("[]", "<html>", Some(NoItems(1))),
            ("[]", "[1]2", None),
            ("[]", "[1}", None),
            ("[]", "[{]}]", None),
            ("data", r#"{"data":[1]]"#, None),
            ("data", r#"{data:[1]}"#, None),
            ("data", &format!(r#"{{"a":{deep}"#), None),
            ("[]", &large, Some(TooLarge)),
        ] {
            let found = items(path, text).expect_err(text);
            match expected {
                Some(expected) => assert_eq!(found, expected, "{text}"),
                None => assert!(matches!(found, Malformed::At(_)), "{text}: {found:?}"),
            }
        }
    }
}
