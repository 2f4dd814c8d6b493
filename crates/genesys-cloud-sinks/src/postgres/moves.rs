//! Moves the records from the staging table to the table.

use super::PostgresSink;
use super::session::Session;
use super::table::{EXPORTS, Found, ROW, list, quoted};
use crate::SinkError;

/// Counts of moved rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Moved {
    pub(super) added: u64,
    pub(super) updated: u64,
    pub(super) unchanged: u64,
}

/// The expected effect of an upsert.
struct Expected {
    rows: u64,
    /// Rows whose key exists.
    existing: u64,
    /// Existing rows with other values.
    changed: u64,
}

impl PostgresSink {
    /// Moves the records to the table, and the rows of child tables to theirs.
    pub(super) async fn move_staging(&mut self, children: &mut [Self]) -> Result<(), SinkError> {
        let exports = self.named(EXPORTS);
        let name = self.target.table.clone();
        let table = self.display(&name);
        self.session().await?.begin().await?;
        self.move_children(children).await?;
        self.add_columns().await?;
        let key: Vec<String> = self.key().iter().map(|field| field.column.clone()).collect();
        let moved = match key.is_empty() {
            true if self.is_new => self.rename_staging().await?,
            true => self.add_rows().await?,
            false => self.upsert_rows(&key).await?,
        };
        let session = self.session().await?;
        let note =
            format!("UPDATE {exports} SET whole = true, ended = now() WHERE table_name = $1");
        session.execute(&note, &[&name]).await?;
        let committed = session.commit(&format!("the records were moved to table {table}")).await;
        match &committed {
            Ok(()) => (self.is_whole, self.moved) = (true, Some(moved)),
            Err(why) => self.is_in_doubt = why.is_unknown,
        }
        Ok(committed?)
    }

    /// Renames the staging table to the table.
    pub(super) async fn rename_staging(&mut self) -> Result<Moved, SinkError> {
        let staging = self.named(&self.staging());
        self.step(&format!(
            "COMMENT ON TABLE {staging} IS NULL; ALTER TABLE {staging} DROP COLUMN {}; ALTER TABLE {staging} RENAME TO {}",
            quoted(ROW),
            quoted(&self.target.table)
        ))
        .await?;
        Ok(Moved { added: self.written, ..Moved::default() })
    }

    pub(super) async fn add_rows(&mut self) -> Result<Moved, SinkError> {
        let (table, staging) = (self.named(&self.target.table), self.named(&self.staging()));
        let columns = self.columns();
        let sent = self.session().await?.count(&format!("SELECT count(*) FROM {staging}")).await?;
        let insert = format!("INSERT INTO {table} ({columns}) SELECT {columns} FROM {staging}");
        let added = self.counted(&insert).await?;
        self.check_arrived(added, sent)?;
        self.step(&format!("DROP TABLE {staging}")).await?;
        Ok(Moved { added, ..Moved::default() })
    }

