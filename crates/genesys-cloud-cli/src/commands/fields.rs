//! Fields and types of the API document, as text.

use std::io::Write;

use genesys_cloud_catalogue::{Catalogue, Kind, Schema};
use genesys_cloud_sinks::properties;

use crate::failure::Failure;

/// Writes the fields of a type, one per line.
pub(super) fn fields(out: &mut dyn Write, schema: &Schema) -> Result<(), Failure> {
    let known = properties(schema);
    if known.is_empty() {
        writeln!(out, "  {}", word(schema))?;
        return Ok(());
    }
    let required = &Catalogue::embedded().resolve(schema).required;
    let width = known.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, schema) in known {
        let mark = if required.contains(name) { "; required" } else { "" };
        writeln!(out, "  {name:width$}  {}{mark}", word(schema))?;
    }
    Ok(())
}

/// Describes a type.
pub(super) fn word(schema: &Schema) -> String {
    let resolved = Catalogue::embedded().resolve(schema);
    let name = schema.reference.as_deref();
    let format = resolved.format.as_deref();
    match resolved.kind {
        Some(Kind::Array) => {
            let items = resolved.items.as_deref().map(word).unwrap_or_default();
            format!("list of {items}")
        }
        Some(Kind::String) if !resolved.values.is_empty() => {
            let values: Vec<&str> = resolved.values.iter().filter_map(|it| it.as_str()).collect();
            format!("one of {}", values.join(", "))
        }
        Some(Kind::String) => format.unwrap_or("text").to_owned(),
        Some(Kind::Integer) => "integer".to_owned(),
        Some(Kind::Number) => "number".to_owned(),
        Some(Kind::Boolean) => "true or false".to_owned(),
        Some(Kind::File) => "file".to_owned(),
        _ => match (name, resolved.additional_properties.as_deref()) {
            (_, Some(values)) => format!("map of {}", word(values)),
            (Some(name), _) if !resolved.properties.is_empty() => name.to_owned(),
            _ => "JSON".to_owned(),
        },
    }
}
