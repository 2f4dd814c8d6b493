//! PostgreSQL tables.

mod copy;
mod copy_text;
mod errors;
mod family;
mod moves;
mod preflight;
mod reconnect;
#[doc(hidden)]
pub mod replica;
mod run_log;
mod session;
mod sql_errors;
mod staging;
mod state;
mod table;
mod target;
mod tls;
mod waits;
mod widening;

use genesys_cloud_core::CheckpointStore;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use tokio_postgres::Statement;

use self::copy_text::{Filled, Rows};
use self::family::Member;
use self::moves::Moved;
use self::session::{Key, Session};
use self::state::Kept;
use self::table::{EXPORTS, Found, ROW, quoted};
pub use self::target::Target;
use super::{OnBadValue, Rejected, RunLog, Sink, SinkError, SinkFuture, Watch};
use crate::columns::{Column, ColumnKind, Columns};
use crate::saved::{from_saved, to_saved};

/// Maximum number of missing fields in a message.
const MOST_NAMED: usize = 8;

/// Writes records to a table, and keeps the state of the export in the same transactions.
///
/// Until the list is complete, the records are in a staging table in the same schema. One transaction then moves them to
/// the table, so that it never has part of a list.
pub struct PostgresSink {
    target: Target,
    session: Option<Session>,
    fields: Vec<Field>,
    rows: Rows,
    on_bad_value: OnBadValue,
    /// The rejected records of the last batch.
    rejected: Vec<Rejected>,
    copy: Option<Statement>,
    /// The unique indexes of the table.
    keys: Vec<Key>,
    /// A warning that records may be refused in the end.
    doubt: Option<String>,
    /// Other warnings about the table.
    warnings: Vec<String>,
    /// Whether triggers, rules or policies of the table may change or drop rows.
    is_guarded: bool,
    /// Counts of moved rows.
    moved: Option<Moved>,
    watch: Option<Watch>,
    /// Uncommitted rows, to send again after a lost connection.
    pending: Vec<bytes::Bytes>,
    pending_bytes: usize,
    /// Checksum of the last saved state.
    saved: Option<String>,
    /// Number of records in the staging table.
    written: u64,
    /// Whether the table does not exist yet.
    is_new: bool,
    /// The ID of the export, also in its row and in the comment on its staging table.
    run: String,
    /// Whether the records were moved to the table.
    is_whole: bool,
    /// Whether they may have been moved: the response to the COMMIT was lost.
    is_in_doubt: bool,
    /// The role among several tables, if the records have child tables.
    member: Option<Member>,
}

/// A field and its column.
struct Field {
    path: String,
    column: String,
    kind: ColumnKind,
    /// Whether the table does not have the column yet.
    is_missing: bool,
    /// Whether it differs in each export, whatever the record.
    is_of_export: bool,
}

/// The state of a commit.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Committed {
    rows: u64,
    losses: Value,
    upsert: Vec<String>,
}

impl PostgresSink {
    /// Creates a sink for a table, without connecting.
    pub fn new(target: Target) -> Self {
        Self {
            target,
            session: None,
            fields: Vec::new(),
            rows: Rows::default(),
            on_bad_value: OnBadValue::Fail,
            rejected: Vec::new(),
            copy: None,
            keys: Vec::new(),
            doubt: None,
            warnings: Vec::new(),
            is_guarded: false,
            moved: None,
            watch: None,
            pending: Vec::new(),
            pending_bytes: 0,
            saved: None,
            written: 0,
            is_new: false,
            run: String::new(),
            is_whole: false,
            is_in_doubt: false,
            member: None,
        }
    }

    async fn session(&mut self) -> Result<&mut Session, SinkError> {
        match &mut self.session {
            Some(session) => Ok(session),
            none => Ok(none.insert(Session::open(&self.target, self.watch.clone()).await?)),
        }
    }

    /// Returns a table of the schema as SQL.
    fn named(&self, table: &str) -> String {
        match &self.session {
            Some(session) => format!("{}.{}", quoted(&session.schema), quoted(table)),
            None => quoted(table),
        }
    }

