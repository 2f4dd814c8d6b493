//! The state of an export, in a row of the exports table.

use genesys_cloud_core::{CheckpointStore, MAX_STATE_SIZE, StoreFuture};

use super::PostgresSink;
use super::session::Session;
use super::table::{self, EXPORTS};
use crate::checksum::Checksum;
use crate::error::SinkError;

/// The row of an export.
pub(super) struct Kept {
    pub(super) state: Option<String>,
    pub(super) is_whole: bool,
    /// The ID of the export. `None` for an earlier release.
    pub(super) run: Option<String>,
}

impl PostgresSink {
    /// Reads the row of the last export to this table.
    pub(super) async fn kept(&mut self) -> Result<Option<Kept>, SinkError> {
        let session = self.session().await?;
        let Some(columns) = session.columns(EXPORTS).await? else { return Ok(None) };
        // An earlier release may have created the table.
        let has_runs = columns.iter().any(|column| column.name == "run");
        let run = if has_runs { "run" } else { "NULL::text" };
        let query = format!(
            "SELECT whole, {run}, octet_length(state)::bigint, \
             CASE WHEN octet_length(state) <= $2 THEN state END FROM {} WHERE table_name = $1",
            self.named(EXPORTS)
        );
        let table = self.target.table.clone();
        let largest = i32::try_from(MAX_STATE_SIZE).unwrap_or(i32::MAX);
        let rows = self.session().await?.all(&query, &[&table, &largest]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let size: Option<i64> = row.get(2);
        let size = size.unwrap_or(0).unsigned_abs();
        if size > MAX_STATE_SIZE {
            return Err(SinkError::mismatch(format!(
                "table {} is not a saved state: it has {size} bytes; delete its row, or choose another --table",
                self.display(EXPORTS)
            )));
        }
        Ok(Some(Kept { is_whole: row.get(0), run: row.get(1), state: row.get(3) }))
    }

    /// Loads the state, and whether that export has moved its records.
    pub(super) async fn load_state(&mut self) -> Result<Option<String>, SinkError> {
        let Some(kept) = self.kept().await? else { return Ok(None) };
        self.is_whole = kept.is_whole && kept.state.is_some();
        self.saved = kept.state.as_ref().map(|state| Checksum::of(state.as_bytes()));
        Ok(kept.state)
    }

    /// Returns whether the staging table belongs to the export of this row.
    pub(super) async fn is_staging_of(&mut self, kept: Option<&Kept>) -> Result<bool, SinkError> {
        let Some(kept) = kept.filter(|kept| !kept.is_whole) else { return Ok(false) };
        let staging = self.named(&self.staging());
        let comment = self.session().await?.comment(&staging).await?;
        Ok(comment == kept.run.as_deref().map(table::mark))
    }

    /// Checks that the row and the staging table belong to the export to resume.
    pub(super) async fn check_run(&mut self, kept: Option<&Kept>) -> Result<(), SinkError> {
        let (exports, staging) = (self.display(EXPORTS), self.display(&self.staging()));
        let Some(kept) = kept.filter(|kept| kept.run.as_deref() == Some(&*self.run)) else {
            return Err(SinkError::mismatch(format!(
                "the state in table {exports} does not match its row; start over with --restart"
            )));
        };
        self.is_whole = kept.is_whole;
        let name = self.staging();
        let columns = self.session().await?.columns(&name).await?;
        if self.is_whole || columns.is_none() || self.is_staging_of(Some(kept)).await? {
            return Ok(());
        }
        Err(SinkError::mismatch(format!(
            "table {staging} is not the staging table of the export in table {exports}; restore that table, or drop \
             this one and start over with --restart"
        )))
    }

    pub(super) async fn put(&mut self, state: &str) -> Result<(), SinkError> {
        if let Err(error) = self.save_state(state).await {
            if !self.can_reconnect() {
                return Err(error);
            }
            if !self.reconnect(error, Some(state)).await? {
                self.save_state(state).await?;
            }
        }
        self.committed(state);
        Ok(())
    }

    pub(super) async fn save_state(&mut self, state: &str) -> Result<(), SinkError> {
        let save = format!(
            "UPDATE {} SET state = $1, saved = now() WHERE table_name = $2",
            self.named(EXPORTS)
        );
        let table = self.target.table.clone();
        let session = self.session().await?;
        session.begin().await?;
        if session.execute(&save, &[&state, &table]).await? != 1 {
            return Err(SinkError::mismatch(format!(
                "the row of table {table} in {EXPORTS} is missing; start over with --restart"
            )));
        }
        Ok(session.commit("the last batch was stored").await?)
    }

    pub(super) async fn forget(&mut self) -> Result<(), SinkError> {
        let Some(kept) = self.kept().await? else { return Ok(()) };
        let exports = self.named(EXPORTS);
        let table = self.target.table.clone();
        let session = self.session().await?;
        session.begin().await?;
        let forget = match kept.is_whole {
            true => format!("UPDATE {exports} SET state = NULL WHERE table_name = $1"),
            false => {
                session.drop_staging(&kept).await?;
                format!("DELETE FROM {exports} WHERE table_name = $1")
            }
        };
        session.execute(&forget, &[&table]).await?;
        Ok(session.commit("the state was removed").await?)
    }

    /// Refuses to start over if an interrupted export has already moved its records: they would be added again.
    pub(super) async fn refuse_to_repeat(&mut self) -> Result<(), SinkError> {
        let table = self.target.table.clone();
        let has_moved = self.kept().await?.is_some_and(|it| it.is_whole && it.state.is_some());
        if !has_moved
            || !self.target.upsert.is_empty()
            || self.session().await?.columns(&table).await?.is_none()
        {
            return Ok(());
        }
        Err(SinkError::mismatch(format!(
            "the interrupted export has already moved its records to table {}, and --restart would add them again; \
             finish it with --resume, which reads nothing, and then start a new export",
            self.display(&table)
        )))
    }
}

impl Session {
    /// Drops the staging tables of an export that has not moved its records.
    pub(super) async fn drop_staging(&mut self, kept: &Kept) -> Result<(), SinkError> {
        let Some(run) = kept.run.as_ref().filter(|_| !kept.is_whole) else { return Ok(()) };
        let find = "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
            WHERE n.nspname = $1 AND c.relkind = 'r' AND obj_description(c.oid, 'pg_class') = $2";
        let (schema, mark) = (self.schema.clone(), table::mark(run));
        for row in self.all(find, &[&schema, &mark]).await? {
            let name: String = row.get(0);
            self.run(&format!("DROP TABLE {}.{}", table::quoted(&schema), table::quoted(&name)))
                .await?;
        }
        Ok(())
    }
}

/// Saving the state commits the transaction of the batch.
impl CheckpointStore for PostgresSink {
    fn load<'a>(&'a mut self, _: &'a str) -> StoreFuture<'a, Option<String>> {
        Box::pin(async { Ok(self.load_state().await?) })
    }

    fn save<'a>(&'a mut self, _: &'a str, text: &'a str) -> StoreFuture<'a, ()> {
        Box::pin(async { Ok(self.put(text).await?) })
    }

    fn clear<'a>(&'a mut self, _: &'a str) -> StoreFuture<'a, ()> {
        Box::pin(async { Ok(self.forget().await?) })
    }

    fn location(&self, _: &str) -> String {
        format!("table {}", self.display(EXPORTS))
    }
}
