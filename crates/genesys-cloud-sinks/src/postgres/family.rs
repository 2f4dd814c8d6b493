//! The table of the records and its child tables, in the transactions of one connection.

use genesys_cloud_core::{CheckpointStore, OnBadValue};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::moves::{Moved, comparable};
use super::table::{Found, ROW, list, quoted};
use super::{PostgresSink, Target};
use crate::child_tables::{ChildTable, ChildTables, Outputs, Rows};
use crate::columns::{Column, Columns};
use crate::saved::{from_saved, to_saved};
use crate::{Rejected, Sink, SinkError, SinkFuture, SplitSink, Watch};

/// The role of a table in a family.
pub(super) enum Member {
    Records,
    Child(Key),
}

/// How the rows of a child table are found again.
pub(super) struct Key {
    /// Paths of the key of the record, in its order there.
    record: Vec<String>,
    /// Paths of the positions in the lists.
    positions: Vec<String>,
    /// Whether the rows of a record replace those of its earlier version.
    replaces: bool,
}

/// The staging table of the records, to find the rows of their latest versions.
struct Latest {
    /// A query with the key and the number of each record.
    query: String,
    /// The columns of the key.
    key: Vec<String>,
    columns: Vec<Found>,
}

/// The tables of an export. The connection belongs to that of the records, which lends it to the others.
pub(super) struct Family {
    records: PostgresSink,
    children: Vec<PostgresSink>,
    /// Whether the child tables are locked.
    is_locked: bool,
}

/// The state of a commit.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Committed {
    records: Value,
    children: Vec<Value>,
}

impl PostgresSink {
    pub(super) fn is_child(&self) -> bool {
        matches!(self.member, Some(Member::Child(_)))
    }

    /// Returns whether this is a child table whose rows replace those of earlier versions of their records.
    pub(super) fn replaces(&self) -> bool {
        matches!(&self.member, Some(Member::Child(key)) if key.replaces)
    }

    /// Moves the rows of child tables, while the staging table of the records still exists.
    pub(super) async fn move_children(&mut self, children: &mut [Self]) -> Result<(), SinkError> {
        if children.is_empty() {
            return Ok(());
        }
        let key: Vec<String> = self.key().iter().map(|field| field.column.clone()).collect();
        let name = self.staging();
        let columns = self.session().await?.columns(&name).await?.unwrap_or_default();
        let (staging, keys) = (self.named(&name), list(key.iter().map(String::as_str)));
        let row = quoted(ROW);
        let query = format!(
            "SELECT DISTINCT ON ({keys}) {keys}, {row} FROM {staging} ORDER BY {keys}, {row} DESC"
        );
        if !key.is_empty() {
            self.step(&format!("ANALYZE {staging}")).await?;
        }
        let latest = Latest { query, key, columns };
        for child in children {
            child.session = self.session.take();
            let moved = child.move_rows(&latest).await;
            self.session = child.session.take();
            child.moved = Some(moved?);
        }
        Ok(())
    }

    async fn move_rows(&mut self, latest: &Latest) -> Result<Moved, SinkError> {
        self.add_columns().await?;
        match (self.replaces(), self.is_new) {
            (true, _) => self.replace_rows(latest).await,
            (false, true) => self.rename_staging().await,
            (false, false) => self.add_rows().await,
        }
    }

