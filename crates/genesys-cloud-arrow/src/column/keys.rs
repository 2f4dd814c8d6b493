//! The names of the fields of an object.

use std::collections::BTreeSet;

use genesys_cloud_core::lenient;

use crate::scanner::{Invalid, Scanner};

/// The most unknown names that are remembered, and the longest one.
const MOST_UNKNOWN: usize = 256;
const LONGEST_UNKNOWN: usize = 128;

/// The most unknown names that are only counted.
const MOST_OTHERS: usize = 20;

/// How many names are tried before the next one is looked up: optional fields may be absent.
const TRIED: usize = 4;

/// Finds the field of a name. The service writes the fields of a record in the same order, so the name that followed
/// the last one before is tried first.
pub(super) struct Keys {
    entries: Vec<Entry>,
    /// The entry that follows the start of the object, and each entry.
    after: Vec<usize>,
    /// The entries by name.
    sorted: Vec<usize>,
    most: usize,
    /// Unknown names that are not among the entries.
    others: BTreeSet<String>,
}

struct Entry {
    /// The name with quotes and a colon.
    quoted: Box<[u8]>,
    /// The index of the field; `None` if it is not read.
    field: Option<usize>,
}

impl Entry {
    fn new(name: &[u8], field: Option<usize>) -> Self {
        Self { quoted: [b"\"", name, b"\":"].concat().into(), field }
    }

    fn name(&self) -> &[u8] {
        self.quoted.get(1..self.quoted.len() - 2).unwrap_or_default()
    }
}

impl Keys {
    pub(super) fn new<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let entries = names.enumerate().map(|(at, name)| Entry::new(name.as_bytes(), Some(at)));
        let entries: Vec<Entry> = entries.collect();
        let mut sorted: Vec<usize> = (0..entries.len()).collect();
        sorted.sort_by(|one, other| entries[*one].name().cmp(entries[*other].name()));
        let (after, most) = ((0..=entries.len()).collect(), entries.len() + MOST_UNKNOWN);
        Self { entries, after, sorted, most, others: BTreeSet::new() }
    }

    /// Takes a name and its colon, and returns the field. `last` is 0 at the start of an object.
    #[inline]
    pub(super) fn take(
        &mut self,
        json: &mut Scanner<'_>,
        last: &mut usize,
    ) -> Result<Option<usize>, Invalid> {
        json.peek();
        let first = self.after.get(*last).copied().unwrap_or_default();
        let tried = self.entries.iter().enumerate().skip(first).take(TRIED);
        for (at, entry) in tried {
            if json.take_all(&entry.quoted) {
                *last = at + 1;
                return Ok(entry.field);
            }
        }
        self.look_up(json, last)
    }

    /// The names that are not read. After the first few hundred, they are not remembered.
    pub(super) fn unknown(&self) -> impl Iterator<Item = String> {
        let entries = self.entries.iter().filter(|entry| entry.field.is_none());
        let names = entries.map(|entry| String::from_utf8_lossy(entry.name()).into_owned());
        names.chain(self.others.iter().cloned())
    }

    /// Remembers an unknown name, cut to its beginning.
    fn note(&mut self, name: &[u8]) {
        if self.others.len() < MOST_OTHERS {
            let beginning = name.get(..LONGEST_UNKNOWN).unwrap_or(name);
            self.others.insert(String::from_utf8_lossy(beginning).into_owned());
        }
    }

    fn look_up(
        &mut self,
        json: &mut Scanner<'_>,
        last: &mut usize,
    ) -> Result<Option<usize>, Invalid> {
        let (token, has_escapes) = json.string()?;
        json.expect(b':')?;
        let (name, _) = lenient::text(token, false).ok_or(Invalid)?;
        let name = name.as_bytes();
        let found = self.sorted.binary_search_by(|at| self.entries[*at].name().cmp(name));
        let entry = match found {
            Ok(at) => self.sorted[at],
            Err(at) => {
                let is_kept =
                    !has_escapes && name.len() <= LONGEST_UNKNOWN && self.entries.len() < self.most;
                if !is_kept {
                    self.note(name);
                    return Ok(None);
                }
                let entry = self.entries.len();
                self.entries.push(Entry::new(name, None));
                self.sorted.insert(at, entry);
                // It stands between its neighbors.
                self.after.push(self.after.get(*last).copied().unwrap_or_default());
                entry
            }
        };
        if let Some(after) = self.after.get_mut(*last) {
            *after = entry;
        }
        *last = entry + 1;
        Ok(self.entries[entry].field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(keys: &mut Keys, json: &str) -> Vec<Option<usize>> {
        let (mut json, mut last, mut fields) = (Scanner::new(json), 0, Vec::new());
        json.expect(b'{').expect("an object");
        while !json.take(b'}') {
            fields.push(keys.take(&mut json, &mut last).expect("a name"));
            json.value().expect("a value");
            json.take(b',');
        }
        fields
    }

    #[test]
    fn finds_fields_in_any_order() {
        let mut keys = Keys::new(["id", "name", "url", "x", "y", "z", "last"].into_iter());
        for _ in 0..3 {
            for (json, expected) in [
                (r#"{"id":1,"name":2,"url":3}"#, &[Some(0), Some(1), Some(2)][..]),
                (r#"{"last":1,"id" : 2}"#, &[Some(6), Some(0)]),
                (r#"{"id":1,"last":2}"#, &[Some(0), Some(6)]),
                (r#"{"new":{"id":1},"id":1, "ne":1,"name":2}"#, &[None, Some(0), None, Some(1)]),
                (r#"{"n\u0061me":1,"n\u0061":1}"#, &[Some(1), None]),
                (r#"{"id":1,"id":1,"id":1}"#, &[Some(0); 3]),
                (r#"{"":1}"#, &[None]),
                ("{}", &[]),
            ] {
                assert_eq!(fields(&mut keys, json), expected, "{json}");
            }
        }
    }

    #[test]
    fn remembers_a_limited_number_of_unknown_names() {
        let mut keys = Keys::new(["id"].into_iter());
        for number in 0..2 * MOST_UNKNOWN {
            let json = format!(r#"{{"unknown{number}":1,"id":2}}"#);
            assert_eq!(fields(&mut keys, &json), [None, Some(0)]);
        }
        fields(&mut keys, &format!(r#"{{"{}":1}}"#, "x".repeat(LONGEST_UNKNOWN + 1)));
        assert_eq!(keys.entries.len(), 1 + MOST_UNKNOWN);
        assert_eq!(keys.after.len(), keys.entries.len() + 1);
    }
}