    /// Returns a table of the schema for messages.
    fn display(&self, table: &str) -> String {
        match self.session.as_ref().map(|it| &it.schema).or(self.target.schema.as_ref()) {
            Some(schema) => format!("{schema}.{table}"),
            None => table.to_owned(),
        }
    }

    fn staging(&self) -> String {
        table::staging(&self.target.table)
    }

    async fn start(
        &mut self,
        columns: &Columns,
        committed: Option<&Value>,
    ) -> Result<(), SinkError> {
        self.inspect(columns, committed).await?;
        self.check_encoding().await?;
        let kept = self.kept().await?;
        self.claim(columns, committed, kept.as_ref()).await
    }

    /// Checks the table, and matches the columns with it.
    async fn inspect(
        &mut self,
        columns: &Columns,
        committed: Option<&Value>,
    ) -> Result<(), SinkError> {
        let table = self.target.table.clone();
        // After the move, nothing is written to the table any more.
        let is_due = committed.is_none() || !self.is_whole;
        let relation = if is_due { self.check_table().await? } else { None };
        self.is_guarded = relation.is_some_and(|it| it.is_guarded);
        let found = self.session().await?.columns(&table).await?;
        self.is_new = found.is_none();
        self.fields = self.fields_of(columns, found.as_deref())?;
        if let Some(found) = &found {
            self.keys = self.session().await?.keys(&table).await?;
            if is_due {
                self.check_columns(found)?;
                self.check_widening(found).await?;
            }
        }
        self.check_key()
    }

    /// Creates the staging table, or resumes it. `kept`: the row of the last export.
    async fn claim(
        &mut self,
        columns: &Columns,
        committed: Option<&Value>,
        kept: Option<&Kept>,
    ) -> Result<(), SinkError> {
        let staging = self.staging();
        let committed = match committed {
            Some(state) => {
                let state: Committed = from_saved(state)?;
                self.check_run(kept).await?;
                self.written = state.rows;
                Some(state)
            }
            None => {
                let exists = self.session().await?.columns(&staging).await?.is_some();
                if exists && !self.is_staging_of(kept).await? {
                    return Err(self.occupied().await?);
                }
                self.is_whole = false;
                self.saved = None;
                self.make_staging(kept).await?;
                None
            }
        };
        if self.is_whole {
            return Ok(());
        }
        self.doubt = self.doubts().await?;
        let columns_found = self.session().await?.columns(&staging).await?.ok_or_else(|| {
            let staging = self.display(&staging);
            SinkError::mismatch(format!("table {staging} is missing; start over with --restart"))
        })?;
        let mut kinds = Vec::new();
        for field in &self.fields {
            let Some(found) = columns_found.iter().find(|found| found.name == field.column) else {
                let (staging, column) = (self.display(&staging), &field.column);
                return Err(SinkError::mismatch(format!(
                    "column {column} of table {staging} is missing; add it, or start over with --restart"
                )));
            };
            let (path, modifier) = (field.path.as_str(), found.modifier);
            let is_exact = field.kind == ColumnKind::JsonText;
            kinds.push(Filled { path, kind: &found.kind, modifier, is_exact });
        }
        let is_narrow = match &mut self.session {
            Some(session) => session.is_narrow().await?,
            None => false,
        };
        self.rows = Rows::new(kinds, !columns.are_chosen(), is_narrow);
        if let Some(state) = committed {
            self.rows.resume(&state.losses)?;
            self.change_key(&state.upsert).await?;
        }
        self.prepare_copy().await
    }

    async fn prepare_copy(&mut self) -> Result<(), SinkError> {
        let mut columns = self.columns();
        if self.member.is_some() {
            columns += &format!(", {}", quoted(ROW));
        }
        let copy = format!("COPY {} ({columns}) FROM STDIN", self.named(&self.staging()));
        self.copy = Some(self.session().await?.prepare(&copy).await?);
        Ok(())
    }

