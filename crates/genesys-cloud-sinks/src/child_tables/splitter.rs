//! Splits the JSON text of a record into the rows of its tables, in one pass over the text.

use genesys_cloud_core::{Fault, lenient};
use serde_json::Value;
use serde_json::value::RawValue;

use super::VALUE;
use super::scanner::{Invalid, Scanner};

/// Maximum number of rows of a record, which bounds the memory: an element may have only two bytes.
pub(super) const MOST_ROWS: usize = 100_000;

/// Maximum length of a key, which each row of a record repeats.
const LONGEST_KEY: usize = 1024;

/// Maximum number of faults of a record.
const MOST_FAULTS: usize = 20;

/// A field of an element that is more than copied.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    name: String,
    /// Distinguishes the fields of all tables.
    id: usize,
    /// The position among the own keys of the row.
    pub(super) key: Option<usize>,
    /// The table of the elements.
    pub(super) list: Option<usize>,
    /// Whether the field has the name of an inherited key.
    pub(super) is_hidden: bool,
    inner: Vec<Node>,
}

/// How to read the rows of a table.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    fields: Vec<Node>,
    /// The names of own keys in the rows of child tables, as JSON with a colon.
    pub(super) keys: Vec<String>,
    /// The name of the position, in the same form.
    index: String,
}

impl Table {
    /// Returns the table of the elements of a list, with the name of their position.
    pub(super) fn of_elements(index: &str) -> Self {
        Self { index: name(index), ..Self::default() }
    }

    /// Returns the field with these names.
    pub(super) fn node(&mut self, names: &[String]) -> &mut Node {
        let (first, rest) = names.split_first().map_or(("", names), |(it, rest)| (&**it, rest));
        rest.iter().fold(of(&mut self.fields, first), |node, name| of(&mut node.inner, name))
    }
}

fn of<'a>(fields: &'a mut Vec<Node>, name: &str) -> &'a mut Node {
    let at = fields.iter().position(|node| node.name == name).unwrap_or_else(|| {
        fields.push(Node { name: name.to_owned(), ..Node::default() });
        fields.len() - 1
    });
    &mut fields[at]
}

/// Returns a name as JSON with a colon.
pub(super) fn name(name: &str) -> String {
    format!("{}:", Value::from(name))
}

/// Splits records.
#[derive(Clone, Debug)]
pub(super) struct Splitter {
    /// The record, then its child tables. A table comes after that of its parents.
    tables: Vec<Table>,
    /// The paths of the child tables.
    paths: Vec<String>,
}

/// A record without the lists that are child tables, and the rows of these.
#[derive(Debug)]
pub(super) struct Split {
    pub(super) record: Box<RawValue>,
    pub(super) rows: Vec<Row>,
    /// What the rows can't represent. Its values are null, or empty lists.
    pub(super) faults: Vec<Fault>,
}

/// A row of a child table.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) table: usize,
    /// The index of its parent in [`Split::rows`]. `None` for the record.
    pub(super) parent: Option<usize>,
    pub(super) json: Box<RawValue>,
}

/// Why a record can't be split.
#[derive(Debug)]
pub(super) enum Unsplit {
    Invalid(String),
    TooManyRows,
}

impl From<Invalid> for Unsplit {
    fn from(_: Invalid) -> Self {
        Self::Invalid("the text is not JSON".to_owned())
    }
}

/// A row while its record is read.
struct Draft<'a> {
    table: usize,
    parent: usize,
    index: usize,
    /// Its fields, without braces.
    text: String,
    keys: Vec<Option<&'a str>>,
    /// Whether a later field with the same name has replaced its list.
    is_replaced: bool,
}

/// A record that is being read.
struct Reading<'a, 's> {
    splitter: &'s Splitter,
    json: Scanner<'a>,
    rows: Vec<Draft<'a>>,
    faults: Vec<Fault>,
}

impl Splitter {
    pub(super) fn new(mut tables: Vec<Table>, paths: Vec<String>) -> Self {
        let mut next = 0;
        let mut left: Vec<&mut Node> =
            tables.iter_mut().flat_map(|table| &mut table.fields).collect();
        while let Some(node) = left.pop() {
            node.id = next;
            next += 1;
            left.extend(&mut node.inner);
        }
        Self { tables, paths }
    }