    /// Replaces the rows of the records by those of their latest versions. Unchanged rows are not written.
    async fn replace_rows(&mut self, latest: &Latest) -> Result<Moved, SinkError> {
        let Some(Member::Child(key)) = &self.member else { return Ok(Moved::default()) };
        let columns_of = |paths: &[String]| -> Vec<String> {
            self.fields_named(paths).into_iter().map(|field| field.column.clone()).collect()
        };
        let (record, positions) = (columns_of(&key.record), columns_of(&key.positions));
        let identity: Vec<String> = record.iter().chain(&positions).cloned().collect();
        let (table, staging) = (self.named(&self.target.table), self.named(&self.staging()));
        let (columns, row) = (self.columns(), quoted(ROW));
        if self.is_new {
            self.step(&format!(
                "CREATE TABLE {table} (LIKE {staging}); \
                 ALTER TABLE {table} DROP COLUMN {row}, ADD PRIMARY KEY ({})",
                list(identity.iter().map(String::as_str))
            ))
            .await?;
        }
        self.step(&format!("ANALYZE {staging}")).await?;
        let name = self.staging();
        let found = self.session().await?.columns(&name).await?.unwrap_or_default();
        let values = self.fields.iter().map(|field| &field.column);
        let values: Vec<String> = values.filter(|it| !identity.contains(it)).cloned().collect();
        let of_record = same_record(latest, &record, &found);
        let same_place = positions.iter().map(|it| format!(" AND s.{0} = t.{0}", quoted(it)));
        let same_place = same_place.collect::<String>();
        let is_same = match values.is_empty() {
            true => String::new(),
            false => format!(
                " AND ROW({}) IS NOT DISTINCT FROM ROW({})",
                comparable("s", &values, &found),
                comparable("t", &values, &found)
            ),
        };
        let query = &latest.query;
        let counted =
            format!("SELECT count(*) FROM {staging} s JOIN ({query}) l ON s.{row} = l.{row}");
        let all = self.session().await?.count(&counted).await?;
        self.counted(&format!(
            "DELETE FROM {table} t USING ({query}) l WHERE {of_record} AND NOT EXISTS (\
             SELECT FROM {staging} s WHERE s.{row} = l.{row}{same_place}{is_same})"
        ))
        .await?;
        let select = format!(
            "FROM {staging} s JOIN ({query}) l ON s.{row} = l.{row} WHERE NOT EXISTS (\
             SELECT FROM {table} t WHERE {of_record}{same_place})"
        );
        let of_staging = self.fields.iter().map(|field| format!("s.{}", quoted(&field.column)));
        let of_staging = of_staging.collect::<Vec<_>>().join(", ");
        let missing = self.session().await?.count(&format!("SELECT count(*) {select}")).await?;
        let insert = format!("INSERT INTO {table} ({columns}) SELECT {of_staging} {select}");
        let added = self.counted(&insert).await?;
        if self.is_guarded {
            self.check_arrived(added, missing)?;
        }
        self.step(&format!("DROP TABLE {staging}")).await?;
        Ok(Moved { added, updated: 0, unchanged: all.saturating_sub(missing) })
    }
}

/// Returns the condition that a row `t` of a child table is of the record `l`. Columns of different types are compared
/// as text.
fn same_record(latest: &Latest, record: &[String], found: &[Found]) -> String {
    let kind_of = |columns: &[Found], name: &str| {
        columns.iter().find(|it| it.name == name).map(|it| it.kind.clone())
    };
    let pairs = latest.key.iter().zip(record).map(|(of_record, own)| {
        let is_same = kind_of(&latest.columns, of_record) == kind_of(found, own);
        let cast = if is_same { "" } else { "::text" };
        format!("t.{}{cast} = l.{}{cast}", quoted(own), quoted(of_record))
    });
    pairs.collect::<Vec<_>>().join(" AND ")
}

impl Family {
    /// Creates the sinks of a table and its child tables, without connecting.
    ///
    /// # Errors
    /// If a child table can't have its name.
    fn new(target: Target, tables: &ChildTables) -> Result<Self, SinkError> {
        let paths =
            |columns: &[Column]| columns.iter().map(|it| it.path.clone()).collect::<Vec<_>>();
        let replaces = !target.upsert.is_empty();
        let child = |table: &ChildTable| {
            let target = target.child(table.path()).map_err(SinkError::new)?;
            let (record, identity) = (paths(table.record_key()), paths(table.identity()));
            let positions = identity[record.len()..].to_vec();
            let mut child = PostgresSink::new(target);
            child.member = Some(Member::Child(Key { record, positions, replaces }));
            Ok(child)
        };
        let children = tables.all().iter().map(child).collect::<Result<Vec<_>, SinkError>>()?;
        let mut records = PostgresSink::new(target);
        records.member = Some(Member::Records);
        Ok(Self { records, children, is_locked: false })
    }

    /// Lends the connection to a child table.
    fn lend(&mut self, child: usize) -> &mut PostgresSink {
        let child = &mut self.children[child];
        child.session = self.records.session.take();
        child
    }

    fn take_back(&mut self) {
        if let Some(session) = self.children.iter_mut().find_map(|child| child.session.take()) {
            self.records.session = Some(session);
        }
    }

    async fn start(
        &mut self,
        columns: Vec<&Columns>,
        committed: Option<&Value>,
    ) -> Result<(), SinkError> {
        let committed = committed.map(from_saved::<Committed>).transpose()?;
        let others = || {
            SinkError::mismatch("the saved state has other child tables; start over with --restart")
        };
        let (of_records, columns) = columns.split_first().ok_or_else(others)?;
        let is_other = |it: &Committed| it.children.len() != self.children.len();
        if columns.len() != self.children.len() || committed.as_ref().is_some_and(is_other) {
            return Err(others());
        }
        let of = |at: usize| committed.as_ref().map(|it| &it.children[at]);
        let of_root = committed.as_ref().map(|it| &it.records);
        self.records.inspect(of_records, of_root).await?;
        self.lock_children().await?;
        self.records.check_encoding().await?;
        let kept = self.records.kept().await?;
        if self.records.is_whole && committed.is_some() {
            // Nothing is written any more.
            return self.records.claim(of_records, of_root, kept.as_ref()).await;
        }
        for (at, columns) in columns.iter().enumerate() {
            let inspected = self.lend(at).inspect(columns, of(at)).await;
            self.take_back();
            inspected?;
        }
        self.records.claim(of_records, of_root, kept.as_ref()).await?;
        for (at, columns) in columns.iter().enumerate() {
            let claimed = self.lend(at).claim(columns, of(at), kept.as_ref()).await;
            self.take_back();
            claimed?;
        }
        // New staging tables and the row of the export appear together.
        let session = self.records.session().await?;
        session.begin().await?;
        Ok(session.commit("the staging tables were created").await?)
    }

