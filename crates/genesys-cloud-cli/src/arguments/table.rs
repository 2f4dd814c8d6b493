//! The options of a database table, and of the fields that an export adds.

use clap::{Args, ValueEnum};

/// Options of a table of a database.
#[derive(Debug, Args)]
#[command(next_help_heading = "PostgreSQL")]
pub(crate) struct TableOptions {
    /// Table to write to, as name or schema.name; by default, named after the operation, such as routing_queues.
    #[arg(long, value_name = "TABLE", requires = "out")]
    pub(crate) table: Option<String>,
    /// Create the table if it does not exist, with columns from the API document.
    #[arg(long, requires = "out")]
    pub(crate) create_table: bool,
    /// Add columns to an existing table for fields that have none.
    ///
    /// They are added in the transaction that moves the records, and are null in other rows. No column is changed or
    /// dropped.
    #[arg(long, requires = "out")]
    pub(crate) add_columns: bool,
    /// Update rows that have the same values in these fields, such as queueId,id.
    ///
    /// By default, the fields that --for-each adds, and id. Without --upsert, records are inserted as new rows.
    #[arg(
        long,
        value_name = "FIELD,..",
        num_args = 0..=1,
        value_delimiter = ',',
        default_missing_value = "",
        requires = "out"
    )]
    pub(crate) upsert: Option<Vec<String>>,
}

/// A field that an export adds to each record, in the order of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum ExportField {
    /// Start of the export in UTC, the same on resume.
    #[value(name = "_loaded_at")]
    LoadedAt,
    /// ID of the export, the same on resume.
    #[value(name = "_run_id")]
    RunId,
    /// Operation, such as getRoutingQueues.
    #[value(name = "_source")]
    Source,
    /// The record as the API sent it, as JSON.
    #[value(name = "_raw")]
    Raw,
}

impl ExportField {
    /// Returns the name of the field.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::LoadedAt => "_loaded_at",
            Self::RunId => "_run_id",
            Self::Source => "_source",
            Self::Raw => "_raw",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_selected_by_its_name() {
        for field in ExportField::value_variants() {
            assert_eq!(ExportField::from_str(field.name(), false), Ok(*field));
        }
    }
}