    /// Describes a staging table that is not of this export.
    async fn occupied(&mut self) -> Result<SinkError, SinkError> {
        let (name, staging) = (self.named(&self.staging()), self.display(&self.staging()));
        let table = self.display(&self.target.table);
        let comment = self.session().await?.comment(&name).await?.unwrap_or_default();
        Ok(SinkError::new(match comment.starts_with(&table::mark("")) {
            // The staging tables of two long names may have the same name.
            true => format!(
                "table {staging} has the records of another unfinished export; finish it, or choose a --table other \
                 than {table}"
            ),
            false => format!(
                "table {staging} exists but is not of an export to {table}; drop or rename it, or choose another --table"
            ),
        }))
    }

    /// Matches fields with columns.
    fn fields_of(
        &self,
        columns: &Columns,
        found: Option<&[Found]>,
    ) -> Result<Vec<Field>, SinkError> {
        let table = self.display(&self.target.table);
        let named = |names: Result<Vec<String>, String>| {
            names.map_err(|error| SinkError::new(format!("{error}; select fields with --fields")))
        };
        let names = match found {
            None if !self.target.create => {
                return Err(SinkError::new(format!(
                    "table {table} does not exist; --create-table creates it"
                )));
            }
            None => named(table::names(columns))?,
            Some(found) => {
                let matched = table::matched(columns, found);
                let of_fields = columns.all().iter().zip(&matched);
                let missing: Vec<&Column> =
                    of_fields.filter(|(_, name)| name.is_none()).map(|(it, _)| it).collect();
                if !missing.is_empty() && !self.target.add_columns {
                    return Err(self.lacks(&missing, columns.all().len()));
                }
                named(table::widened(columns, matched, found))?
            }
        };
        let is_missing =
            |name: &String| found.is_some_and(|found| !found.iter().any(|it| it.name == *name));
        let fields = columns.all().iter().zip(names);
        let fields = fields.map(|(it, column)| Field {
            path: it.path.clone(),
            kind: it.kind,
            is_missing: is_missing(&column),
            is_of_export: columns.is_of_export(&it.path),
            column,
        });
        Ok(fields.collect())
    }

    /// Describes missing columns. `fields` is the number of all fields.
    fn lacks(&self, missing: &[&Column], fields: usize) -> SinkError {
        let table = self.display(&self.target.table);
        let names = missing.iter().map(|it| it.path.as_str()).take(MOST_NAMED);
        let names = names.collect::<Vec<_>>().join(", ");
        if missing.len() > MOST_NAMED {
            return SinkError::new(format!(
                "table {table} has no column for {} of the {fields} fields ({names}, ..); add --add-columns, select \
                 fields with --fields, or create another table with --table and --create-table",
                missing.len(),
            ));
        }
        let add = missing.iter().map(|it| {
            format!("ADD {} {}", quoted(&table::plain(&it.path)), table::sql_type(it.kind))
        });
        SinkError::new(format!(
            "table {table} has no column for {names}; add --add-columns, omit these fields with --fields, or: ALTER \
             TABLE {} {}",
            self.named(&self.target.table),
            add.collect::<Vec<_>>().join(", ")
        ))
    }

    /// Returns the fields of the upsert key. Empty without an upsert.
    fn key(&self) -> Vec<&Field> {
        self.fields_named(&self.target.upsert)
    }

    fn fields_named(&self, paths: &[String]) -> Vec<&Field> {
        paths.iter().filter_map(|path| self.fields.iter().find(|it| it.path == *path)).collect()
    }

    fn check_key(&self) -> Result<(), SinkError> {
        let is_missing = |path: &&String| !self.fields.iter().any(|field| field.path == **path);
        if let Some(path) = self.target.upsert.iter().find(is_missing) {
            return Err(SinkError::new(format!("--upsert: the output has no field `{path}`")));
        }
        let columns: Vec<&str> = self.key().iter().map(|field| &*field.column).collect();
        let table = &self.target.table;
        if self.is_new || columns.is_empty() || self.keys.iter().any(|key| key.is_on(&columns)) {
            return Ok(());
        }
        Err(SinkError::new(format!(
            "--upsert: table {} has no unique index on {} alone; CREATE UNIQUE INDEX ON {} ({})",
            self.display(table),
            columns.join(", "),
            self.named(table),
            table::list(columns)
        )))
    }

