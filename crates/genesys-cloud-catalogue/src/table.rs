use std::borrow::Cow;
use std::ops::Range;
use std::sync::OnceLock;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Place};

/// JSON lines. A row is parsed on first use: most programs need few of the thousands of rows and should not wait for
/// all of them.
#[derive(Debug)]
pub(crate) struct Table<T> {
    text: Cow<'static, str>,
    place: fn(usize) -> Place,
    rows: Vec<Row<T>>,
}

#[derive(Debug)]
struct Row<T> {
    line: usize,
    text: Range<usize>,
    value: OnceLock<T>,
}

impl<T: DeserializeOwned> Table<T> {
    /// Creates a table from the non-blank lines of a text. `place` is the place of a line, for errors.
    pub(crate) fn new(text: Cow<'static, str>, place: fn(usize) -> Place) -> Self {
        let mut rows = Vec::new();
        let mut start = 0;
        for (line, row) in (1..).zip(text.split_inclusive('\n')) {
            let range = start..start + row.len();
            start = range.end;
            if !row.trim().is_empty() {
                rows.push(Row { line, text: range, value: OnceLock::new() });
            }
        }
        Self { text, place, rows }
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn place(&self, row: usize) -> Place {
        (self.place)(self.rows[row].line)
    }

    /// Parses the part of a row that has its names.
    pub(crate) fn head<'a, H: Deserialize<'a>>(&'a self, row: usize) -> Result<H, Error> {
        let text = &self.text[self.rows[row].text.clone()];
        serde_json::from_str(text).map_err(|source| Error::json(self.place(row), source))
    }

    pub(crate) fn get(&self, row: usize) -> &T {
        self.rows[row]
            .value
            .get_or_init(|| self.head(row).expect("a test or `check` has read all rows"))
    }

    /// Reads every row, so that `get` can't fail.
    pub(crate) fn check(&self) -> Result<(), Error> {
        for (number, row) in self.rows.iter().enumerate() {
            let value = self.head(number)?;
            row.value.get_or_init(|| value);
        }
        Ok(())
    }
}
