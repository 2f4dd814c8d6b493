//! The options of a list that is read once for each of its parents.

use clap::{Args, ValueEnum};

use super::Unquoted;
use crate::locations::BodySource;
use crate::values;

/// Options of a list that is read once for each record of another list.
#[derive(Debug, Args)]
#[command(next_help_heading = "List of lists")]
pub(crate) struct TreeOptions {
    /// Export the list once for each record of this list, job or file, such as routing.queues or ids.csv.
    ///
    /// Each record gets the values of its parent as first fields, named after the parameters, such as queueId; if
    /// records have a field of that name, parentQueueId. Give the option twice for a list of lists of lists, the
    /// outermost first. A file is CSV with a header, or JSON lines.
    #[arg(long, value_name = "OPERATION|FILE")]
    pub(crate) for_each: Vec<String>,
    /// Parameter of the list of parents; repeatable.
    #[arg(long, requires = "for_each", value_name = "NAME=VALUE", value_parser = values::name_value)]
    pub(crate) for_each_param: Vec<(String, String)>,
    /// File with the request body of the list of parents as JSON; - for standard input.
    #[arg(long, requires = "for_each", value_name = "FILE", value_parser = Unquoted::<BodySource>::new())]
    pub(crate) for_each_body: Option<BodySource>,
    /// Field of the parent that sets a parameter, such as queueId=id or queueId=routing.queues.id; repeatable.
    ///
    /// By default, what `genesys-cloud describe` shows for the operation, or the column of a file with the name of the
    /// parameter.
    #[arg(long, requires = "for_each", value_name = "PARAMETER=FIELD", value_parser = values::name_value)]
    pub(crate) bind: Vec<(String, String)>,
    /// Action for a parent that no longer exists (404).
    #[arg(long, requires = "for_each", value_enum, value_name = "ACTION", default_value_t = OnParent::Skip)]
    pub(crate) on_missing_parent: OnParent,
    /// Action for a parent whose list is forbidden (403).
    #[arg(long, requires = "for_each", value_enum, value_name = "ACTION", default_value_t = OnParent::Fail)]
    pub(crate) on_forbidden_parent: OnParent,
}

/// What to do about a parent whose list the API refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnParent {
    /// Skip the parent, and name it in the report.
    Skip,
    /// Fail the export.
    Fail,
}