    /// Splits a record. A record that is not an object has no rows.
    pub(super) fn split(&self, record: &RawValue) -> Result<Split, Unsplit> {
        let json = Scanner::new(record.get());
        let mut reading = Reading { splitter: self, json, rows: Vec::new(), faults: Vec::new() };
        if reading.json.peek() != b'{' {
            let record = record.to_owned();
            return Ok(Split { record, rows: Vec::new(), faults: Vec::new() });
        }
        reading.element(0, 0, 0)?;
        reading.finish()
    }
}

impl<'a, 's> Reading<'a, 's> {
    /// Reads the record, or an element of a list.
    fn element(&mut self, table: usize, parent: usize, index: usize) -> Result<(), Unsplit> {
        let row = self.rows.len();
        if row > MOST_ROWS {
            return Err(Unsplit::TooManyRows);
        }
        let splitter = self.splitter;
        let of = &splitter.tables[table];
        let keys = vec![None; of.keys.len()];
        let text = String::new();
        self.rows.push(Draft { table, parent, index, text, keys, is_replaced: false });
        let mut text = String::new();
        if self.json.peek() == b'{' {
            self.members(row, &of.fields, &mut text)?;
        } else {
            text = format!("\"{VALUE}\":{}", self.json.value()?);
        }
        self.rows[row].text = text;
        Ok(())
    }

    /// Reads the fields of an object, and adds those that stay in the row.
    fn members(
        &mut self,
        row: usize,
        fields: &'s [Node],
        text: &mut String,
    ) -> Result<(), Unsplit> {
        // The rows of lists in this object.
        let mut lists: Vec<(usize, std::ops::Range<usize>)> = Vec::new();
        let mut is_first = true;
        let mut begin = |text: &mut String| {
            if !std::mem::replace(&mut is_first, false) {
                text.push(',');
            }
        };
        self.json.expect(b'{')?;
        if self.json.take(b'}') {
            return Ok(());
        }
        loop {
            let start = self.json.position();
            let name = self.json.string()?;
            self.json.expect(b':')?;
            let Some(node) = find(fields, name) else {
                self.json.value()?;
                begin(text);
                text.push_str(self.json.since(start));
                if self.json.take(b',') {
                    continue;
                }
                break;
            };
            // Of duplicate fields, the last one counts.
            if let Some(at) = lists.iter().position(|(known, _)| *known == node.id) {
                let (_, replaced) = lists.swap_remove(at);
                self.rows[replaced].iter_mut().for_each(|row| row.is_replaced = true);
            }
            node.forget(&mut self.rows[row].keys);
            let first = self.rows.len();
            if node.is_hidden {
                self.json.value()?;
            } else if let Some(table) = node.list {
                self.list(table, row)?;
            } else if !node.inner.is_empty() && self.json.peek() == b'{' {
                begin(text);
                text.push_str(name);
                text.push_str(":{");
                self.members(row, &node.inner, text)?;
                text.push('}');
            } else {
                let value = self.json.value()?;
                begin(text);
                text.push_str(self.json.since(start));
                if let Some(key) = node.key {
                    self.rows[row].keys[key] = Some(value);
                }
            }
            if self.rows.len() > first {
                lists.push((node.id, first..self.rows.len()));
            }
            if !self.json.take(b',') {
                break;
            }
        }
        self.json.expect(b'}')?;
        Ok(())
    }

    /// Reads the elements of a list as rows.
    fn list(&mut self, table: usize, parent: usize) -> Result<(), Unsplit> {
        match self.json.peek() {
            b'[' => self.json.expect(b'[')?,
            b'n' => return self.json.value().map(drop).map_err(Unsplit::from),
            _ => {
                self.json.value()?;
                let path = self.splitter.paths[table - 1].clone();
                self.fault(path, "not a list");
                return Ok(());
            }
        }
        if self.json.take(b']') {
            return Ok(());
        }
        for index in 0.. {
            self.element(table, parent, index)?;
            if !self.json.take(b',') {
                break;
            }
        }
        self.json.expect(b']')?;
        Ok(())
    }

