//! How the records get from their own table to where they belong, and what became of them.

use super::PostgresSink;
use super::session::Session;
use super::table::{EXPORTS, Found, ROW, quoted};
use crate::SinkError;

/// What became of the records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Moved {
    pub(super) added: u64,
    pub(super) updated: u64,
    pub(super) unchanged: u64,
}

/// What an upsert is due to do.
struct Due {
    rows: u64,
    /// How many of them are there already, and how many of those are others.
    there: u64,
    changed: u64,
}

impl PostgresSink {
    /// Moves the records to where they belong.
    pub(super) async fn move_staging(&mut self) -> Result<(), SinkError> {
        let exports = self.named(EXPORTS);
        let name = self.target.table.clone();
        let told = self.told(&name);
        self.session().await?.begin().await?;
        let moved = match self.key().map(|key| quoted(&key.column)) {
            None if self.is_new => self.rename_staging().await?,
            None => self.add_rows().await?,
            Some(key) => self.upsert_rows(&key).await?,
        };
        let session = self.session().await?;
        let note =
            format!("UPDATE {exports} SET whole = true, ended = now() WHERE table_name = $1");
        session.execute(&note, &[&name]).await?;
        let committed = session.commit(&format!("the records were moved to table {told}")).await;
        match &committed {
            Ok(()) => (self.is_whole, self.moved) = (true, Some(moved)),
            Err(why) => self.is_in_doubt = why.is_unknown,
        }
        Ok(committed?)
    }

    /// The staging table becomes the table.
    async fn rename_staging(&mut self) -> Result<Moved, SinkError> {
        let staging = self.named(&self.staging());
        self.step(&format!(
            "COMMENT ON TABLE {staging} IS NULL; ALTER TABLE {staging} DROP COLUMN {}; ALTER TABLE {staging} RENAME TO {}",
            quoted(ROW),
            quoted(&self.target.table)
        ))
        .await?;
        Ok(Moved { added: self.written, ..Moved::default() })
    }

    async fn add_rows(&mut self) -> Result<Moved, SinkError> {
        let (table, staging) = (self.named(&self.target.table), self.named(&self.staging()));
        let columns = self.columns();
        let sent = self.session().await?.count(&format!("SELECT count(*) FROM {staging}")).await?;
        let insert = format!("INSERT INTO {table} ({columns}) SELECT {columns} FROM {staging}");
        let added = self.counted(&insert).await?;
        self.check_arrived(added, sent)?;
        self.step(&format!("DROP TABLE {staging}")).await?;
        Ok(Moved { added, ..Moved::default() })
    }

    /// Adds the rows whose key is not there, and changes those that are others. Of two records of one key the later one
    /// counts. Rows that are the same already are not written again.
    async fn upsert_rows(&mut self, key: &str) -> Result<Moved, SinkError> {
        let (table, staging) = (self.named(&self.target.table), self.named(&self.staging()));
        let (columns, row) = (self.columns(), quoted(ROW));
        if self.is_new {
            // With the types that the staging table has by now.
            self.step(&format!(
                "CREATE TABLE {table} (LIKE {staging}); \
                 ALTER TABLE {table} DROP COLUMN {row}, ADD PRIMARY KEY ({key})"
            ))
            .await?;
        }
        let name = self.staging();
        let found = self.session().await?.columns(&name).await?.unwrap_or_default();
        let fields = self.fields.iter().map(|field| field.column.clone());
        let set: Vec<String> = fields.filter(|column| quoted(column) != key).collect();
        let is_other = |one: &str, other: &str| match set.is_empty() {
            true => "false".to_owned(),
            false => {
                let values = |of: &str| comparable(of, &set, &found);
                format!("ROW({}) IS DISTINCT FROM ROW({})", values(one), values(other))
            }
        };
        let latest = format!(
            "SELECT DISTINCT ON ({key}) {columns} FROM {staging} ORDER BY {key}, {row} DESC"
        );
        let look = format!(
            "SELECT count(*), count(t.{key}), count(*) FILTER (WHERE t.{key} IS NOT NULL AND {}) \
             FROM ({latest}) l LEFT JOIN {table} t ON t.{key} = l.{key}",
            is_other("l", "t")
        );
        let due = self.session().await?.due(&look).await?;
        let act = match set.is_empty() {
            true => "NOTHING".to_owned(),
            false => {
                let set = set.iter().map(|it| format!("{0} = EXCLUDED.{0}", quoted(it)));
                let set = set.collect::<Vec<_>>().join(", ");
                format!("UPDATE SET {set} WHERE {}", is_other("t", "EXCLUDED"))
            }
        };
        let upsert =
            format!("INSERT INTO {table} AS t ({columns}) {latest} ON CONFLICT ({key}) DO {act}");
        let written = self.counted(&upsert).await?;
        let added = due.rows.saturating_sub(due.there);
        // Other programs may write to the table meanwhile, so that counts alone say nothing.
        if self.is_guarded {
            self.check_arrived(written, added + due.changed)?;
        }
        self.step(&format!("DROP TABLE {staging}")).await?;
        let updated = written.saturating_sub(added);
        Ok(Moved { added, updated, unchanged: due.there.saturating_sub(updated) })
    }

    /// Refuses to commit where triggers or rules of the table have dropped rows, or added some.
    fn check_arrived(&self, arrived: u64, sent: u64) -> Result<(), SinkError> {
        if arrived == sent {
            return Ok(());
        }
        let (table, staging) = (self.told(&self.target.table), self.told(&self.staging()));
        Err(SinkError::new(format!(
            "{arrived} of {sent} rows arrived in table {table}: a trigger, a rule or a policy of the table has dropped or \
             diverted the others. Nothing was moved, the records are still in table {staging}; change that, and --resume"
        )))
    }

    async fn step(&mut self, statements: &str) -> Result<(), SinkError> {
        match self.session().await?.attempt(statements).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.unmoved(error).await),
        }
    }

    /// Runs a statement, and says how many rows it has written.
    async fn counted(&mut self, statement: &str) -> Result<u64, SinkError> {
        match self.session().await?.written(statement).await {
            Ok(rows) => Ok(rows),
            Err(error) => Err(self.unmoved(error).await),
        }
    }
}

impl Session {
    async fn due(&mut self, query: &str) -> Result<Due, SinkError> {
        let rows = self.all(query, &[]).await?;
        let count = |at| rows.first().map_or(0, |row| row.get::<_, i64>(at).unsigned_abs());
        Ok(Due { rows: count(0), there: count(1), changed: count(2) })
    }

    async fn count(&mut self, query: &str) -> Result<u64, SinkError> {
        let rows = self.all(query, &[]).await?;
        Ok(rows.first().map_or(0, |row| row.get::<_, i64>(0).unsigned_abs()))
    }
}

/// Columns of a row that can be compared: those of types without equality by their text.
fn comparable(of: &str, columns: &[String], found: &[Found]) -> String {
    let value = |column: &String| {
        let has_equality = found.iter().any(|it| it.name == *column && it.has_equality);
        format!("{of}.{}{}", quoted(column), if has_equality { "" } else { "::text" })
    };
    columns.iter().map(value).collect::<Vec<_>>().join(", ")
}
