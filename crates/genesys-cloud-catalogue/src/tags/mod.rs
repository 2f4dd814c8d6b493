//! Tags: how an operation lists, pages or runs as a job, which the API document alone does not state.
//!
//! `cargo xtask codegen` infers the tags by rules and writes them with these types; tools that run operations by name
//! read them with the same types. They are plain data, and exhaustive on purpose: a reader that ignored a new scheme or
//! kind of result would read a list incompletely. A new field or variant is therefore a breaking change.

mod job;
mod list;
mod parent;

use serde::{Deserialize, Serialize};

pub use job::{
    Availability, Completion, JobFamily, JobId, JobOperation, JobResults, JobState, ResultLocation,
    Role,
};
pub use list::{
    Cap, Interval, ListTag, NextToken, PageResponse, PageSize, ParamLocation, Place, Scheme,
    TokenForm,
};
pub use parent::{Parent, ParentList};

/// The tag of one operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tag {
    /// The kind of call.
    pub kind: TagKind,
    /// Whether a POST is read-only and can be repeated.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reads: bool,
    /// How it lists, if it does.
    #[serde(flatten)]
    pub list: ListTag,
    /// The field of the response with the date up to which the data is available.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available: Option<String>,
    /// The operation that reports this date before the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability: Option<String>,
    /// The parameter that takes a time range, which can be split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
    /// For each path parameter of a list, the list that has its values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<Parent>,
    /// Its job family.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    /// Its role in the family.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
}

/// A kind of call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TagKind {
    /// A single entity, or an action.
    Single,
    /// A list in one response.
    List,
    /// A paged list.
    Paged,
    /// The submit of a job.
    Job,
    /// Accepted work without a status to poll.
    Accepted,
}

impl Tag {
    /// Returns the tag of an operation that returns a single entity.
    pub fn single() -> Self {
        Self {
            kind: TagKind::Single,
            reads: false,
            list: ListTag::default(),
            available: None,
            availability: None,
            interval: None,
            parents: Vec::new(),
            family: None,
            role: None,
        }
    }

    /// Whether the response is a list, or a page of one.
    pub fn is_list(&self) -> bool {
        matches!(self.kind, TagKind::List | TagKind::Paged)
    }
}

impl TagKind {
    /// The name in the catalogue.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::List => "list",
            Self::Paged => "paged",
            Self::Job => "job",
            Self::Accepted => "accepted",
        }
    }
}
