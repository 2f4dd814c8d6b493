//! A table of a PostgreSQL database.

mod part;
mod refusals;
mod rows;
mod session;
mod table;
mod target;
mod tls;

use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio_postgres::Statement;

use self::rows::Rows;
use self::session::{Key, Session};
use self::table::{EXPORTS, Found, quoted};
pub(crate) use self::target::Target;
use super::{Keeper, Sink, SinkError, Written};
use crate::columns::{Column, ColumnKind, Columns};

/// How many of the fields that a table lacks are told by name.
const MOST_TOLD: usize = 8;

/// Writes records to a table, and keeps the state of the export in the same transactions.
///
/// Until the list is whole, they are in a table of their own, beside the one that is meant. One transaction
/// then moves them there, so that it never holds a part of a list.
pub(crate) struct PostgresSink {
    target: Target,
    session: Option<Session>,
    fields: Vec<Field>,
    rows: Rows,
    copy: Option<Statement>,
    /// The unique indexes of the table.
    keys: Vec<Key>,
    /// That records may be refused in the end, as far as that shows in the beginning.
    doubt: Option<String>,
    /// How many records are in the part.
    written: u64,
    /// Whether the table is to be made.
    is_new: bool,
    /// Whether the records are where they belong.
    is_whole: bool,
}

/// A field of the records, and its column.
struct Field {
    path: String,
    column: String,
    kind: ColumnKind,
}

/// What is known of an export to the table.
struct Kept {
    state: Option<String>,
    is_whole: bool,
}

impl PostgresSink {
    pub(crate) fn new(target: Target) -> Self {
        Self {
            target,
            session: None,
            fields: Vec::new(),
            rows: Rows::default(),
            copy: None,
            keys: Vec::new(),
            doubt: None,
            written: 0,
            is_new: false,
            is_whole: false,
        }
    }

    async fn session(&mut self) -> Result<&mut Session, SinkError> {
        match &mut self.session {
            Some(session) => Ok(session),
            none => Ok(none.insert(Session::open(&self.target).await?)),
        }
    }

    /// A table of the schema, as SQL takes it.
    fn named(&self, table: &str) -> String {
        match &self.session {
            Some(session) => format!("{}.{}", quoted(&session.schema), quoted(table)),
            None => quoted(table),
        }
    }

    /// The same for people.
    fn told(&self, table: &str) -> String {
        match self.session.as_ref().map(|it| &it.schema).or(self.target.schema.as_ref()) {
            Some(schema) => format!("{schema}.{table}"),
            None => table.to_owned(),
        }
    }

    fn part(&self) -> String {
        table::part(&self.target.table)
    }

    /// What an export to this table has left.
    async fn kept(&mut self) -> Result<Option<Kept>, SinkError> {
        let session = self.session().await?;
        if session.columns(EXPORTS).await?.is_none() {
            return Ok(None);
        }
        let query =
            format!("SELECT state, whole FROM {} WHERE table_name = $1", self.named(EXPORTS));
        let table = self.target.table.clone();
        let rows = self.session().await?.all(&query, &[&table]).await?;
        Ok(rows.first().map(|row| Kept { state: row.get(0), is_whole: row.get(1) }))
    }

