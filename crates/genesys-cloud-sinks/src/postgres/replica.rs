//! Connections, and rows of COPY, for `genesys-cloud-sync`. Not part of the public API.

use bytes::Bytes;
use serde_json::value::RawValue;
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};

use super::copy_text::{Filled, Rows, escape};
use super::session::Session;
use super::sql_errors::is_end;
pub use super::table::{quoted, sql_type};
use super::target::Target;
use crate::SinkError;
use crate::columns::{ColumnKind, Columns};

/// A connection to the database of a target.
pub struct Connection {
    session: Session,
}

impl Connection {
    /// Connects, without a lock.
    pub async fn open(target: &Target) -> Result<Self, SinkError> {
        Ok(Self { session: Session::connect(target, None).await? })
    }

    /// The schema of the tables.
    pub fn schema(&self) -> &str {
        &self.session.schema
    }

    /// The database and server, for messages.
    pub fn place(&self) -> &str {
        &self.session.place
    }

    /// Takes a lock that the connection holds until it ends. False if another connection holds it for longer than it
    /// takes the server to notice a killed process.
    pub async fn lock(&mut self, name: &str) -> Result<bool, SinkError> {
        let name = format!("genesys-cloud {}.{name}", self.session.schema);
        let lock = "SELECT pg_advisory_lock(hashtextextended($1, 0))";
        match self.session.client.execute(lock, &[&name]).await {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => Ok(false),
            Err(error) => Err(self.session.failed(error).await),
        }
    }

    /// Runs statements without parameters.
    pub async fn run(&mut self, statements: &str) -> Result<(), SinkError> {
        self.session.run(statements).await
    }

    /// Runs a statement, and returns the number of rows written.
    pub async fn execute(
        &mut self,
        statement: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, SinkError> {
        self.session.execute(statement, parameters).await
    }

    /// Returns the rows of a query.
    pub async fn query(
        &mut self,
        query: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, SinkError> {
        self.session.all(query, parameters).await
    }

    /// Returns the names of the columns of a table, if it exists.
    pub async fn columns(&mut self, table: &str) -> Result<Option<Vec<String>>, SinkError> {
        let found = self.session.columns(table).await?;
        Ok(found.map(|found| found.into_iter().map(|column| column.name).collect()))
    }

    /// Starts a transaction.
    pub async fn begin(&mut self) -> Result<(), SinkError> {
        self.session.begin().await
    }

    /// Commits the transaction.
    pub async fn commit(&mut self, what: &str) -> Result<(), SinkError> {
        Ok(self.session.commit(what).await?)
    }

    /// Copies rows into a table. The inner error says that the database refused a row, and none was written.
    pub async fn copy(
        &mut self,
        statement: &str,
        rows: Bytes,
    ) -> Result<Result<u64, SinkError>, SinkError> {
        let prepared = self.session.prepare(statement).await?;
        match self.session.copy(&prepared, rows).await {
            Ok(rows) => Ok(Ok(rows)),
            Err(error) => {
                let is_refused = error.as_db_error().is_some() && !is_end(&error);
                let error = self.session.failed(error).await;
                if is_refused { Ok(Err(error)) } else { Err(error) }
            }
        }
    }

    /// Returns whether the database encoding does not have all characters.
    pub async fn is_narrow(&mut self) -> Result<bool, SinkError> {
        self.session.is_narrow().await
    }
}

/// Encodes records as rows of COPY, with further values at the end.
pub struct RowEncoder {
    rows: Rows,
    columns: usize,
}

impl RowEncoder {
    /// Creates an encoder for these columns.
    pub fn new(columns: &Columns, is_narrow: bool) -> Self {
        let filled = columns.all().iter().map(|column| Filled {
            path: &column.path,
            kind: type_of(column.kind),
            modifier: -1,
            is_exact: column.kind == ColumnKind::JsonText,
        });
        Self { rows: Rows::new(filled, false, is_narrow), columns: columns.all().len() }
    }

    /// Adds the row of a record. Without a record, or if a value does not fit its column, all columns are null and the
    /// result is false.
    pub fn add(
        &mut self,
        record: Option<&RawValue>,
        more: &[Option<&str>],
        out: &mut Vec<u8>,
    ) -> bool {
        let added = record.is_some_and(|record| self.rows.add(record, &[], out).is_ok());
        match added {
            // The line break.
            true => drop(out.pop()),
            false => out.extend_from_slice(vec!["\\N"; self.columns].join("\t").as_bytes()),
        }
        let is_fit = if added { "true" } else { "false" };
        for value in more.iter().chain(&[Some(is_fit)]) {
            out.push(b'\t');
            match value {
                Some(text) => escape(text, out),
                None => out.extend_from_slice(b"\\N"),
            }
        }
        out.push(b'\n');
        added
    }
}

/// Returns the names of the columns of a new table.
pub fn names(columns: &Columns) -> Result<Vec<String>, SinkError> {
    super::table::names(columns).map_err(SinkError::new)
}

/// The type of [`sql_type`].
fn type_of(kind: ColumnKind) -> &'static Type {
    match kind {
        ColumnKind::Text => &Type::TEXT,
        ColumnKind::Integer => &Type::INT8,
        ColumnKind::Number => &Type::FLOAT8,
        ColumnKind::Boolean => &Type::BOOL,
        ColumnKind::DateTime => &Type::TIMESTAMPTZ,
        ColumnKind::Date => &Type::DATE,
        ColumnKind::Json => &Type::JSONB,
        ColumnKind::JsonText => &Type::JSON,
    }
}
