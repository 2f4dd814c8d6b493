//! Tags operations: a single entity, a list, a paged list with its scheme, or a job.
//!
//! The rules look only at parameters and schemas, and are one ordered table (`rules.rs`). What they cannot infer is in
//! `openapi/operations.toml`.

mod evidence;
mod page_size;
mod parents;
mod reply;
mod rules;
mod scheme;

use std::ops::{Deref, DerefMut};

use anyhow::{Result, bail};
pub use genesys_cloud_catalogue::tags::{
    Cap, Interval, ListTag, NextToken, PageResponse, PageSize, ParamLocation, Parent, ParentList,
    Place, Scheme, Tag, TagKind,
};

use evidence::Evidence;
pub use evidence::item_schema;
pub use page_size::{size_limits, size_type, usually};
pub use parents::{Decider, Parents};
pub use reply::page_reply;
pub use scheme::{usual_token_in, usual_token_out};

use crate::document::{Document, Method, Operation};

/// The tag of an operation, and its evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    pub tag: Tag,
    pub because: Because,
}

impl Deref for Decision {
    type Target = Tag;

    fn deref(&self) -> &Tag {
        &self.tag
    }
}

impl DerefMut for Decision {
    fn deref_mut(&mut self) -> &mut Tag {
        &mut self.tag
    }
}

/// The evidence for a tag.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Because {
    /// The rule that decided, or why none did.
    pub rule: &'static str,
    /// The relevant parameters and fields.
    pub evidence: Vec<String>,
    /// The changes by exceptions, with their reasons.
    pub exceptions: Vec<String>,
    /// For each path parameter, which rule found its parent.
    pub parents: Vec<&'static str>,
    /// Why a response that contains a list is not one.
    pub single: Option<&'static str>,
}

impl Decision {
    fn single(rule: &'static str) -> Self {
        Self { tag: Tag::single(), because: Because { rule, ..Because::default() } }
    }

    /// Replaces the scheme, as an exception states.
    pub fn with_scheme(mut self, scheme: Scheme) -> Self {
        self.tag.kind = scheme.kind();
        self.tag.list.scheme = Some(scheme);
        self.tag.list.token_in = usual_token_in(scheme);
        self.tag.list.token_out = usual_token_out(scheme);
        self
    }

    /// Replaces the tag by that of a single entity, with the same evidence.
    pub fn without_list(self) -> Self {
        Self { tag: Tag::single(), ..self }
    }

    /// Whether its response is a list or a page of one, even if it submits a job.
    pub fn lists(&self) -> bool {
        let is_list = |scheme: Scheme| scheme.kind() != TagKind::Job;
        let submits_list = self.kind == TagKind::Job
            && self.because.single.is_none()
            && self.list.scheme.is_some_and(is_list);
        self.is_list() || submits_list
    }
}

/// Returns what is known about an operation that no rule covers.
pub fn uncovered(document: &Document, operation: &Operation) -> Decision {
    let evidence = Evidence::of(document, operation);
    let list = ListTag {
        items: evidence.items.clone(),
        page_size: evidence.page_size(),
        ..ListTag::default()
    };
    Decision {
        tag: Tag { list, interval: evidence.interval(), ..Tag::single() },
        because: Because {
            rule: "none covers it",
            evidence: evidence.seen(),
            ..Because::default()
        },
    }
}

/// Finds the operation that reports how far the data of a submit or query is available: the GET at its path plus
/// `/availability`, whose response has the date and no list.
fn availability<'a>(document: &'a Document, operation: &Operation) -> Option<&'a Operation> {
    let path = Some(&operation.path).filter(|_| operation.method == Method::Post)?;
    let path = format!("{path}/availability");
    let mut operations = document.operations.iter();
    let found = operations.find(|it| it.method == Method::Get && it.path == path)?;
    let evidence = Evidence::of(document, found);
    (evidence.available().is_some() && evidence.items.is_none()).then_some(found)
}

/// Tags an operation by the rules alone. `reads`: an exception says that a POST is read-only.
pub fn tag(document: &Document, operation: &Operation, reads: bool) -> Result<Decision> {
    // Other methods may return a list of what they changed.
    if !matches!(operation.method, Method::Get | Method::Post) {
        return Ok(Decision::single("neither GET nor POST: it changes data"));
    }
    let evidence = Evidence::of(document, operation);
    let reads = operation.method == Method::Post && (reads || rules::reads(&evidence));
    let single = |rule| Decision {
        tag: Tag {
            reads,
            available: evidence.available(),
            availability: availability(document, operation).map(|it| it.id.clone()),
            interval: evidence.interval(),
            ..Tag::single()
        },
        because: Because { rule, evidence: evidence.seen(), ..Because::default() },
    };
    let Some((rule, scheme)) = rules::decide(&evidence) else {
        if let Some(parameter) = evidence.page_parameter() {
            bail!(
                "{}: no rule covers it: it takes `{parameter}`, but no known field of the response is a list; \
                 add [tags.{}] to openapi/operations.toml (scheme and items, or `single = true`), with a reason",
                operation.place(),
                operation.id,
            );
        }
        return Ok(single("no list in the response"));
    };
    let mut decision = single(rule).with_scheme(scheme);
    let Decision { tag, because } = &mut decision;
    tag.list.items.clone_from(&evidence.items);
    tag.list.page_size = evidence.page_size();
    if let Some(stated) = rules::token_places(scheme, &evidence) {
        (tag.list.token_in, tag.list.token_out) = stated;
    }
    if !tag.is_list() {
        return Ok(decision);
    }
    if tag.list.items.is_none() {
        bail!(
            "{}: paged by {rule}, but no known field of the response is a list; \
             add [tags.{}] to openapi/operations.toml (scheme and items, or `single = true`), with a reason",
            operation.place(),
            operation.id,
        );
    }
    let single = rules::not_a_list(&evidence, scheme, reads);
    if single.is_some() {
        tag.kind = TagKind::Single;
        because.single = single;
    }
    tag.list.jobs = rules::jobs(document, operation);
    Ok(decision)
}
