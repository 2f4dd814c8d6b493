//! What is checked of a table before anything is read: whatever would refuse the records in the end.

use super::session::Session;
use super::table::{EXPORTS, Found, quoted};
use super::{Field, PostgresSink};
use crate::SinkError;

/// What a name of the schema is taken by.
pub(super) struct Relation {
    /// As `pg_class` has it.
    kind: String,
    /// Whether the user may read it.
    is_readable: bool,
    /// Whether rows may become others, or none, on their way: it has triggers or rules, or security of rows.
    pub(super) is_guarded: bool,
    row_security: bool,
    has_rules: bool,
}

impl Relation {
    /// What it is, if records can't be written to it.
    fn refused(&self) -> Option<&'static str> {
        match self.kind.as_str() {
            "r" | "p" => None,
            "v" => Some("a view"),
            "m" => Some("a materialized view"),
            // Its rows are elsewhere, where the transaction that moves the records may not reach.
            "f" => Some("a foreign table"),
            "i" | "I" => Some("an index"),
            "S" => Some("a sequence"),
            "c" => Some("a composite type"),
            _ => Some("no table"),
        }
    }
}

impl Session {
    /// What has this name, if anything has.
    pub(super) async fn relation(&mut self, name: &str) -> Result<Option<Relation>, SinkError> {
        let rows = self
            .all(
                "SELECT c.relkind::text, has_table_privilege(c.oid, 'SELECT'), row_security_active(c.oid), \
                 c.relhasrules, EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal) \
                 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                 WHERE n.nspname = $1 AND c.relname = $2",
                &[&self.schema.clone(), &name],
            )
            .await?;
        Ok(rows.first().map(|row| {
            let (row_security, has_rules, has_triggers) = (row.get(2), row.get(3), row.get(4));
            Relation {
                kind: row.get(0),
                is_readable: row.get(1),
                is_guarded: row_security || has_rules || has_triggers,
                row_security,
                has_rules,
            }
        }))
    }
}

impl PostgresSink {
    /// Checks the database and the schema, and what has the name of the table.
    pub(super) async fn check_place(&mut self) -> Result<Option<Relation>, SinkError> {
        let table = self.target.table.clone();
        let (told, exports) = (self.told(&table), self.told(EXPORTS));
        let session = self.session().await?;
        session.check_writable().await?;
        session.check_schema().await?;
        session
            .check_privileges(EXPORTS, &exports, &["SELECT", "INSERT", "UPDATE", "DELETE"])
            .await?;
        let Some(relation) = session.relation(&table).await? else {
            return match session.has_type(&table).await? {
                true => Err(SinkError::new(format!(
                    "there is a type {told}, and no table can have its name; choose another --table"
                ))),
                false => Ok(None),
            };
        };
        if let Some(kind) = relation.refused() {
            return Err(SinkError::new(format!(
                "{told} is {kind}, and records are written to tables only; choose another --table"
            )));
        }
        if !relation.is_readable {
            return Err(session.lacks("SELECT", &told));
        }
        if relation.has_rules && self.target.upsert.is_some() {
            return Err(SinkError::new(format!(
                "table {told} has rules, and PostgreSQL takes no upsert into such a table; replace them by triggers, or \
                 leave out --upsert"
            )));
        }
        if relation.row_security {
            self.check_policies(&table).await?;
        }
        Ok(Some(relation))
    }

    /// Refuses a table whose policies allow this user no rows at all, and notes that others may refuse some.
    async fn check_policies(&mut self, table: &str) -> Result<(), SinkError> {
        let told = self.told(table);
        let commands: &[&str] = if self.target.upsert.is_some() { &["a", "w"] } else { &["a"] };
        let session = self.session().await?;
        for command in commands {
            let allows = "SELECT EXISTS (SELECT FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid \
                JOIN pg_namespace n ON n.oid = c.relnamespace \
                WHERE n.nspname = $1 AND c.relname = $2 AND p.polpermissive AND p.polcmd::text IN ('*', $3) \
                AND (p.polroles = '{0}' OR EXISTS (SELECT FROM unnest(p.polroles) role \
                WHERE pg_has_role(role, 'MEMBER'))))";
            let schema = session.schema.clone();
            let rows = session.all(allows, &[&schema, &table, command]).await?;
            if !rows.first().is_some_and(|row| row.get(0)) {
                let doing = if *command == "a" { "INSERT" } else { "UPDATE" };
                return Err(SinkError::new(format!(
                    "table {told} has row level security, and no policy allows user {} to {doing}; add a policy, or \
                     use a role with BYPASSRLS",
                    session.user
                )));
            }
        }
        self.warnings.push(format!(
            "table {told} has row level security: a policy may refuse records when they are moved there"
        ));
        Ok(())
    }

