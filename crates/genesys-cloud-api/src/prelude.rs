//! Names that generated code uses. Which of them are used depends on the enabled groups.

#![allow(dead_code, unused_imports)]

pub(crate) use genesys_cloud_core::{
    Json, RawResponse, convert, group, job, job_family, open_enum, operation, paged, record,
    replies, variants,
};

pub(crate) use bytes::Bytes;

/// A point in time, in UTC.
pub(crate) type DateTime = chrono::DateTime<chrono::Utc>;

/// A calendar day.
pub(crate) type Date = chrono::NaiveDate;

/// A date and time without its time zone, which is in another field.
pub(crate) type LocalDateTime = chrono::NaiveDateTime;

/// A map with string keys.
pub(crate) type Map<T> = std::collections::BTreeMap<String, T>;
