//! Classifies and describes errors of the database and the connection.

use std::io::ErrorKind;

use tokio_postgres::Error;
use tokio_postgres::error::{DbError, Severity, SqlState};

use crate::error::SinkError;

/// Creates an error, transient or not by its SQL state.
pub(super) fn of(code: &SqlState, text: String) -> SinkError {
    match is_transient(code) {
        true => SinkError::unavailable(text),
        false => SinkError::new(text),
    }
}

/// Returns whether the same statement may succeed later: the database starts or stops, is out of connections or memory,
/// has chosen this transaction as a deadlock victim, or there is a lock. A full disk is not transient.
fn is_transient(code: &SqlState) -> bool {
    let of_class = |class: &str| code.code().starts_with(class);
    ["08", "40", "57P", "58"].into_iter().any(of_class)
        || of_class("53") && *code != SqlState::DISK_FULL
        || *code == SqlState::LOCK_NOT_AVAILABLE
}

/// Describes why a connection failed.
pub(super) fn refused(error: &Error, place: &str, user: &str) -> SinkError {
    let Some(found) = error.as_db_error() else {
        let why = cause(error);
        if why.contains("password missing") {
            let text = format!("{place} requires a password for user {user}; set PGPASSWORD");
            return SinkError::new(text);
        }
        let text = format!("can't connect to {place}: {why}");
        return match of_system(error) {
            // A certificate error is an I/O error, too.
            Some(error) if error.kind() != ErrorKind::InvalidData => SinkError::unavailable(text),
            _ => SinkError::new(text),
        };
    };
    let code = found.code();
    let text = if *code == SqlState::INVALID_PASSWORD {
        format!("{place} does not accept the password of user {user}; set it in PGPASSWORD")
    } else if *code == SqlState::INVALID_CATALOG_NAME {
        format!("{place} does not exist: {}", found.message())
    } else {
        format!("{place} refuses the connection: {}", describe(found))
    };
    of(code, text)
}

/// Returns the underlying I/O error, if any.
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

/// Returns whether the database encoding does not have a character.
pub(super) fn is_untranslatable(error: &Error) -> bool {
    let codes = [SqlState::UNTRANSLATABLE_CHARACTER, SqlState::CHARACTER_NOT_IN_REPERTOIRE];
    error.code().is_some_and(|code| codes.contains(code))
}

/// Returns whether this error ends the connection.
pub(super) fn is_end(error: &Error) -> bool {
    match error.as_db_error() {
        None => std::error::Error::source(error).is_some_and(|it| it.is::<std::io::Error>()),
        // 57P: operator intervention.
        Some(error) => {
            matches!(error.parsed_severity(), Some(Severity::Fatal | Severity::Panic))
                || error.code().code().starts_with("57P")
        }
    }
}

/// Describes an error of the database.
pub(super) fn describe(error: &DbError) -> String {
    let mut text = format!("{} ({})", error.message(), error.code().code());
    for more in [error.detail(), error.hint()].into_iter().flatten() {
        // A detail may contain the whole row.
        text += "; ";
        text.extend(more.chars().take(300));
    }
    text
}

/// Returns the innermost cause.
pub(super) fn cause(error: &Error) -> String {
    let mut found: &dyn std::error::Error = error;
    while let Some(inner) = found.source() {
        found = inner;
    }
    found.to_string()
}
