//! Types of the API document.

use std::io::Write;

use genesys_cloud_catalogue::{Catalogue, Operation, Schema};

use super::fields::{fields, word};
use crate::failure::Failure;
use crate::resolve::{self, nearest, quoted};

/// What a name stands for.
pub(super) enum Subject {
    Operation(&'static Operation),
    /// A type, with its name in the document.
    Type(&'static str, &'static Schema),
}

/// Finds an operation or a type by name. Of the same name in lower case, the operation is found.
pub(super) fn subject(name: &str) -> Result<Subject, Failure> {
    let failure = match resolve::operation(name) {
        Ok(entry) => return Ok(Subject::Operation(entry)),
        Err(failure) => failure,
    };
    let catalogue = Catalogue::embedded();
    let name = name.trim();
    let names = || catalogue.definition_names();
    let found = names()
        .find(|known| *known == name)
        .or_else(|| names().find(|known| known.eq_ignore_ascii_case(name)));
    if let Some((known, schema)) = found.and_then(|it| Some((it, catalogue.definition(it)?))) {
        return Ok(Subject::Type(known, schema));
    }
    let near = nearest(name, names().map(str::to_owned), 3);
    Err(match near.is_empty() {
        true => failure,
        false => failure.advise(format!("did you mean the type {}?", quoted(&near))),
    })
}

/// Writes a type and its fields.
pub(super) fn write(out: &mut dyn Write, name: &str, schema: &Schema) -> Result<(), Failure> {
    writeln!(out, "{name}")?;
    if let Some(text) = &schema.description {
        writeln!(out, "{text}")?;
    }
    if schema.properties.is_empty() {
        return writeln!(out, "\n{}", word(schema)).map_err(Failure::from);
    }
    writeln!(out, "\nFields")?;
    fields(out, schema)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_types_and_suggests_similar_ones() {
        for name in ["Queue", "queue", " QUEUE "] {
            assert!(matches!(subject(name), Ok(Subject::Type("Queue", _))), "{name}");
        }
        assert!(matches!(subject("routing.queues"), Ok(Subject::Operation(_))));
        let Err(failure) = subject("QueueRequst") else { panic!("no such type") };
        let advice = failure.advice().join("\n");
        assert!(advice.contains("`QueueRequest`"), "{advice}");
    }

    #[test]
    fn describes_every_type() {
        let catalogue = Catalogue::embedded();
        for name in catalogue.definition_names() {
            let schema = catalogue.definition(name).expect(name);
            let mut text = Vec::new();
            write(&mut text, name, schema).expect(name);
            let text = String::from_utf8(text).expect("text");
            assert!(text.lines().count() > schema.properties.len(), "{text}");
        }
    }
}
