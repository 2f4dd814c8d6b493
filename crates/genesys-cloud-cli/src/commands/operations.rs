//! Lists operations.

use std::io::Write as _;

use genesys_cloud_catalogue::Catalogue;

use crate::failure::{Exit, Failure};
use crate::resolve;
use crate::tags::{self, Way};

pub(crate) fn operations(search: Option<&str>, exportable: bool) -> Result<Exit, Failure> {
    let catalogue = Catalogue::embedded();
    let mut rows = Vec::new();
    for entry in resolve::search(catalogue, search.unwrap_or_default()) {
        let way = tags::way(catalogue, entry);
        let kind = match way.map_err(|error| Failure::usage(error.to_string()))? {
            Way::List(_) => "list",
            Way::Job(_) => "job",
            Way::Single | Way::Accepted if exportable => continue,
            Way::Single | Way::Accepted => "call",
        };
        rows.push((resolve::rust_name(entry), kind, format!("{} {}", entry.method, entry.path)));
    }
    if rows.is_empty() {
        return Err(Failure::usage(format!(
            "no operation has the words {:?} in a name or the path",
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
