//! Writes one table of a run.

use bytes::Bytes;
use chrono::SecondsFormat;
use genesys_cloud_sinks::replica::{Connection, RowEncoder};
use serde_json::value::RawValue;

use super::sql::{Names, PARENTS, STAGE};
use crate::row::{ParentRead, Place, Row, Scope};
use crate::schema::TableSchema;
use crate::state::TableState;
use crate::target::{Changes, Difference, TableWriter, TargetError, TargetFuture};

/// A table, and the temporary table with the staged records.
pub(super) struct Writer {
    connection: Connection,
    schema: TableSchema,
    names: Names,
    encoder: RowEncoder,
    state: Option<TableState>,
    duplicates: u64,
}

impl Writer {
    /// Creates the table if it does not exist, and loads its state.
    pub(super) async fn new(
        mut connection: Connection,
        schema: TableSchema,
        names: Names,
    ) -> Result<Self, TargetError> {
        match connection.columns(&schema.name).await? {
            None => connection.run(&names.create()).await?,
            Some(found) => {
                if let Some(column) = names.missing(&found) {
                    let (name, place) = (&schema.name, connection.place());
                    return Err(TargetError::new(format!(
                        "table {name} of {place} has no column {column}, so it is not of a sync with these settings; \
                         choose another name, or drop it"
                    )));
                }
                if let Some(widen) = names.widen(&found) {
                    connection.run(&widen).await?;
                }
            }
        }
        let state = load(&mut connection, &names, &schema.name, "").await?;
        connection.run(&names.create_stage()).await?;
        let encoder = RowEncoder::new(&schema.columns, connection.is_narrow().await?);
        Ok(Self { connection, schema, names, encoder, state, duplicates: 0 })
    }

    fn encode(&mut self, row: &Row, is_fit: bool, out: &mut Vec<u8>) -> bool {
        let hash = format!("{:032x}", row.hash);
        let (mut parent, mut from, mut to) = (None, None, None);
        match &row.place {
            Place::List => {}
            Place::Parent(key) => parent = Some(key.as_ref()),
            Place::Days(days) => {
                from = Some(days.from.to_string());
                to = Some(days.to.to_string());
            }
        }
        let more = [Some(row.key.as_str()), Some(&*hash), parent, from.as_deref(), to.as_deref()];
        let record: Option<&RawValue> = is_fit.then_some(&row.record);
        self.encoder.add(record, &more, out)
    }

    /// Copies records, and returns how many the table can't hold.
    async fn copy(&mut self, rows: &[Row]) -> Result<u64, TargetError> {
        let copy = self.names.copy();
        let mut all = Vec::with_capacity(rows.iter().map(|row| row.record.get().len()).sum());
        let unfit = rows.iter().filter(|row| !self.encode(row, true, &mut all)).count() as u64;
        if self.connection.copy(&copy, Bytes::from(all)).await?.is_ok() {
            return Ok(unfit);
        }
        // The database refuses all rows for one value: find it.
        let mut unfit = 0;
        for row in rows {
            let mut one = Vec::new();
            let is_fit = self.encode(row, true, &mut one);
            let copied = self.connection.copy(&copy, Bytes::from(one)).await?;
            unfit += u64::from(!is_fit || copied.is_err());
            if copied.is_err() {
                let mut empty = Vec::new();
                self.encode(row, false, &mut empty);
                self.connection.copy(&copy, Bytes::from(empty)).await??;
            }
        }
        Ok(unfit)
    }

    async fn copy_parents(&mut self, parents: &[ParentRead]) -> Result<(), TargetError> {
        let (keys, complete): (Vec<&str>, Vec<bool>) =
            parents.iter().map(|parent| (&*parent.key, parent.is_complete)).unzip();
        let insert = format!(
            "INSERT INTO {PARENTS} (_key, is_complete) SELECT * FROM unnest($1::text[], $2::bool[])"
        );
        self.connection.execute(&insert, &[&keys, &complete]).await?;
        Ok(())
    }