    async fn open(
        &mut self,
        columns: &Columns,
        committed: Option<&Value>,
    ) -> Result<(), SinkError> {
        let table = self.target.table.clone();
        let found = self.session().await?.columns(&table).await?;
        self.is_new = found.is_none();
        self.fields = self.fields_of(columns, found.as_deref())?;
        if found.is_some() {
            self.keys = self.session().await?.keys(&table).await?;
        }
        self.check_key()?;
        let kept = self.kept().await?;
        let part = self.part();
        let there = self.session().await?.columns(&part).await?;
        let replaced = match (committed, &kept) {
            (Some(state), Some(kept)) => {
                self.is_whole = kept.is_whole;
                let count = |name: &str| state.get(name).and_then(Value::as_u64).unwrap_or(0);
                self.written = count("rows");
                count("replaced")
            }
            _ => {
                let is_ours = kept.is_some_and(|kept| !kept.is_whole);
                if there.is_some() && !is_ours {
                    return Err(SinkError::new(format!(
                        "there is a table {} that no export has left; drop it, or rename it",
                        self.told(&part)
                    )));
                }
                self.make_part().await?;
                0
            }
        };
        if self.is_whole {
            return Ok(());
        }
        self.doubt = self.doubts().await?;
        let there = self.session().await?.columns(&part).await?.ok_or_else(|| {
            let part = self.told(&part);
            SinkError::new(format!("table {part} is gone, and it can't be gone on with: --restart"))
        })?;
        let mut kinds = Vec::new();
        for field in &self.fields {
            let Some(found) = there.iter().find(|found| found.name == field.column) else {
                let (part, column) = (self.told(&part), &field.column);
                return Err(SinkError::new(format!(
                    "table {part} has no column {column} any more"
                )));
            };
            kinds.push((field.path.as_str(), &found.kind));
        }
        self.rows = Rows::new(kinds, !columns.are_chosen(), replaced);
        if let Some(state) = committed {
            self.change_key(state.get("upsert").and_then(Value::as_str)).await?;
        }
        let copy = format!("COPY {} ({}) FROM STDIN", self.named(&part), self.columns());
        self.copy = Some(self.session().await?.prepare(&copy).await?);
        Ok(())
    }

    /// The columns that fields go to.
    fn fields_of(
        &self,
        columns: &Columns,
        found: Option<&[Found]>,
    ) -> Result<Vec<Field>, SinkError> {
        let table = self.told(&self.target.table);
        let names = match found {
            None if !self.target.create => {
                return Err(SinkError::new(format!(
                    "there is no table {table}; --create-table makes it"
                )));
            }
            None => table::names(columns).map_err(|error| {
                SinkError::new(format!("{error}; choose among them with --fields"))
            })?,
            Some(found) => table::matched(columns, found)
                .map_err(|missing| self.lacks(&missing, columns.all().len()))?,
        };
        let fields = columns.all().iter().zip(names);
        Ok(fields
            .map(|(it, column)| Field { path: it.path.clone(), column, kind: it.kind })
            .collect())
    }

    /// The table has no column for some of so many fields.
    fn lacks(&self, missing: &[&Column], fields: usize) -> SinkError {
        let table = self.told(&self.target.table);
        let told = missing.iter().map(|it| it.path.as_str()).take(MOST_TOLD);
        let told = told.collect::<Vec<_>>().join(", ");
        if missing.len() > MOST_TOLD {
            return SinkError::new(format!(
                "table {table} has no column for {} of the {fields} fields ({told}, ..); \
                 choose others with --fields, or have another table made with --create-table",
                missing.len(),
            ));
        }
        let add = missing.iter().map(|it| {
            format!("ADD {} {}", quoted(&table::plain(&it.path)), table::sql_type(it.kind))
        });
        SinkError::new(format!(
            "table {table} has no column for {told}; choose others with --fields, or: ALTER TABLE {} {}",
            self.named(&self.target.table),
            add.collect::<Vec<_>>().join(", ")
        ))
    }

    /// The column by which records take the place of others.
    fn key(&self) -> Option<&Field> {
        let key = self.target.upsert.as_deref()?;
        self.fields.iter().find(|field| field.path == key)
    }

    fn check_key(&self) -> Result<(), SinkError> {
        let Some(path) = self.target.upsert.as_deref() else { return Ok(()) };
        let Some(Field { column, .. }) = self.key() else {
            return Err(SinkError::new(format!(
                "--upsert: the records have no field {path} to write"
            )));
        };
        let table = &self.target.table;
        if !self.is_new && !self.keys.iter().any(|key| key.columns == [column.as_str()]) {
            return Err(SinkError::new(format!(
                "--upsert: no unique index of table {} is on {column} alone: CREATE UNIQUE INDEX ON {} ({})",
                self.told(table),
                self.named(table),
                quoted(column)
            )));
        }
        Ok(())
    }

    async fn close(&mut self, is_whole: bool) -> Result<(), SinkError> {
        let Some(session) = &mut self.session else { return Ok(()) };
        session.roll_back().await?;
        if !is_whole || self.is_whole {
            return Ok(());
        }
        let moved = self.move_part().await;
        if moved.is_err()
            && let Some(session) = &mut self.session
        {
            // The report is still to be written. The first error is the one to tell.
            let _ = session.roll_back().await;
        }
        moved
    }

