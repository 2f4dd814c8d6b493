//! A place in a tree, from which it can be resumed.

mod form;

use crate::paging::ListPoint;
use crate::saved_job::SavedJob;
use crate::windows::RangePoint;

use super::reader::key;
use super::report::NestedReport;

pub(crate) use form::TreeForm;

/// A place in a tree, between two of its items.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TreePoint {
    /// The place before the first parent whose list had not ended.
    pub(super) parents: ParentsPoint,
    /// The lists that had been opened, from that parent on.
    pub(super) lists: Vec<OpenPoint>,
    /// Counts of the lists that had ended, without the outer list.
    pub(super) report: NestedReport,
}

/// A place in the list of parents.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ParentsPoint {
    List(Box<ListPoint>),
    Range(Box<RangePoint>),
    Tree(Box<TreePoint>),
    /// How many of the caller's parents had been taken.
    Given(u64),
}

/// The list of one parent.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum OpenPoint {
    /// It had ended before that of an earlier parent. Holds the fingerprint of its request.
    Done(u64),
    At(Box<ListPoint>),
}

impl TreePoint {
    /// Returns the operationId of the lists, or of the outer list if none has been opened.
    pub(crate) fn operation(&self) -> &str {
        let lists = self.lists.iter().find_map(|list| match list {
            OpenPoint::At(point) => Some(point.subject.operation.as_str()),
            OpenPoint::Done(_) => None,
        });
        lists.unwrap_or_else(|| self.parents.operation())
    }

    pub(crate) fn items(&self) -> u64 {
        let lists = self.lists.iter().map(|list| match list {
            OpenPoint::At(point) => point.delivered(),
            OpenPoint::Done(_) => 0,
        });
        self.report.items + lists.sum::<u64>()
    }

    pub(crate) const fn has_ended(&self) -> bool {
        self.report.ended
    }

    /// The jobs of parents and lists that are still needed.
    pub(crate) fn jobs(&self) -> Vec<&SavedJob> {
        let lists = self.lists.iter().filter_map(|list| match list {
            OpenPoint::At(point) => point.job.as_ref(),
            OpenPoint::Done(_) => None,
        });
        self.parents.jobs().into_iter().chain(lists).collect()
    }
}

impl OpenPoint {
    /// The fingerprint of the request.
    pub(super) fn key(&self) -> u64 {
        match self {
            Self::Done(key) => *key,
            Self::At(point) => key(&point.subject),
        }
    }
}

impl ParentsPoint {
    fn operation(&self) -> &str {
        match self {
            Self::List(point) => &point.subject.operation,
            Self::Range(point) => point.operation(),
            Self::Tree(point) => point.operation(),
            Self::Given(_) => "",
        }
    }

    fn jobs(&self) -> Vec<&SavedJob> {
        match self {
            Self::List(point) => point.job.iter().collect(),
            Self::Range(point) => point.jobs().collect(),
            Self::Tree(point) => point.jobs(),
            Self::Given(_) => Vec::new(),
        }
    }
}
