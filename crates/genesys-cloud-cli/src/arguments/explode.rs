//! The options of child tables.

use clap::Args;

use crate::values;

/// Options of child tables, made of nested lists.
#[derive(Debug, Args)]
#[command(next_help_heading = "Child tables")]
pub(crate) struct ExplodeOptions {
    /// Write the elements of nested lists to child tables, such as participants.sessions.segments; repeatable.
    ///
    /// Each list on the path becomes a table, in a file beside the output (c.participants.jsonl for c.jsonl) or in the
    /// database (c_participants). Its rows have the key of the record, and for each list the ID and the position of
    /// the element. The list is left out of its parent.
    #[arg(long, requires = "out", value_name = "PATH", value_parser = values::list_path)]
    pub(crate) explode: Vec<String>,
    /// Fields of the record that its rows in child tables get as a key, such as id.
    ///
    /// Separate fields with commas. By default, those of --upsert, or the fields that --for-each adds and the ID.
    #[arg(
        long,
        requires = "explode",
        conflicts_with = "upsert",
        value_delimiter = ',',
        value_name = "FIELD,..",
        value_parser = values::field
    )]
    pub(crate) explode_key: Vec<String>,
}
