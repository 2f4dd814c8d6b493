//! A file with the parents of a list: CSV with a header, or JSON lines.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use genesys_cloud_core::lenient;
use serde_json::value::RawValue;

use super::binding::Scalar;
use crate::failure::Failure;
use crate::resolve::{nearest, quoted};

/// A file of parents.
pub(super) struct ParentsFile {
    name: String,
    columns: Vec<String>,
    rows: Vec<Vec<Option<Scalar>>>,
}

/// Returns whether a parent is a file: a name with the extension of a format, which no operation has.
pub(super) fn is_file(name: &str) -> bool {
    let end = Path::new(name).extension().and_then(|end| end.to_str());
    end.is_some_and(|end| ["csv", "jsonl", "ndjson"].iter().any(|it| end.eq_ignore_ascii_case(it)))
}

impl ParentsFile {
    pub(super) fn read(name: &str) -> Result<Self, Failure> {
        let fault = |why: String| Failure::usage(format!("--for-each: {name}: {why}"));
        let text = std::fs::read_to_string(name);
        let text = text.map_err(|error| fault(format!("can't read the file: {error}")))?;
        let text = lenient::without_mark(&text);
        let is_csv = name.to_ascii_lowercase().ends_with("csv");
        let (columns, rows) = if is_csv { csv(text) } else { lines(text) }.map_err(fault)?;
        if rows.is_empty() {
            return Err(fault("the file has no rows".to_owned()));
        }
        Ok(Self { name: name.to_owned(), columns, rows })
    }

    /// Returns the name of the file.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn has_column(&self, name: &str) -> bool {
        self.columns.iter().any(|known| known == name)
    }

    /// Returns the names of the columns for a message.
    pub(super) fn columns(&self) -> String {
        self.columns.join(", ")
    }

    /// Returns the position of a column that an option names.
    pub(super) fn column(&self, name: &str) -> Result<usize, Failure> {
        if let Some(at) = self.columns.iter().position(|known| known == name) {
            return Ok(at);
        }
        let near = nearest(name, self.columns.iter().cloned(), 2);
        let failure = Failure::usage(format!("--bind: {} has no column `{name}`", self.name));
        Err(failure.advise(match near.is_empty() {
            false => format!("did you mean {}?", quoted(&near)),
            true => format!("expected one of {}", self.columns()),
        }))
    }

    /// Returns the values of these columns, each combination once and in the order of the file.
    pub(super) fn values(&self, columns: &[usize]) -> Result<Vec<Vec<Scalar>>, Failure> {
        let mut seen: HashSet<Vec<&str>> = HashSet::new();
        let mut values = Vec::new();
        for (at, row) in self.rows.iter().enumerate() {
            let cells = columns.iter().map(|column| {
                row.get(*column)
                    .and_then(Option::as_ref)
                    .filter(|it| !it.text.is_empty())
                    .ok_or(column)
            });
            let cells: Vec<&Scalar> = cells.collect::<Result<_, _>>().map_err(|column| {
                let column = &self.columns[*column];
                Failure::usage(format!(
                    "--for-each: {}: record {} has no value for `{column}`",
                    self.name,
                    at + 1
                ))
            })?;
            if seen.insert(cells.iter().map(|it| &*it.text).collect()) {
                values.push(cells.into_iter().cloned().collect());
            }
        }
        Ok(values)
    }
}

type Table = (Vec<String>, Vec<Vec<Option<Scalar>>>);

/// Reads CSV as RFC 4180 defines it.
fn csv(text: &str) -> Result<Table, String> {
    let mut rows = records(text)?.into_iter().filter(|row| row.iter().any(|it| !it.is_empty()));
    let columns: Vec<String> =
        rows.next().ok_or("the file is empty")?.iter().map(|name| name.trim().to_owned()).collect();
    let names: BTreeSet<&String> = columns.iter().collect();
    if names.len() < columns.len() {
        return Err("two columns have the same name".to_owned());
    }
    let scalar = |text: String| Some(Scalar::of_text(text));
    let rows = rows.map(|row| row.into_iter().map(scalar).collect()).collect();
    Ok((columns, rows))
}

