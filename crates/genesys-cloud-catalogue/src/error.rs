use std::fmt;

/// An error in the text of a catalogue.
#[derive(Debug)]
pub struct Error {
    place: Place,
    cause: Cause,
}

/// The place of the error.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    Operations { line: usize },
    Definitions { line: usize },
    Families { line: usize },
    Tag { operation: String },
}

#[derive(Debug)]
enum Cause {
    Json(serde_json::Error),
    Duplicate(String),
}

impl Error {
    pub(crate) fn json(place: Place, source: serde_json::Error) -> Self {
        Self { place, cause: Cause::Json(source) }
    }

    pub(crate) fn duplicate(place: Place, name: &str) -> Self {
        Self { place, cause: Cause::Duplicate(name.to_owned()) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Operations { line } => write!(f, "operations, line {line}: ")?,
            Place::Definitions { line } => write!(f, "definitions, line {line}: ")?,
            Place::Families { line } => write!(f, "families, line {line}: ")?,
            Place::Tag { operation } => write!(f, "tag of {operation}: ")?,
        }
        match &self.cause {
            Cause::Json(_) => f.write_str("invalid catalogue entry"),
            Cause::Duplicate(name) => write!(f, "duplicate name {name}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.cause {
            Cause::Json(source) => Some(source),
            Cause::Duplicate(_) => None,
        }
    }
}