    async fn close(&mut self, is_whole: bool, children: &mut [Self]) -> Result<(), SinkError> {
        let Some(session) = &mut self.session else { return Ok(()) };
        session.roll_back().await?;
        if !is_whole || self.is_whole {
            return Ok(());
        }
        let moved = self.move_staging(children).await;
        if moved.is_err()
            && let Some(session) = &mut self.session
        {
            // The report is still to be written. The first error is the cause.
            let _ = session.roll_back().await;
        }
        moved
    }

    async fn note(&mut self, report: &str) -> Result<Option<String>, SinkError> {
        let note = format!(
            "UPDATE {} SET report = $1::text::json, ended = now() WHERE table_name = $2",
            self.named(EXPORTS)
        );
        let table = self.target.table.clone();
        match &mut self.session {
            // An earlier error has the reason.
            None => return Ok(None),
            Some(session) if session.is_lost() => return Ok(None),
            Some(session) => session.execute(&note, &[&report, &table]).await?,
        };
        Ok(Some(format!("table {}", self.display(EXPORTS))))
    }
}

impl Field {
    /// Returns the column definition for CREATE TABLE.
    fn declared(&self) -> String {
        format!("{} {}", quoted(&self.column), table::sql_type(self.kind))
    }
}

impl Sink for PostgresSink {
    fn open<'a>(
        &'a mut self,
        columns: &'a Columns,
        committed: Option<&'a Value>,
    ) -> SinkFuture<'a> {
        Box::pin(self.start(columns, committed))
    }

    fn write<'a>(&'a mut self, batch: &'a [Box<RawValue>]) -> SinkFuture<'a> {
        Box::pin(self.copy(batch, &[]))
    }

    fn watch(&mut self, watch: Watch) {
        self.watch = Some(watch);
    }

    fn on_bad_value(&mut self, on_bad_value: OnBadValue) {
        self.on_bad_value = on_bad_value;
    }

    fn rejected(&mut self) -> Vec<Rejected> {
        std::mem::take(&mut self.rejected)
    }

    fn identify(&mut self, run: &str) {
        run.clone_into(&mut self.run);
    }

    /// Saving the state commits the records, in the same transaction.
    fn commit(&mut self) -> SinkFuture<'_, Option<Value>> {
        let committed = Committed {
            rows: self.written,
            losses: self.rows.lost(),
            upsert: self.target.upsert.clone(),
        };
        let committed = to_saved(&committed).map(Some);
        Box::pin(async { committed })
    }

    fn finish(&mut self, is_whole: bool) -> SinkFuture<'_> {
        Box::pin(self.close(is_whole, &mut []))
    }

    fn is_done(&self) -> bool {
        self.is_whole
    }

    fn store(&mut self) -> Option<&mut dyn CheckpointStore> {
        Some(self)
    }

    fn restart(&mut self) -> SinkFuture<'_> {
        Box::pin(async {
            self.refuse_to_repeat().await?;
            self.forget().await
        })
    }

    fn report<'a>(&'a mut self, report: &'a str) -> SinkFuture<'a, Option<String>> {
        Box::pin(self.note(report))
    }

    fn run_log(&mut self) -> Option<&mut dyn RunLog> {
        Some(self)
    }

    fn location(&self) -> Option<String> {
        let (table, staging) = (self.display(&self.target.table), self.display(&self.staging()));
        Some(match (self.is_whole, self.is_in_doubt) {
            (true, _) => format!("table {table}"),
            (false, false) => format!("table {staging}"),
            (false, true) => {
                format!("table {table} if the COMMIT succeeded, else table {staging}")
            }
        })
    }

    fn counts(&self) -> Vec<(&'static str, u64)> {
        self.moved.map_or_else(Vec::new, |moved| {
            let Moved { added, updated, unchanged } = moved;
            vec![("added", added), ("updated", updated), ("unchanged", unchanged)]
        })
    }

    fn notes(&self) -> Vec<String> {
        let doubts = self.doubt.iter().chain(&self.warnings).filter(|_| !self.is_whole).cloned();
        doubts.chain(self.added_columns()).chain(self.rows.notes()).collect()
    }
}
