//! The staging table, which has the records until the list is complete.

use super::state::Kept;
use super::table::{EXPORTS, ROW, list, mark, quoted};
use super::{Field, PostgresSink};
use crate::SinkError;

impl PostgresSink {
    /// Changes the upsert key of a staging table.
    pub(super) async fn change_key(&mut self, before: &[String]) -> Result<(), SinkError> {
        if before == self.target.upsert {
            return Ok(());
        }
        // A column of an existing table may be NOT NULL anyway.
        let old = if self.is_new { self.fields_named(before) } else { Vec::new() };
        let is_kept = |field: &&&Field| self.target.upsert.contains(&field.path);
        let dropped = old.iter().filter(|field| !is_kept(field));
        let dropped = dropped.map(|field| format!("ALTER {} DROP NOT NULL", quoted(&field.column)));
        let changes: Vec<String> = dropped.chain(self.key_not_null()).collect();
        if changes.is_empty() {
            return Ok(());
        }
        let change = format!("ALTER TABLE {} {}", self.named(&self.staging()), changes.join(", "));
        self.session().await?.run(&change).await
    }

    /// Returns the changes that make the columns of the key NOT NULL.
    fn key_not_null(&self) -> Vec<String> {
        let key = self.key();
        key.iter().map(|field| format!("ALTER {} SET NOT NULL", quoted(&field.column))).collect()
    }

    /// Returns the columns of the fields as SQL.
    pub(super) fn columns(&self) -> String {
        list(self.fields.iter().map(|field| field.column.as_str()))
    }

    /// Creates an empty staging table, and the row of the export.
    pub(super) async fn make_staging(&mut self, kept: Option<&Kept>) -> Result<(), SinkError> {
        let (table, staging) = (self.named(&self.target.table), self.named(&self.staging()));
        let mut make = format!("DROP TABLE IF EXISTS {staging}; ");
        match self.is_new {
            true => {
                let columns: Vec<String> = self.fields.iter().map(Field::declared).collect();
                make += &format!("CREATE TABLE {staging} ({})", columns.join(", "));
            }
            // With the constraints of the table, so that violations show early.
            false => {
                make += &format!(
                    "CREATE TABLE {staging} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS \
                     INCLUDING GENERATED INCLUDING IDENTITY)"
                );
            }
        }
        // Also without --upsert, which a resume may add.
        make += &format!(
            "; ALTER TABLE {staging} ADD {} bigint GENERATED ALWAYS AS IDENTITY",
            quoted(ROW)
        );
        for field in self.fields.iter().filter(|field| field.is_missing) {
            make += &format!(", ADD {}", field.declared());
        }
        for change in self.key_not_null() {
            make += &format!(", {change}");
        }
        // The comment has no quotes.
        make += &format!("; COMMENT ON TABLE {staging} IS '{}'", mark(&self.run));
        if self.is_child() {
            // The family commits, with the row of the export.
            let session = self.session().await?;
            session.begin().await?;
            return session.run(&make).await;
        }
        let is_alone = self.member.is_none();
        let exports = self.named(EXPORTS);
        let (table, run) = (self.target.table.clone(), self.run.clone());
        let session = self.session().await?;
        let found = session.columns(EXPORTS).await?;
        let is_first = found.is_none();
        let has_runs = found.iter().flatten().any(|column| column.name == "run");
        session.begin().await?;
        if is_first {
            // Two first exports to a schema may run concurrently.
            session
                .run(&format!(
                    "SELECT pg_advisory_xact_lock(hashtextextended('genesys-cloud', 0)); \
                     CREATE TABLE IF NOT EXISTS {exports} (table_name text PRIMARY KEY, \
                     whole boolean NOT NULL, state text, report json, \
                     began timestamptz NOT NULL, saved timestamptz, ended timestamptz, run text)"
                ))
                .await?;
        } else if !has_runs {
            session
                .run(&format!("ALTER TABLE {exports} ADD COLUMN IF NOT EXISTS run text"))
                .await?;
        }
        if let Some(kept) = kept {
            // Those of child tables may be of lists that are none any more.
            session.drop_staging(kept).await?;
        }
        session.run(&make).await?;
        let note = format!(
            "INSERT INTO {exports} (table_name, whole, began, run) VALUES ($1, false, now(), $2) \
             ON CONFLICT (table_name) DO UPDATE SET whole = false, state = NULL, report = NULL, \
             began = now(), saved = NULL, ended = NULL, run = $2"
        );
        session.execute(&note, &[&table, &run]).await?;
        if !is_alone {
            return Ok(());
        }
        Ok(session.commit(&format!("{staging} was created")).await?)
    }
}