    async fn put(&mut self, state: &str) -> Result<(), SinkError> {
        let save = format!(
            "UPDATE {} SET state = $1, saved = now() WHERE table_name = $2",
            self.named(EXPORTS)
        );
        let table = self.target.table.clone();
        let session = self.session().await?;
        session.begin().await?;
        if session.execute(&save, &[&state, &table]).await? != 1 {
            return Err(SinkError::new(format!("the row of table {table} in {EXPORTS} is gone")));
        }
        session.commit().await
    }

    async fn forget(&mut self) -> Result<(), SinkError> {
        let Some(kept) = self.kept().await? else { return Ok(()) };
        let (exports, part) = (self.named(EXPORTS), self.named(&self.part()));
        let table = self.target.table.clone();
        let session = self.session().await?;
        let forget = match kept.is_whole {
            true => format!("UPDATE {exports} SET state = NULL WHERE table_name = $1"),
            false => {
                session.begin().await?;
                session.run(&format!("DROP TABLE IF EXISTS {part}")).await?;
                format!("DELETE FROM {exports} WHERE table_name = $1")
            }
        };
        session.begin().await?;
        session.execute(&forget, &[&table]).await?;
        session.commit().await
    }

    async fn note(&mut self, report: &str) -> Result<Option<String>, SinkError> {
        let note = format!(
            "UPDATE {} SET report = $1::text::json, ended = now() WHERE table_name = $2",
            self.named(EXPORTS)
        );
        let table = self.target.table.clone();
        match &mut self.session {
            // The reason for that is told already.
            None => return Ok(None),
            Some(session) if session.is_lost() => return Ok(None),
            Some(session) => session.execute(&note, &[&report, &table]).await?,
        };
        Ok(Some(format!("table {}", self.told(EXPORTS))))
    }
}

impl Field {
    /// As it stands in what makes a table.
    fn declared(&self) -> String {
        format!("{} {}", quoted(&self.column), table::sql_type(self.kind))
    }
}

impl Sink for PostgresSink {
    fn begin<'a>(&'a mut self, columns: &'a Columns, committed: Option<&'a Value>) -> Written<'a> {
        Box::pin(self.open(columns, committed))
    }

    fn write<'a>(&'a mut self, batch: &'a [Box<RawValue>]) -> Written<'a> {
        Box::pin(self.copy(batch))
    }

    /// It is one once the state is saved: both are in one transaction.
    fn commit(&mut self) -> Written<'_, Option<Value>> {
        let state = json!({
            "rows": self.written,
            "replaced": self.rows.replaced(),
            "upsert": self.target.upsert,
        });
        Box::pin(async { Ok(Some(state)) })
    }

    fn finish(&mut self, is_whole: bool) -> Written<'_> {
        Box::pin(self.close(is_whole))
    }

    fn keeper(&mut self) -> Option<&mut dyn Keeper> {
        Some(self)
    }

    fn report<'a>(&'a mut self, report: &'a str) -> Written<'a, Option<String>> {
        Box::pin(self.note(report))
    }

    fn place(&self) -> Option<String> {
        let part = self.part();
        let table = if self.is_whole { &self.target.table } else { &part };
        Some(format!("table {}", self.told(table)))
    }

    fn notes(&self) -> Vec<String> {
        let doubt = self.doubt.iter().filter(|_| !self.is_whole).cloned();
        doubt.chain(self.rows.notes()).collect()
    }
}

impl Keeper for PostgresSink {
    fn load(&mut self) -> Written<'_, Option<String>> {
        Box::pin(async { Ok(self.kept().await?.and_then(|kept| kept.state)) })
    }

    fn save<'a>(&'a mut self, state: &'a str) -> Written<'a> {
        Box::pin(self.put(state))
    }

    fn clear(&mut self) -> Written<'_> {
        Box::pin(self.forget())
    }

    fn place(&self) -> String {
        format!("table {}", self.told(EXPORTS))
    }
}