    fn fault(&mut self, field: String, reason: &str) {
        let is_new = |it: &Fault| it.field.as_ref() != Some(&field);
        if self.faults.len() < MOST_FAULTS && self.faults.iter().all(is_new) {
            self.faults.push(Fault { field: Some(field), reason: reason.to_owned() });
        }
    }

    /// Adds the keys to all rows.
    fn finish(mut self) -> Result<Split, Unsplit> {
        let invalid = |error: serde_json::Error| Unsplit::Invalid(error.to_string());
        let tables = &self.splitter.tables;
        let drafts = std::mem::take(&mut self.rows);
        // The keys for the children of each row, and its place among the rows that stay.
        let mut keys: Vec<(String, Option<usize>)> = Vec::with_capacity(drafts.len());
        let mut rows = Vec::with_capacity(drafts.len().saturating_sub(1));
        let mut record = None;
        let has_rows = drafts.iter().skip(1).any(|draft| !draft.is_replaced);
        for (at, draft) in drafts.into_iter().enumerate() {
            let table = &tables[draft.table];
            if at == 0 {
                keys.push((self.own_keys(table, &draft, has_rows).join(","), None));
                let text = format!("{{{}}}", draft.text);
                record = Some(RawValue::from_string(text).map_err(invalid)?);
                continue;
            }
            if draft.is_replaced {
                keys.push((String::new(), None));
                continue;
            }
            let (of_parent, parent) = &keys[draft.parent];
            let index = format!("{}{}", table.index, draft.index);
            let parts = [&**of_parent, &index, &draft.text];
            let parts = parts.into_iter().filter(|part| !part.is_empty());
            let text = format!("{{{}}}", parts.collect::<Vec<_>>().join(","));
            let json = RawValue::from_string(text).map_err(invalid)?;
            let (table_of_row, parent) = (draft.table, *parent);
            let own = self.own_keys(table, &draft, true);
            let of_parent = &keys[draft.parent].0;
            let all = std::iter::once(of_parent.clone()).filter(|it| !it.is_empty());
            let all: Vec<String> = all.chain(own).chain([index]).collect();
            keys.push((all.join(","), Some(rows.len())));
            rows.push(Row { table: table_of_row, parent, json });
        }
        let record = record.ok_or(Invalid)?;
        Ok(Split { record, rows, faults: self.faults })
    }

    /// Returns the own keys of a row, for its children. The record must have all of them.
    fn own_keys(&mut self, table: &Table, draft: &Draft<'_>, is_used: bool) -> Vec<String> {
        let mut keys = Vec::with_capacity(table.keys.len());
        for (name, value) in table.keys.iter().zip(&draft.keys) {
            let value = value.filter(|value| *value != "null");
            let wrong = match value {
                None if draft.table == 0 => Some("missing, and rows of child tables need it"),
                Some(value) if value.starts_with(['{', '[']) => Some("not a scalar"),
                Some(value) if value.len() > LONGEST_KEY => Some("too long for a key"),
                _ => None,
            };
            if let Some(wrong) = wrong.filter(|_| is_used) {
                let field = name.trim_end_matches(':').trim_matches('"').to_owned();
                self.fault(field, wrong);
            }
            keys.push(format!("{name}{}", value.filter(|_| wrong.is_none()).unwrap_or("null")));
        }
        keys
    }
}

impl Node {
    /// Forgets the keys in this field, before another one with the same name is read.
    fn forget(&self, keys: &mut [Option<&str>]) {
        if let Some(key) = self.key {
            keys[key] = None;
        }
        self.inner.iter().for_each(|node| node.forget(keys));
    }
}

/// Finds the field with a name, which is JSON.
fn find<'s>(fields: &'s [Node], name: &str) -> Option<&'s Node> {
    let plain = name.get(1..name.len().saturating_sub(1)).unwrap_or_default();
    match plain.contains('\\') {
        false => fields.iter().find(|node| node.name == plain),
        true => {
            let (plain, _) = lenient::text(name, false)?;
            fields.iter().find(|node| node.name == plain)
        }
    }
}

#[cfg(test)]
mod tests;
