//! Columns with the nested types of records.

use std::collections::HashMap;

use genesys_cloud_arrow::arrow_schema::extension::{
    EXTENSION_TYPE_METADATA_KEY, EXTENSION_TYPE_NAME_KEY,
};
use genesys_cloud_arrow::arrow_schema::{DataType, Field, TimeUnit};
use genesys_cloud_arrow::{Integers, Names, RecordSchema, SchemaError, SchemaOptions};
use genesys_cloud_catalogue::{Catalogue, Schema};

use crate::columns::{Column, ColumnKind, Columns};

impl Columns {
    /// Returns a column for each field of the records, with nested types for Parquet: all fields, or those at the paths.
    /// A path may enter lists, as in `participants.sessions.sessionId`. `before` and `after` are fields that the export adds to
    /// each record. Those in `after` follow the selected fields, unless they are selected.
    ///
    /// All integers have 64 bits: counters and durations of the service may outgrow the type in its document.
    ///
    /// # Errors
    /// If a field is unknown or repeated, or a path enters a value that has no fields.
    pub fn typed(
        fields: &[String],
        (before, after): (&[Column], &[Column]),
        item: Option<&Schema>,
        names: Names,
    ) -> Result<Self, SchemaError> {
        let options = SchemaOptions::new().names(names).integers(Integers::Long);
        let records = RecordSchema::of_records(Catalogue::embedded(), item, &options);
        let flat = match fields {
            [] => Self::of(item).after(before),
            // The schema checks the names.
            fields => {
                Self::chosen_with(fields, &[before, after].concat(), None, true).unwrap_or_default()
            }
        };
        let flat = flat.followed_by(after);
        if !records.is_object() {
            return Ok(flat);
        }
        let schema = records.prepend(before.iter().map(field))?.append(after.iter().map(field))?;
        let schema = match fields {
            [] => schema,
            fields => {
                let rest = after.iter().map(|column| &column.path);
                let rest = rest.filter(|path| !fields.contains(path));
                schema.project(fields.iter().chain(rest))?
            }
        };
        Ok(flat.with_types(schema))
    }
}

/// Returns a column as a field of a schema.
pub(crate) fn field(column: &Column) -> Field {
    let data_type = match column.kind {
        ColumnKind::Text | ColumnKind::Json | ColumnKind::JsonText => DataType::Utf8,
        ColumnKind::Integer => DataType::Int64,
        ColumnKind::Number => DataType::Float64,
        ColumnKind::Boolean => DataType::Boolean,
        ColumnKind::DateTime => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        ColumnKind::Date => DataType::Date32,
    };
    let field = Field::new(&column.path, data_type, true);
    match column.kind {
        ColumnKind::Json | ColumnKind::JsonText => field.with_metadata(HashMap::from([
            (EXTENSION_TYPE_NAME_KEY.to_owned(), "arrow.json".to_owned()),
            (EXTENSION_TYPE_METADATA_KEY.to_owned(), String::new()),
        ])),
        _ => field,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(fields: &[&str], added: &[Column]) -> Result<Columns, SchemaError> {
        let fields: Vec<String> = fields.iter().map(|field| (*field).to_owned()).collect();
        let item = Catalogue::embedded().definition("Queue");
        Columns::typed(&fields, (added, &[]), item, Names::Api)
    }

    fn names(columns: &Columns) -> Vec<String> {
        let schema = columns.types().expect("types").arrow();
        schema.fields().iter().map(|field| field.name().clone()).collect()
    }

    #[test]
    fn added_fields_come_first_or_where_they_are_selected() {
        let added = [Column { path: "userId".to_owned(), kind: ColumnKind::Text }];
        let columns = typed(&[], &added).expect("columns");
        assert_eq!(names(&columns)[..2], ["userId", "id"]);
        assert_eq!(columns.all()[0], added[0]);
        assert!(!columns.are_chosen());
        let columns = typed(&["division.name", "userId"], &added).expect("columns");
        assert_eq!(names(&columns), ["division", "userId"]);
        assert_eq!(columns.all()[1].path, "userId");
        assert!(columns.are_chosen());
    }

    #[test]
    fn fields_of_the_export_come_last_or_where_they_are_selected() {
        let after = [("_run_id", ColumnKind::Text), ("_raw", ColumnKind::JsonText)];
        let after = after.map(|(path, kind)| Column { path: path.to_owned(), kind });
        let typed = |fields: &[&str]| {
            let fields: Vec<String> = fields.iter().map(|field| (*field).to_owned()).collect();
            let item = Catalogue::embedded().definition("Queue");
            let columns = Columns::typed(&fields, (&[], &after), item, Names::Api);
            names(&columns.expect("columns"))
        };
        assert!(typed(&[]).ends_with(&["_run_id".to_owned(), "_raw".to_owned()]));
        assert_eq!(typed(&["id", "name"]), ["id", "name", "_run_id", "_raw"]);
        assert_eq!(typed(&["_raw", "id"]), ["_raw", "id", "_run_id"]);
    }

    #[test]
    fn a_path_may_enter_lists() {
        let columns = typed(&["routingRules.threshold"], &[]).expect("columns");
        let schema = columns.types().expect("types");
        assert_eq!((names(&columns).len(), schema.columns()), (1, 1));
        for (fields, text) in [
            (&["naem"][..], "records have no field `naem`"),
            (&["id", "id"], "`id` is given twice"),
            (&["id.x"], "`id` has no fields of its own; select the whole value"),
            (&[""], "empty field name"),
        ] {
            assert_eq!(typed(fields, &[]).expect_err("refused").to_string(), text);
        }
    }

    #[test]
    fn records_that_the_document_does_not_describe_have_no_types() {
        let columns = Columns::typed(&[], (&[], &[]), None, Names::Api).expect("columns");
        assert!(columns.types().is_none() && columns.all().is_empty());
        let fields = ["a.b".to_owned()];
        let columns = Columns::typed(&fields, (&[], &[]), None, Names::Api).expect("columns");
        assert!(columns.types().is_none() && columns.all()[0].kind == ColumnKind::Json);
    }
}