fn records(text: &str) -> Result<Vec<Vec<String>>, String> {
    let (mut records, mut record, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut letters = text.chars().peekable();
    let mut is_quoted = false;
    while let Some(letter) = letters.next() {
        match letter {
            '"' if is_quoted && letters.next_if_eq(&'"').is_some() => cell.push('"'),
            '"' if is_quoted => is_quoted = false,
            letter if is_quoted => cell.push(letter),
            '"' if cell.is_empty() => is_quoted = true,
            ',' => record.push(std::mem::take(&mut cell)),
            '\r' if letters.peek() == Some(&'\n') => {}
            '\n' | '\r' => {
                record.push(std::mem::take(&mut cell));
                records.push(std::mem::take(&mut record));
            }
            letter => cell.push(letter),
        }
    }
    if is_quoted {
        return Err("a quote is not closed".to_owned());
    }
    if !cell.is_empty() || !record.is_empty() {
        record.push(cell);
        records.push(record);
    }
    Ok(records)
}

/// Reads JSON lines. The columns are the fields of all objects.
fn lines(text: &str) -> Result<Table, String> {
    let mut columns: Vec<String> = Vec::new();
    let mut rows = Vec::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let object: BTreeMap<String, &RawValue> = serde_json::from_str(line)
            .map_err(|error| format!("line {} is not a JSON object: {error}", at + 1))?;
        for name in object.keys() {
            if !columns.contains(name) {
                columns.push(name.clone());
            }
        }
        let row = columns.iter().map(|name| Scalar::of_json(object.get(name)?.get()));
        rows.push(row.collect());
    }
    Ok((columns, rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(rows: Vec<Vec<Scalar>>) -> Vec<Vec<String>> {
        rows.into_iter().map(|row| row.into_iter().map(|it| it.text).collect()).collect()
    }

    fn file(text: &str, read: fn(&str) -> Result<Table, String>) -> ParentsFile {
        let (columns, rows) = read(text).expect(text);
        ParentsFile { name: "ids.csv".to_owned(), columns, rows }
    }

    #[test]
    fn reads_csv_with_quotes_and_drops_repetitions() {
        let found = file("id,name\r\n1,\"a, \"\"b\"\"\nc\"\r\n\r\n2,x\n1,other\n3,last", csv);
        assert_eq!(texts(found.values(&[0]).expect("ids")), [["1"], ["2"], ["3"]]);
        let both = texts(found.values(&[1, 0]).expect("both"));
        assert_eq!(both[0], ["a, \"b\"\nc", "1"]);
        assert_eq!(both.len(), 4);
        assert!(csv("id\n\"open").is_err() && csv("").is_err() && csv("a,a\n1,2").is_err());
    }

    #[test]
    fn reads_json_lines() {
        let found = file("{\"id\":\"x\"}\n\n{\"n\":7,\"id\":\"y\"}\n", lines);
        assert_eq!((found.columns(), found.rows.len()), ("id, n".to_owned(), 2));
        assert_eq!(texts(found.values(&[0]).expect("ids")), [["x"], ["y"]]);
        let failure = found.values(&[1]).expect_err("the first one has no number");
        assert!(failure.to_string().contains("record 1 has no value for `n`"), "{failure}");
        assert!(lines("[1]").is_err());
    }

    #[test]
    fn refuses_unknown_columns_and_empty_cells() {
        let found = file("queue_id,name\na,b\n,c", csv);
        let failure = found.column("queueid").expect_err("no such column");
        assert_eq!(failure.advice(), ["did you mean `queue_id`?"]);
        assert!(found.values(&[0]).is_err());
    }

    #[test]
    fn distinguishes_files_from_operations() {
        assert!(is_file("ids.csv") && is_file("/a/b.JSONL"));
        assert!(!is_file("routing.queues") && !is_file("getRoutingQueues"));
    }
}
