//! Errors of rows that the database refuses, with advice.

use serde_json::Value;
use serde_json::value::RawValue;
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, SqlState};

use super::session::Key;
use super::sql_errors::{describe, is_untranslatable};
use super::{Field, PostgresSink};
use crate::SinkError;

impl PostgresSink {
    /// Describes a refused row.
    pub(super) async fn unfit(&mut self, error: Error, batch: &[Box<RawValue>]) -> SinkError {
        let Some((line, mut column, why)) = self.refused_row(&error) else {
            return match &mut self.session {
                Some(session) => session.failed(error).await,
                None => SinkError::new(error.to_string()),
            };
        };
        let mut line = line.filter(|line| *line < batch.len());
        if is_untranslatable(&error) && column.is_none() {
            // A failed transaction accepts no further queries.
            if let Some(session) = &mut self.session {
                let _ = session.roll_back().await;
            }
            for at in line.into_iter().chain(0..batch.len()) {
                if let Ok(Some(found)) = self.untranslatable(&batch[at]).await {
                    (line, column) = (Some(at), Some(found));
                    break;
                }
            }
        }
        let (record, table) = (self.which(line, batch), self.display(&self.staging()));
        SinkError::new(match column.and_then(|column| self.fields.get(column)) {
            Some(field) => format!(
                "{record} does not fit column {} of {table} (field {}): {why}; omit the field with --fields, change \
                 the type of the column in both tables, or add --on-bad-value null or skip; then --resume",
                field.column, field.path
            ),
            None => format!("{record} does not fit {table}: {why}"),
        })
    }

    /// Returns the index, the column and the reason of a refused row. `None` if the error has another cause.
    pub(super) fn refused_row(
        &self,
        error: &Error,
    ) -> Option<(Option<usize>, Option<usize>, String)> {
        // For other errors, such as a full disk, the row is a coincidence.
        let is_of_row = |it: &&DbError| {
            it.code().code().starts_with("22") || it.code().code().starts_with("23")
        };
        let found = error.as_db_error().filter(is_of_row)?;
        // "COPY queues_staging, line 3, column name: ..", in the language of the server.
        let (_, place) = found.where_()?.split_once(&format!("{}, ", self.staging()))?;
        let digits = place.trim_start_matches(|it: char| !it.is_ascii_digit());
        let digits = digits.split(|it: char| !it.is_ascii_digit()).next().unwrap_or_default();
        let line = digits.parse::<usize>().ok().and_then(|line| line.checked_sub(1));
        let names = |(_, field): &(usize, &Field)| {
            place.contains(&format!(" {}:", field.column)) || found.column() == Some(&field.column)
        };
        let fields = self.fields.iter().enumerate().filter(names);
        let column = fields.max_by_key(|(_, field)| field.column.len()).map(|(at, _)| at);
        let why = describe(found);
        let why = match &self.session {
            Some(session) => session.secrets.redact(&why).into_owned(),
            None => why,
        };
        Some((line, column, why))
    }

    /// Names a record of a batch, by number and ID.
    pub(super) fn which(&self, at: Option<usize>, batch: &[Box<RawValue>]) -> String {
        let Some((at, record)) = at.and_then(|at| Some((at, batch.get(at)?))) else {
            return "a record".to_owned();
        };
        let number = self.written + at as u64 + 1;
        let id = ["id".to_owned()];
        let key = if self.target.upsert.is_empty() { &id[..] } else { &self.target.upsert };
        let record = serde_json::from_str::<Value>(record.get()).unwrap_or_default();
        let values = key.iter().filter_map(|key| Some((key, record.get(key)?.as_str()?)));
        let values: Vec<String> = values.map(|(key, value)| format!("{key} {value}")).collect();
        let noun = if self.is_child() { "row" } else { "record" };
        match values.is_empty() {
            false => format!("{noun} {number} ({})", values.join(", ")),
            true => format!("{noun} {number}"),
        }
    }

    /// Returns a warning if existing rows may conflict with the records in the end.
    pub(super) async fn doubts(&mut self) -> Result<Option<String>, SinkError> {
        if !self.target.upsert.is_empty() || self.replaces() {
            return Ok(None);
        }
        let is_written = |column: &String| self.fields.iter().any(|field| field.column == *column);
        let all = self.keys.iter().filter(|key| key.columns.iter().all(is_written));
        // Prefer a key that --upsert supports.
        let Some(key) = all.min_by_key(|key| self.upsert_by(key).is_none()) else {
            return Ok(None);
        };
        let table = self.display(&self.target.table);
        let mut doubt = format!(
            "table {table} has rows and a unique index on {}: without --upsert, one record with an existing key fails \
             the export",
            key.columns.join(", ")
        );
        if let Some(upsert) = self.upsert_by(key) {
            doubt += &format!("; to update such rows: --resume {upsert}");
        }
        let named = self.named(&self.target.table);
        let has_rows = self.session().await?.has_rows(&named).await?;
        Ok(has_rows.then_some(doubt))
    }

    /// Returns the upsert option for a key of written fields.
    fn upsert_by(&self, key: &Key) -> Option<String> {
        if self.is_child() {
            return None;
        }
        let path =
            |column: &String| Some(&*self.fields.iter().find(|it| it.column == *column)?.path);
        let paths: Vec<&str> = key.columns.iter().map(path).collect::<Option<_>>()?;
        Some(match &paths[..] {
            ["id"] => "--upsert".to_owned(),
            paths => format!("--upsert {}", paths.join(",")),
        })
    }

    /// Describes why the records were not moved.
    pub(super) async fn unmoved(&mut self, error: Error) -> SinkError {
        let found = error.as_db_error().filter(|it| *it.code() == SqlState::UNIQUE_VIOLATION);
        let index = found.map(|it| it.constraint().map(str::to_owned));
        let failed = match &mut self.session {
            Some(session) => session.failed(error).await,
            None => SinkError::new(error.to_string()),
        };
        let Some(index) = index else { return failed };
        self.doubt = None;
        // Indexes of partitions have other names.
        let key = self.keys.iter().find(|key| Some(&key.name) == index.as_ref());
        let mut keys = key.map_or(&self.keys[..], std::slice::from_ref).iter();
        let upsert = keys.find_map(|key| self.upsert_by(key));
        failed.reworded(|text| match upsert {
            Some(upsert) => {
                format!("{text}; no record was added; --resume {upsert} updates such rows")
            }
            None => {
                format!("{text}; no record was added; delete the conflicting rows, and --resume")
            }
        })
    }
}