    /// Checks that the columns of the table take the fields, and need no others.
    pub(super) fn check_columns(&self, found: &[Found]) -> Result<(), SinkError> {
        let table = self.told(&self.target.table);
        let key = self.key().map(|key| key.column.as_str());
        for Field { path, column, .. } in &self.fields {
            let Some(it) = found.iter().find(|it| it.name == *column) else { continue };
            if it.is_generated {
                return Err(SinkError::new(format!(
                    "column {column} of table {table} is GENERATED ALWAYS and takes no values; leave out the field \
                     {path} with --fields"
                )));
            }
            let needs_update = key.is_some_and(|key| key != column);
            let missing = [(!it.may_insert, "INSERT"), (needs_update && !it.may_update, "UPDATE")];
            if let Some((_, right)) = missing.into_iter().find(|(lacks, _)| *lacks)
                && let Some(session) = &self.session
            {
                return Err(session.lacks(right, &format!("{table} (column {column})")));
            }
        }
        let is_written = |it: &&Found| self.fields.iter().any(|field| field.column == it.name);
        match found.iter().find(|it| it.is_required && !is_written(it)) {
            None => Ok(()),
            Some(Found { name, .. }) => Err(SinkError::new(format!(
                "column {name} of table {table} is NOT NULL without a default, and no field is written to it; add its \
                 field to --fields, or: ALTER TABLE {} ALTER {} DROP NOT NULL",
                self.named(&self.target.table),
                quoted(name)
            ))),
        }
    }

    /// Notes that the database has not all characters.
    pub(super) async fn check_encoding(&mut self) -> Result<(), SinkError> {
        let encoding = self.session().await?.encoding().await?;
        if encoding != "UTF8" {
            self.warnings.push(format!(
                "the database has the encoding {encoding}: a record with other characters is refused"
            ));
        }
        Ok(())
    }
}

impl Session {
    /// Refuses a server that takes no writes.
    async fn check_writable(&mut self) -> Result<(), SinkError> {
        let query = "SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on'";
        let rows = self.all(query, &[]).await?;
        let found = rows.first().map(|row| (row.get::<_, bool>(0), row.get::<_, bool>(1)));
        match found {
            Some((true, _)) => Err(SinkError::new(format!(
                "{} is a standby, which is read-only; connect to the primary server",
                self.place
            ))),
            Some((_, true)) => Err(SinkError::new(format!(
                "{} is read-only for user {}: default_transaction_read_only is on",
                self.place, self.user
            ))),
            _ => Ok(()),
        }
    }

    /// Refuses a schema that is not there, or in which the user may create nothing.
    async fn check_schema(&mut self) -> Result<(), SinkError> {
        let query =
            "SELECT has_schema_privilege(n.oid, 'CREATE') FROM pg_namespace n WHERE n.nspname = $1";
        let schema = self.schema.clone();
        let rows = self.all(query, &[&schema]).await?;
        match rows.first().map(|row| row.get::<_, bool>(0)) {
            Some(true) => Ok(()),
            Some(false) => Err(self.lacks("CREATE", &format!("schema {schema}"))),
            None => {
                Err(SinkError::new(format!("{}: schema \"{schema}\" does not exist", self.place)))
            }
        }
    }

    /// Refuses a table, if it is there, on which the user lacks one of these.
    async fn check_privileges(
        &mut self,
        table: &str,
        told: &str,
        rights: &[&str],
    ) -> Result<(), SinkError> {
        let query = "SELECT has_table_privilege(c.oid, $3) FROM pg_class c \
            JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2";
        let schema = self.schema.clone();
        for right in rights {
            let rows = self.all(query, &[&schema, &table, right]).await?;
            if rows.first().is_some_and(|row| !row.get::<_, bool>(0)) {
                return Err(self.lacks(right, told));
            }
        }
        Ok(())
    }

    async fn has_type(&mut self, name: &str) -> Result<bool, SinkError> {
        let query = "SELECT FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace \
            WHERE n.nspname = $1 AND t.typname = $2";
        let schema = self.schema.clone();
        Ok(!self.all(query, &[&schema, &name]).await?.is_empty())
    }

    async fn encoding(&mut self) -> Result<String, SinkError> {
        let rows = self.all("SELECT current_setting('server_encoding')", &[]).await?;
        Ok(rows.first().map(|row| row.get(0)).unwrap_or_default())
    }

    /// The error that the user lacks a privilege on something.
    pub(super) fn lacks(&self, right: &str, on: &str) -> SinkError {
        SinkError::new(format!(
            "user {} lacks a right in {}: {right} on {on}",
            self.user, self.place
        ))
    }
}
