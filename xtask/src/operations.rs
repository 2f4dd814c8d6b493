//! `cargo xtask operations`: what codegen knows of each operation.

use std::io::{self, Write};

use anyhow::Result;

use crate::emit;
use crate::model::Model;

const COLUMNS: [&str; 12] = [
    "method",
    "path",
    "operation_id",
    "group",
    "rust",
    "tag",
    "scheme",
    "items",
    "item_type",
    "page_size",
    "page_size_max",
    "family",
];

/// One line per operation, columns separated by tabs, after a header line; `-` where there is nothing
/// to say.
pub fn tsv(model: &Model, out: &mut impl Write) -> Result<()> {
    writeln!(out, "{}", COLUMNS.join("\t"))?;
    let mut rows: Vec<_> = model.operations().collect();
    rows.sort_by(|(_, a), (_, b)| {
        (&a.operation.path, a.operation.method).cmp(&(&b.operation.path, b.operation.method))
    });
    for (group, bound) in rows {
        let size = bound.tag.page_size.as_ref();
        let columns = [
            Some(bound.operation.method.as_str().to_owned()),
            Some(bound.operation.path.clone()),
            Some(bound.operation.id.clone()),
            Some(group.name.clone()),
            Some(format!("{}.{}", group.name, bound.method)),
            Some(bound.tag.kind.as_str().to_owned()),
            bound.tag.scheme.map(|scheme| scheme.name()),
            bound.tag.items.clone(),
            bound.item_type.as_ref().map(|kind| emit::rust(kind, "")),
            size.map(|size| {
                format!("{} {}", size.name, if size.text { "string" } else { "integer" })
            }),
            size.and_then(|size| size.maximum).map(|maximum| maximum.to_string()),
            None,
        ];
        let columns: Vec<String> =
            columns.into_iter().map(|column| column.unwrap_or_else(|| "-".to_owned())).collect();
        writeln!(out, "{}", columns.join("\t"))?;
    }
    Ok(())
}

/// Whether an error is that the reader has gone, as in `| head`.
pub fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
