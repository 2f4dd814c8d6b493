//! What the database, or the connection to it, says of an error.

use std::io::ErrorKind;

use tokio_postgres::Error;
use tokio_postgres::error::{DbError, Severity, SqlState};

use crate::error::SinkError;

/// An error of these words, which may pass where this code says so.
pub(super) fn of(code: &SqlState, text: String) -> SinkError {
    match may_pass(code) {
        true => SinkError::unavailable(text),
        false => SinkError::new(text),
    }
}

/// Whether the database may take the same later: it starts or stops, has no connection or memory left, has chosen
/// this transaction among several, or someone has a lock. A full disk needs a person.
fn may_pass(code: &SqlState) -> bool {
    let of_class = |class: &str| code.code().starts_with(class);
    ["08", "40", "57P", "58"].into_iter().any(of_class)
        || of_class("53") && *code != SqlState::DISK_FULL
        || *code == SqlState::LOCK_NOT_AVAILABLE
}

/// Why no connection came about.
pub(super) fn refused(error: &Error, place: &str, user: &str) -> SinkError {
    let Some(found) = error.as_db_error() else {
        let why = cause(error);
        if why.contains("password missing") {
            let text = format!("{place} asks for a password of user {user}: set PGPASSWORD");
            return SinkError::new(text);
        }
        let text = format!("can't connect to {place}: {why}");
        return match of_system(error) {
            // That of a certificate is in such an error as well.
            Some(error) if error.kind() != ErrorKind::InvalidData => SinkError::unavailable(text),
            _ => SinkError::new(text),
        };
    };
    let code = found.code();
    let text = if *code == SqlState::INVALID_PASSWORD {
        format!("{place} does not accept the password of user {user}; PGPASSWORD or the URL has it")
    } else if *code == SqlState::INVALID_CATALOG_NAME {
        format!("there is no {place}: {}", found.message())
    } else {
        format!("{place} refuses the connection: {}", words(found))
    };
    of(code, text)
}

/// The error of the system that is the reason, if it is one.
fn of_system(error: &Error) -> Option<&std::io::Error> {
    let mut found = std::error::Error::source(error);
    while let Some(inner) = found {
        if let Some(error) = inner.downcast_ref::<std::io::Error>() {
            return Some(error);
        }
        found = inner.source();
    }
    None
}

/// Whether a text has a character that the encoding of the database lacks.
pub(super) fn is_untranslatable(error: &Error) -> bool {
    let codes = [SqlState::UNTRANSLATABLE_CHARACTER, SqlState::CHARACTER_NOT_IN_REPERTOIRE];
    error.code().is_some_and(|code| codes.contains(code))
}

/// Whether a connection ends with this.
pub(super) fn is_end(error: &Error) -> bool {
    match error.as_db_error() {
        None => std::error::Error::source(error).is_some_and(|it| it.is::<std::io::Error>()),
        // 57P is for what an operator does to all connections.
        Some(error) => {
            matches!(error.parsed_severity(), Some(Severity::Fatal | Severity::Panic))
                || error.code().code().starts_with("57P")
        }
    }
}

/// What the database says of an error.
pub(super) fn words(error: &DbError) -> String {
    let mut text = format!("{} ({})", error.message(), error.code().code());
    for more in [error.detail(), error.hint()].into_iter().flatten() {
        // A detail may be the whole row.
        text += "; ";
        text.extend(more.chars().take(300));
    }
    text
}

/// The innermost reason.
pub(super) fn cause(error: &Error) -> String {
    let mut found: &dyn std::error::Error = error;
    while let Some(inner) = found.source() {
        found = inner;
    }
    found.to_string()
}
