//! What kind of call an operation is: a single entity, a list, a list in pages and of which scheme, or a
//! job.
//!
//! The rules read parameters and schemas only, and stand in one ordered table (`rules.rs`). What they
//! can't tell stands in `openapi/operations.toml`.

mod evidence;
mod page_size;
mod parents;
mod reply;
mod rules;
mod scheme;

use std::ops::{Deref, DerefMut};

use anyhow::{Result, bail};
pub use genesys_cloud_catalogue::tags::{
    Cap, Interval, ListTag, NextToken, PageReply, PageSize, ParamLocation, Parent, ParentList, Place, Scheme,
    Tag, TagKind,
};

use evidence::Evidence;
pub use evidence::item_schema;
pub use parents::{Decider, Parents};
pub use page_size::{size_limits, size_type, usually};
pub use reply::page_reply;
pub use scheme::{usual_token_in, usual_token_out};

use crate::document::{Document, Method, Operation};

/// The tag of one operation, and what it rests on.
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

/// What a tag rests on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Because {
    /// The rule that decided; empty if none did.
    pub rule: &'static str,
    /// What the rules look at and found here.
    pub evidence: Vec<String>,
    /// What the exceptions changed, and their reasons.
    pub exceptions: Vec<String>,
    /// For each path parameter, which rule found its parent.
    pub parents: Vec<&'static str>,
    /// Why a reply with a list in it is no list.
    pub single: Option<&'static str>,
}

impl Decision {
    fn single(rule: &'static str) -> Self {
        Self { tag: Tag::single(), because: Because { rule, ..Because::default() } }
    }

    /// The same with another scheme, as an exception states it.
    pub fn with_scheme(mut self, scheme: Scheme) -> Self {
        self.tag.kind = scheme.kind();
        self.tag.list.scheme = Some(scheme);
        self.tag.list.token_in = usual_token_in(scheme);
        self.tag.list.token_out = usual_token_out(scheme);
        self
    }

    /// The tag of what is no list, for the same reasons.
    pub fn without_list(self) -> Self {
        Self { tag: Tag::single(), ..self }
    }

    /// Whether its reply is a list or a page of one, also where it submits a job.
    pub fn lists(&self) -> bool {
        let is_list = |scheme: Scheme| scheme.kind() != TagKind::Job;
        let submits_list = self.kind == TagKind::Job
            && self.because.single.is_none()
            && self.list.scheme.is_some_and(is_list);
        self.is_list() || submits_list
    }
}

/// What is known of an operation that no rule covers.
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

/// The operation that reports how far the data is available that a submit or a query asks for: the GET at its path
/// plus `/availability`, whose reply has the date and no list.
fn availability<'a>(document: &'a Document, operation: &Operation) -> Option<&'a Operation> {
    let path = Some(&operation.path).filter(|_| operation.method == Method::Post)?;
    let path = format!("{path}/availability");
    let mut operations = document.operations.iter();
    let found = operations.find(|it| it.method == Method::Get && it.path == path)?;
    let evidence = Evidence::of(document, found);
    (evidence.available().is_some() && evidence.items.is_none()).then_some(found)
}

/// The tag of an operation by the rules alone. `reads`: whether a POST is known to read only, although
/// its path does not say so.
pub fn tag(document: &Document, operation: &Operation, reads: bool) -> Result<Decision> {
    // Other methods may return the envelope of a list, as an echo of what they changed.
    if !matches!(operation.method, Method::Get | Method::Post) {
        return Ok(Decision::single("it changes things: neither GET nor POST"));
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
                "{}: no rule covers it: it takes `{parameter}`, but the reply has no list that is known; \
                 say in openapi/operations.toml under [tags.{}] what it is (scheme and items, or `single = true`), with the reason",
                operation.place(),
                operation.id,
            );
        }
        return Ok(single("no list in the reply"));
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
            "{}: paged by {rule}, but the reply has no list that is known; \
             say in openapi/operations.toml under [tags.{}] what it is (scheme and items, or `single = true`), with the reason",
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
