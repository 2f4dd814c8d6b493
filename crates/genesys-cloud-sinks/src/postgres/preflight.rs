//! Checks of a table before anything is read, for whatever would refuse the records in the end.

use super::session::Session;
use super::table::{EXPORTS, Found, RUNS, quoted};
use super::{Field, PostgresSink};
use crate::SinkError;

/// An object in the schema.
pub(super) struct Relation {
    /// `relkind` in `pg_class`.
    kind: String,
    /// Whether the user may read it.
    is_readable: bool,
    /// Whether triggers, rules or row-level security may change or drop rows.
    pub(super) is_guarded: bool,
    row_security: bool,
    has_rules: bool,
}

impl Relation {
    /// Returns the kind of object, if records can't be written to it.
    fn refused(&self) -> Option<&'static str> {
        match self.kind.as_str() {
            "r" | "p" => None,
            "v" => Some("a view"),
            "m" => Some("a materialized view"),
            // Its rows are elsewhere, and may not be part of the transaction.
            "f" => Some("a foreign table"),
            "i" | "I" => Some("an index"),
            "S" => Some("a sequence"),
            "c" => Some("a composite type"),
            _ => Some("not a table"),
        }
    }
}

impl Session {
    /// Returns the object with this name, if any.
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
    /// Checks the database, the schema and the table.
    pub(super) async fn check_table(&mut self) -> Result<Option<Relation>, SinkError> {
        let table = self.target.table.clone();
        let (name, exports) = (self.display(&table), self.display(EXPORTS));
        let runs = self.display(RUNS);
        let session = self.session().await?;
        session.check_writable().await?;
        session.check_schema().await?;
        session
            .check_privileges(EXPORTS, &exports, &["SELECT", "INSERT", "UPDATE", "DELETE"])
            .await?;
        session.check_privileges(RUNS, &runs, &["SELECT", "INSERT", "UPDATE"]).await?;
        let Some(relation) = session.relation(&table).await? else {
            return match session.has_type(&table).await? {
                true => Err(SinkError::new(format!(
                    "a type is named {name}, so a table can't be; choose another --table"
                ))),
                false => Ok(None),
            };
        };
        if let Some(kind) = relation.refused() {
            return Err(SinkError::new(format!(
                "{name} is {kind}, but records can only be written to tables; choose another --table"
            )));
        }
        if !relation.is_readable {
            return Err(session.lacks("SELECT", &name));
        }
        if relation.has_rules && !self.target.upsert.is_empty() {
            return Err(SinkError::new(format!(
                "table {name} has rules, so PostgreSQL does not allow an upsert; replace the rules with triggers, or \
                 omit --upsert"
            )));
        }
        if relation.row_security {
            self.check_policies(&table).await?;
        }
        Ok(Some(relation))
    }

    /// Rejects a table whose policies never allow this user to write. Warns that policies may refuse some rows.
    async fn check_policies(&mut self, table: &str) -> Result<(), SinkError> {
        let name = self.display(table);
        let commands: &[&str] = if self.target.upsert.is_empty() { &["a"] } else { &["a", "w"] };
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
                    "table {name} has row-level security, and no policy allows user {} to {doing}; add a policy, or \
                     use a role with BYPASSRLS",
                    session.user
                )));
            }
        }
        self.warnings.push(format!(
            "table {name} has row-level security: a policy may refuse records in the end"
        ));
        Ok(())
    }

    /// Checks that the columns accept the fields, and that no other column is required.
    pub(super) fn check_columns(&self, found: &[Found]) -> Result<(), SinkError> {
        let table = self.display(&self.target.table);
        let key: Vec<&str> = self.key().iter().map(|field| &*field.column).collect();
        for Field { path, column, .. } in &self.fields {
            let Some(it) = found.iter().find(|it| it.name == *column) else { continue };
            if it.is_generated {
                return Err(SinkError::new(format!(
                    "column {column} of table {table} is GENERATED ALWAYS and can't be written; omit the field {path} \
                     with --fields"
                )));
            }
            let needs_update = !key.is_empty() && !key.contains(&&**column);
            let missing = [(!it.may_insert, "INSERT"), (needs_update && !it.may_update, "UPDATE")];
            if let Some((_, privilege)) = missing.into_iter().find(|(lacks, _)| *lacks)
                && let Some(session) = &self.session
            {
                return Err(session.lacks(privilege, &format!("{table} (column {column})")));
            }
        }
        let is_written = |it: &&Found| self.fields.iter().any(|field| field.column == it.name);
        match found.iter().find(|it| it.is_required && !is_written(it)) {
            None => Ok(()),
            Some(Found { name, .. }) => Err(SinkError::new(format!(
                "column {name} of table {table} is NOT NULL without a default, but has no field; add its field to \
                 --fields, or: ALTER TABLE {} ALTER {} DROP NOT NULL",
                self.named(&self.target.table),
                quoted(name)
            ))),
        }
    }

    /// Warns if the database encoding does not have all characters.
    pub(super) async fn check_encoding(&mut self) -> Result<(), SinkError> {
        let encoding = self.session().await?.encoding().await?;
        if encoding != "UTF8" {
            self.warnings.push(format!(
                "the database has the encoding {encoding} and refuses records with other characters"
            ));
        }
        Ok(())
    }
}

impl Session {
    /// Rejects a read-only server.
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

    /// Rejects a schema that does not exist, or in which the user can't create tables.
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

    /// Rejects an existing table on which the user does not have these privileges.
    async fn check_privileges(
        &mut self,
        table: &str,
        display: &str,
        privileges: &[&str],
    ) -> Result<(), SinkError> {
        let query = "SELECT has_table_privilege(c.oid, $3) FROM pg_class c \
            JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2";
        let schema = self.schema.clone();
        for privilege in privileges {
            let rows = self.all(query, &[&schema, &table, privilege]).await?;
            if rows.first().is_some_and(|row| !row.get::<_, bool>(0)) {
                return Err(self.lacks(privilege, display));
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

    /// Creates the error for a missing privilege.
    pub(super) fn lacks(&self, privilege: &str, on: &str) -> SinkError {
        SinkError::new(format!(
            "user {} lacks a privilege in {}: {privilege} on {on}",
            self.user, self.place
        ))
    }
}
