//! Adds missing columns to an existing table, and changes nothing else of it.

use tokio_postgres::types::Type;

use super::session::Session;
use super::table::{Found, quoted, sql_type};
use super::{Field, PostgresSink};
use crate::SinkError;
use crate::columns::ColumnKind;

impl PostgresSink {
    /// Checks before anything is read that the missing columns can be added, and that the other columns have the types
    /// of their fields.
    pub(super) async fn check_widening(&mut self, found: &[Found]) -> Result<(), SinkError> {
        if !self.target.add_columns {
            return Ok(());
        }
        self.check_types(found)?;
        if !self.fields.iter().any(|field| field.is_missing) {
            return Ok(());
        }
        let (table, name) = (self.target.table.clone(), self.display(&self.target.table));
        let session = self.session().await?;
        if session.is_owner(&table).await? {
            return Ok(());
        }
        Err(SinkError::new(format!(
            "--add-columns: user {} can't add columns to table {name}, because only its owner can",
            session.user
        )))
    }

    /// Rejects a column that can't hold the values of its field, such as a number that has become text.
    fn check_types(&self, found: &[Found]) -> Result<(), SinkError> {
        for field in &self.fields {
            let Some(column) = found.iter().find(|it| it.name == field.column) else { continue };
            if holds(&column.kind, field.kind) {
                continue;
            }
            let (name, kind) = (&field.column, sql_type(field.kind));
            return Err(SinkError::new(format!(
                "--add-columns: column {name} of table {} has the type {}, but the field {} now needs {kind}, and the \
                 type of a column is never changed; omit the field with --fields, or: ALTER TABLE {} ALTER {} TYPE \
                 {kind} USING {}::{kind}",
                self.display(&self.target.table),
                column.kind.name(),
                field.path,
                self.named(&self.target.table),
                quoted(name),
                quoted(name),
            )));
        }
        Ok(())
    }

    /// Adds the missing columns to the table, in the transaction that moves the records.
    pub(super) async fn add_columns(&mut self) -> Result<(), SinkError> {
        let missing = self.fields.iter().filter(|field| field.is_missing);
        // Someone else may have added one meanwhile.
        let add = missing.map(|field| format!("ADD COLUMN IF NOT EXISTS {}", field.declared()));
        let add: Vec<String> = add.collect();
        match add.is_empty() {
            true => Ok(()),
            false => {
                let table = self.named(&self.target.table);
                self.step(&format!("ALTER TABLE {table} {}", add.join(", "))).await
            }
        }
    }

    /// Returns a note about the columns that this run has added.
    pub(super) fn added_columns(&self) -> Option<String> {
        let added = self.fields.iter().filter(|field| field.is_missing && self.is_whole);
        let added: Vec<&str> = added.map(|Field { column, .. }| column.as_str()).collect();
        (!added.is_empty()).then(|| {
            format!("added to table {}: {}", self.display(&self.target.table), added.join(", "))
        })
    }
}

impl Session {
    /// Returns whether the user may change the table.
    async fn is_owner(&mut self, table: &str) -> Result<bool, SinkError> {
        let query = "SELECT pg_has_role(c.relowner, 'USAGE') FROM pg_class c \
            JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2";
        let schema = self.schema.clone();
        let rows = self.all(query, &[&schema, &table]).await?;
        Ok(rows.first().is_some_and(|row| row.get(0)))
    }
}

/// Returns whether columns of this type hold the values of a field. Text and JSON hold all of them.
fn holds(column: &Type, field: ColumnKind) -> bool {
    let is_number = matches!(*column, Type::FLOAT4 | Type::FLOAT8 | Type::NUMERIC);
    let is_integer = matches!(*column, Type::INT2 | Type::INT4 | Type::INT8);
    let is_time = matches!(*column, Type::TIMESTAMPTZ | Type::TIMESTAMP | Type::DATE);
    match *column {
        Type::JSON | Type::JSONB | Type::TEXT | Type::VARCHAR | Type::BPCHAR => true,
        _ => match field {
            // Such as uuid or inet, which the user has chosen.
            ColumnKind::Text => !is_number && !is_integer && !is_time && *column != Type::BOOL,
            ColumnKind::Integer => is_integer || is_number,
            ColumnKind::Number => is_number,
            ColumnKind::Boolean => *column == Type::BOOL,
            ColumnKind::DateTime | ColumnKind::Date => is_time,
            ColumnKind::Json | ColumnKind::JsonText => false,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_holds_its_own_kind_and_narrower_ones() {
        use ColumnKind::{Boolean, Date, DateTime, Integer, Json, JsonText, Number, Text};

        let all = [Text, Integer, Number, Boolean, DateTime, Date, Json, JsonText];
        for (column, fields) in [
            (Type::TEXT, &all[..]),
            (Type::JSONB, &all),
            (Type::UUID, &[Text]),
            (Type::INT8, &[Integer]),
            (Type::FLOAT8, &[Integer, Number]),
            (Type::BOOL, &[Boolean]),
            (Type::TIMESTAMPTZ, &[DateTime, Date]),
        ] {
            let held: Vec<ColumnKind> =
                all.into_iter().filter(|field| holds(&column, *field)).collect();
            assert_eq!(held, fields, "{column}");
        }
    }
}
