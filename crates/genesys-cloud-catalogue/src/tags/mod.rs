//! What the API document alone does not say of an operation: how it lists, pages or runs as a job.
//!
//! `cargo xtask codegen` decides the tags by rules and writes them with these types; whoever runs
//! operations by name reads them with the same types. They are plain data and exhaustive on purpose:
//! a reader that ignored a new scheme or a new kind of result would read a list incompletely, so that
//! a new field or variant is a breaking change.

mod job;
mod list;
mod parent;

use serde::{Deserialize, Serialize};

pub use job::{
    Availability, Completion, JobFamily, JobId, JobOperation, JobResults, JobState, ResultLocation,
    Role,
};
pub use list::{
    Cap, Interval, ListTag, NextToken, PageReply, PageSize, ParamLocation, Place, Scheme, TokenForm,
};
pub use parent::{Parent, ParentList};

/// The tag of one operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tag {
    /// What kind of call it is.
    pub kind: TagKind,
    /// Whether a POST only reads, so that it can be sent again without harm.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reads: bool,
    /// How its reply lists, if it does.
    #[serde(flatten)]
    pub list: ListTag,
    /// The field of the reply with the date up to which the data is available.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available: Option<String>,
    /// The operation that reports this date before the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability: Option<String>,
    /// The parameter that takes a time range which can be split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
    /// For each path parameter of a list, the list that has its values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<Parent>,
    /// The family of jobs that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    /// What it does in that family.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
}

/// What kind of call an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TagKind {
    /// One entity, or an action.
    Single,
    /// A list in one reply.
    List,
    /// A list in pages.
    Paged,
    /// The submit of a job.
    Job,
    /// Work that is accepted, without a way to ask for its state.
    Accepted,
}

impl Tag {
    /// The tag of an operation that returns one entity.
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

    /// Whether the reply is a list, or a page of one.
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