    async fn lock_children(&mut self) -> Result<(), SinkError> {
        let tables: Vec<String> = self.children.iter().map(|it| it.target.table.clone()).collect();
        let session = self.records.session().await?;
        if !self.is_locked {
            session.lock_all(&tables).await?;
            self.is_locked = true;
        }
        let schema = session.schema.clone();
        for child in &mut self.children {
            // For messages, without the connection.
            child.target.schema = Some(schema.clone());
        }
        Ok(())
    }

    async fn put(&mut self, table: usize, rows: &Rows) -> Result<(), SinkError> {
        let Some(child) = table.checked_sub(1) else {
            return self.records.copy(&rows.json, &rows.records).await;
        };
        self.take_back();
        let written = self.lend(child).copy(&rows.json, &rows.records).await;
        self.take_back();
        written
    }

    async fn committed(&mut self) -> Result<Option<Value>, SinkError> {
        let Some(records) = self.records.commit().await? else { return Ok(None) };
        let mut children = Vec::with_capacity(self.children.len());
        for child in &mut self.children {
            children.extend(child.commit().await?);
        }
        to_saved(&Committed { records, children }).map(Some)
    }

    fn sink(&self, table: usize) -> &PostgresSink {
        table.checked_sub(1).map_or(&self.records, |at| &self.children[at])
    }

    fn each(&mut self) -> impl Iterator<Item = &mut PostgresSink> {
        std::iter::once(&mut self.records).chain(&mut self.children)
    }
}

impl SplitSink {
    /// Creates a sink for a database table and its child tables, which share a connection and its transactions. Does not
    /// connect.
    ///
    /// # Errors
    /// If a child table can't have its name.
    pub fn of_database(tables: ChildTables, target: Target) -> Result<Self, SinkError> {
        let family = Family::new(target, &tables)?;
        Ok(Self::of(tables, Box::new(family)))
    }
}

impl Outputs for Family {
    fn identify(&mut self, run: &str) {
        self.each().for_each(|sink| sink.identify(run));
    }

    fn watch(&mut self, watch: Watch) {
        self.each().for_each(|sink| Sink::watch(sink, watch.clone()));
    }

    fn on_bad_value(&mut self, on_bad_value: OnBadValue) {
        self.each().for_each(|sink| Sink::on_bad_value(sink, on_bad_value));
    }

    fn open<'a>(
        &'a mut self,
        columns: Vec<&'a Columns>,
        committed: Option<&'a Value>,
    ) -> SinkFuture<'a> {
        Box::pin(self.start(columns, committed))
    }

    fn write<'a>(&'a mut self, table: usize, rows: &'a Rows) -> SinkFuture<'a> {
        Box::pin(self.put(table, rows))
    }

    fn rejected(&mut self, table: usize) -> Vec<Rejected> {
        let sink = table.checked_sub(1).map(|at| &mut self.children[at]);
        sink.unwrap_or(&mut self.records).rejected()
    }

    fn commit(&mut self, _: bool) -> SinkFuture<'_, Option<Value>> {
        Box::pin(self.committed())
    }

    fn discard<'a>(&'a mut self, _: &'a Value) -> SinkFuture<'a> {
        // Restarting drops the staging tables.
        Box::pin(async { Ok(()) })
    }

    fn finish(&mut self, is_whole: bool) -> SinkFuture<'_> {
        Box::pin(async move {
            self.take_back();
            let Self { records, children, .. } = self;
            let closed = records.close(is_whole, children).await;
            let (is_moved, is_in_doubt) = (records.is_whole, records.is_in_doubt);
            for child in children {
                (child.is_whole, child.is_in_doubt) = (is_moved, is_in_doubt);
            }
            closed
        })
    }

    fn is_done(&self) -> bool {
        self.records.is_whole
    }

    fn store(&mut self) -> Option<&mut dyn CheckpointStore> {
        Some(&mut self.records)
    }

    fn restart(&mut self) -> SinkFuture<'_> {
        self.records.restart()
    }

    fn first(&self) -> &dyn Sink {
        &self.records
    }

    fn first_mut(&mut self) -> &mut dyn Sink {
        &mut self.records
    }

    fn location(&self, table: usize) -> Option<String> {
        Sink::location(self.sink(table))
    }

    fn notes(&self, table: usize) -> Vec<String> {
        self.sink(table).notes()
    }
}