    /// Keeps the last of the records with the same key.
    async fn settle(&mut self) -> Result<(), TargetError> {
        let last = format!(
            "SELECT _key, max(_row) AS last, min(_from_day) AS first_day, max(_to_day) AS last_day FROM {STAGE} \
             GROUP BY _key HAVING count(*) > 1"
        );
        let differing = format!(
            "SELECT count(*) FROM ({last}) l JOIN {STAGE} s ON s._key = l._key JOIN {STAGE} k ON k._key = l._key \
             AND k._row = l.last WHERE s._source_hash <> k._source_hash"
        );
        self.duplicates += self.count(&differing).await?.0;
        let settle = format!(
            "WITH l AS ({last}), gone AS (DELETE FROM {STAGE} s USING l WHERE s._key = l._key AND s._row < l.last) \
             UPDATE {STAGE} s SET _from_day = l.first_day, _to_day = l.last_day FROM l \
             WHERE s._key = l._key AND s._row = l.last; \
             DELETE FROM {PARENTS} p USING {PARENTS} q WHERE q._key = p._key AND q._row > p._row; \
             CREATE INDEX IF NOT EXISTS genesys_cloud_stage_key ON {STAGE} (_key); \
             CREATE INDEX IF NOT EXISTS genesys_cloud_parents_key ON {PARENTS} (_key); \
             ANALYZE {STAGE}; ANALYZE {PARENTS}"
        );
        Ok(self.connection.run(&settle).await?)
    }

    /// Returns the counts of a query: the first, and the second and third if there are any.
    async fn count(&mut self, query: &str) -> Result<(u64, u64, u64), TargetError> {
        let rows = self.connection.query(query, &[]).await?;
        let at = |at: usize| {
            let row = rows.first().filter(|row| at < row.len());
            row.map_or(0, |row| u64::try_from(row.get::<_, i64>(at)).unwrap_or_default())
        };
        Ok((at(0), at(1), at(2)))
    }

    async fn difference(&mut self, scope: &Scope) -> Result<Difference, TargetError> {
        self.settle().await?;
        let (inserted, changed, unchanged) = self.count(&self.names.differences()).await?;
        let (existing, missing, _) = self.count(&self.names.missing_rows(scope)).await?;
        let duplicates = self.duplicates;
        Ok(Difference { inserted, changed, unchanged, duplicates, existing, missing })
    }

    async fn change(&mut self, changes: &Changes<'_>) -> Result<(), TargetError> {
        let json = |error: serde_json::Error| TargetError::new(error.to_string());
        let state = serde_json::to_string(changes.state).map_err(json)?;
        let report = serde_json::to_string(changes.report).map_err(json)?;
        let time = changes.time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        let Changes { run, scope, has_deletes, .. } = *changes;
        let (table, states) = (self.schema.name.clone(), self.names.states.clone());
        self.connection.begin().await?;
        let saved = load(&mut self.connection, &self.names, &table, " FOR UPDATE").await?;
        let put = match saved {
            Some(_) => format!("UPDATE {states} SET state = $2::text::json WHERE table_name = $1"),
            None => format!(
                "INSERT INTO {states} (table_name, state) VALUES ($1, $2::text::json) ON CONFLICT DO NOTHING"
            ),
        };
        let is_same = saved == self.state;
        if !is_same || self.connection.execute(&put, &[&table, &state]).await? == 0 {
            return Err(TargetError::taken(format!("another sync has changed the table {table}")));
        }
        for statement in self.names.apply(scope, has_deletes, run, &time) {
            self.connection.execute(&statement, &[]).await?;
        }
        let id = format!("{run} {table}");
        self.connection.execute(&self.names.report(), &[&id, &run, &table, &report]).await?;
        Ok(self.connection.commit("the table was changed").await?)
    }
}

/// Loads the state of a table.
async fn load(
    connection: &mut Connection,
    names: &Names,
    table: &str,
    locking: &str,
) -> Result<Option<TableState>, TargetError> {
    let query = format!("SELECT state::text FROM {} WHERE table_name = $1{locking}", names.states);
    let rows = connection.query(&query, &[&table]).await?;
    let Some(text) = rows.first().map(|row| row.get::<_, String>(0)) else { return Ok(None) };
    serde_json::from_str(&text).map(Some).map_err(|error| {
        TargetError::new(format!("the state of table {table} is not of this version: {error}"))
    })
}

impl TableWriter for Writer {
    fn state(&self) -> Option<&TableState> {
        self.state.as_ref()
    }

    fn stage(&mut self, rows: Vec<Row>) -> TargetFuture<'_, u64> {
        Box::pin(async move { self.copy(&rows).await })
    }

    fn stage_parents(&mut self, parents: Vec<ParentRead>) -> TargetFuture<'_> {
        Box::pin(async move { self.copy_parents(&parents).await })
    }

    fn compare<'a>(&'a mut self, scope: &'a Scope) -> TargetFuture<'a, Difference> {
        Box::pin(self.difference(scope))
    }

    fn apply<'a>(&'a mut self, changes: &'a Changes<'a>) -> TargetFuture<'a> {
        Box::pin(self.change(changes))
    }
}
