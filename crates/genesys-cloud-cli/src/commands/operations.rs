//! The command `operations`.

use std::io::Write as _;

use genesys_cloud_catalogue::Catalogue;
use genesys_cloud_core::specs::{self, OperationKind};

use crate::failure::{Exit, Failure};
use crate::resolve;

pub(crate) fn operations(search: Option<&str>, exportable: bool) -> Result<Exit, Failure> {
    let catalogue = Catalogue::embedded();
    let mut rows = Vec::new();
    for entry in resolve::search(catalogue, search.unwrap_or_default()) {
        let kind = specs::kind(catalogue, entry);
        let kind = match kind.map_err(|error| Failure::usage(error.to_string()))? {
            OperationKind::List(_) => "list",
            OperationKind::Job(_) => "job",
            OperationKind::Single | OperationKind::Accepted if exportable => continue,
            OperationKind::Single | OperationKind::Accepted => "call",
        };
        rows.push((resolve::rust_name(entry), kind, format!("{} {}", entry.method, entry.path)));
    }
    if rows.is_empty() {
        return Err(Failure::usage(format!(
            "no operation matches {:?}",
            search.unwrap_or_default()
        )));
    }
    rows.sort();
    let width = rows.iter().map(|(name, ..)| name.len()).max().unwrap_or(0).min(60);
    let mut out = std::io::stdout().lock();
    for (name, kind, path) in rows {
        writeln!(out, "{name:width$}  {kind:4}  {path}")?;
    }
    Ok(Exit::Complete)
}