    /// Adds rows with new keys, and updates rows with other values. The later of two records with the same key wins.
    /// Unchanged rows are not written.
    async fn upsert_rows(&mut self, columns_of_key: &[String]) -> Result<Moved, SinkError> {
        let (table, staging) = (self.named(&self.target.table), self.named(&self.staging()));
        let (columns, row) = (self.columns(), quoted(ROW));
        let key = list(columns_of_key.iter().map(String::as_str));
        if self.is_new {
            // With the current types of the staging table.
            self.step(&format!(
                "CREATE TABLE {table} (LIKE {staging}); \
                 ALTER TABLE {table} DROP COLUMN {row}, ADD PRIMARY KEY ({key})"
            ))
            .await?;
        }
        let name = self.staging();
        let found = self.session().await?.columns(&name).await?.unwrap_or_default();
        let fields = self.fields.iter().filter(|field| !columns_of_key.contains(&field.column));
        let set: Vec<String> = fields.clone().map(|field| field.column.clone()).collect();
        let of_record = fields.filter(|field| !field.is_of_export);
        let of_record: Vec<String> = of_record.map(|field| field.column.clone()).collect();
        let is_other = |one: &str, other: &str| match of_record.is_empty() {
            true => "false".to_owned(),
            false => {
                let values = |of: &str| comparable(of, &of_record, &found);
                format!("ROW({}) IS DISTINCT FROM ROW({})", values(one), values(other))
            }
        };
        let latest = format!(
            "SELECT DISTINCT ON ({key}) {columns} FROM {staging} ORDER BY {key}, {row} DESC"
        );
        // The columns of a key are NOT NULL in the staging table, so in a row of the table that matches.
        let first = columns_of_key.first().map(|column| quoted(column)).unwrap_or_default();
        let same = columns_of_key.iter().map(|column| format!("t.{0} = l.{0}", quoted(column)));
        let same = same.collect::<Vec<_>>().join(" AND ");
        let look = format!(
            "SELECT count(*), count(t.{first}), count(*) FILTER (WHERE t.{first} IS NOT NULL AND {}) \
             FROM ({latest}) l LEFT JOIN {table} t ON {same}",
            is_other("l", "t")
        );
        let expected = self.session().await?.expected(&look).await?;
        let act = match set.is_empty() {
            true => "NOTHING".to_owned(),
            false => {
                let set = set.iter().map(|it| format!("{0} = EXCLUDED.{0}", quoted(it)));
                let set = set.collect::<Vec<_>>().join(", ");
                format!("UPDATE SET {set} WHERE {}", is_other("t", "EXCLUDED"))
            }
        };
        // ON CONFLICT locks a row even if it does not update it, so unchanged rows are left out.
        let changed = format!(
            "SELECT {columns} FROM ({latest}) l WHERE NOT EXISTS (SELECT FROM {table} t WHERE {same} AND NOT {})",
            is_other("l", "t")
        );
        let upsert =
            format!("INSERT INTO {table} AS t ({columns}) {changed} ON CONFLICT ({key}) DO {act}");
        let written = self.counted(&upsert).await?;
        let added = expected.rows.saturating_sub(expected.existing);
        // Other programs may write to the table concurrently, so the counts are checked only if something may drop rows.
        if self.is_guarded {
            self.check_arrived(written, added + expected.changed)?;
        }
        self.step(&format!("DROP TABLE {staging}")).await?;
        let updated = written.saturating_sub(added);
        Ok(Moved { added, updated, unchanged: expected.existing.saturating_sub(updated) })
    }

    /// Fails if triggers or rules have dropped or added rows.
    pub(super) fn check_arrived(&self, arrived: u64, sent: u64) -> Result<(), SinkError> {
        if arrived == sent {
            return Ok(());
        }
        let (table, staging) = (self.display(&self.target.table), self.display(&self.staging()));
        Err(SinkError::new(format!(
            "{arrived} of {sent} rows arrived in table {table}: a trigger, rule or policy has dropped or diverted \
             the others; nothing was moved, and the records are still in table {staging}; change that, and --resume"
        )))
    }

    pub(super) async fn step(&mut self, statements: &str) -> Result<(), SinkError> {
        match self.session().await?.attempt(statements).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.unmoved(error).await),
        }
    }

    /// Runs a statement, and returns the number of rows written.
    pub(super) async fn counted(&mut self, statement: &str) -> Result<u64, SinkError> {
        match self.session().await?.written(statement).await {
            Ok(rows) => Ok(rows),
            Err(error) => Err(self.unmoved(error).await),
        }
    }
}

impl Session {
    async fn expected(&mut self, query: &str) -> Result<Expected, SinkError> {
        let rows = self.all(query, &[]).await?;
        let count = |at| rows.first().map_or(0, |row| row.get::<_, i64>(at).unsigned_abs());
        Ok(Expected { rows: count(0), existing: count(1), changed: count(2) })
    }

    pub(super) async fn count(&mut self, query: &str) -> Result<u64, SinkError> {
        let rows = self.all(query, &[]).await?;
        Ok(rows.first().map_or(0, |row| row.get::<_, i64>(0).unsigned_abs()))
    }
}

/// Returns comparable columns: those of types without equality are cast to text.
pub(super) fn comparable(of: &str, columns: &[String], found: &[Found]) -> String {
    let value = |column: &String| {
        let has_equality = found.iter().any(|it| it.name == *column && it.has_equality);
        format!("{of}.{}{}", quoted(column), if has_equality { "" } else { "::text" })
    };
    columns.iter().map(value).collect::<Vec<_>>().join(", ")
}
