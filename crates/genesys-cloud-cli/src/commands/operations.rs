//! The command `operations`.

use std::io::Write as _;

use genesys_cloud_catalogue::Catalogue;
use genesys_cloud_core::specs::{self, OperationKind};

use super::description;
use crate::failure::{Exit, Failure};
use crate::resolve;

/// Lists operations, as text or as one JSON object per line.
pub(crate) fn operations(
    search: Option<&str>,
    exportable: bool,
    is_json: bool,
) -> Result<Exit, Failure> {
    let catalogue = Catalogue::embedded();
    let mut rows = Vec::new();
    for entry in resolve::search(catalogue, search.unwrap_or_default()) {
        let kind = specs::kind(catalogue, entry);
        let kind = kind.map_err(|error| Failure::usage(error.to_string()))?;
        if exportable && matches!(kind, OperationKind::Single | OperationKind::Accepted) {
            continue;
        }
        rows.push((resolve::rust_name(entry), kind, entry));
    }
    if rows.is_empty() {
        return Err(Failure::usage(format!(
            "no operation matches {:?}",
            search.unwrap_or_default()
        )));
    }
    rows.sort_by(|(one, _, a), (other, _, b)| (one, &a.method).cmp(&(other, &b.method)));
    let width = rows.iter().map(|(name, ..)| name.len()).max().unwrap_or(0).min(60);
    let mut out = std::io::stdout().lock();
    for (name, kind, entry) in rows {
        match is_json {
            true => writeln!(out, "{}", description::summary(entry, &kind))?,
            false => {
                let (word, method) = (description::kind_word(&kind), &entry.method);
                writeln!(out, "{name:width$}  {word:4}  {method} {}", entry.path)?;
            }
        }
    }
    Ok(Exit::Complete)
}
