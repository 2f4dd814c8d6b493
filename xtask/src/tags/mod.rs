//! What kind of call an operation is: a single entity, a list, a list in pages and of which scheme, or a
//! job.
//!
//! The rules read parameters and schemas only, and stand in one ordered table (`rules.rs`). What they
//! can't tell stands in `openapi/operations.toml`.

mod evidence;
mod reply;
mod rules;
mod scheme;

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

use evidence::Evidence;
pub use evidence::item_schema;
pub use reply::PageReply;
pub use scheme::{Place, PlaceKind, Scheme, TokenForm, TokenOut};

use crate::document::{Document, Method, Operation};
use crate::jobs::Role;

/// The tag of one operation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tag {
    pub kind: TagKind,
    /// Whether a POST only reads, so that it can be sent again without harm.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub reads: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheme: Option<Scheme>,
    /// Where the items stand in the reply: field names joined by dots, or `[]` for a bare array.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_size: Option<PageSize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub token_in: Vec<Place>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_out: Option<TokenOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cap: Option<Cap>,
    /// The path that runs the same query as a job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jobs: Option<String>,
    /// How many hours the token of a page is good for, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_hours: Option<u64>,
    /// By what a reply is known to be a page.
    #[serde(flatten)]
    pub reply: PageReply,
    /// The field of the reply with the date up to which the data is available.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub available: Option<String>,
    /// The operation that reports this date before the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub availability: Option<String>,
    /// Where a range of time goes that can be read in pieces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
    /// The family of jobs that it belongs to, and what it does there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Why the tag is as it is.
    #[serde(skip)]
    pub because: Because,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
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
    /// Work that is accepted, without a way to ask how it stands.
    Accepted,
}

impl TagKind {
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

/// The parameter that sets how many items a page holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PageSize {
    pub name: String,
    pub place: PlaceKind,
    /// Whether the document gives it as text.
    pub text: bool,
    /// What is asked for unless the caller says otherwise, where it is more than is usual of the scheme and no
    /// maximum is documented.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usual: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum: Option<i64>,
}

/// What pages hold where nothing is known of an operation (`usual_page_size` in the core).
const USUAL_SIZE: i64 = 100;

impl PageSize {
    /// The same, where the API is known to grant pages of so many items.
    pub fn usually(self, items: Option<i64>) -> Self {
        let usual = items.filter(|items| self.maximum.is_none() && *items > USUAL_SIZE);
        Self { usual: usual.or(self.usual), ..self }
    }

    /// What is known of it, for a reader.
    pub fn limits(&self) -> Vec<String> {
        let known =
            [("usually", self.usual), ("at most", self.maximum), ("at least", self.minimum)];
        known.into_iter().filter_map(|(word, items)| Some(format!("{word} {}", items?))).collect()
    }

    /// Its type in the document.
    pub fn type_name(&self) -> &'static str {
        if self.text { "string" } else { "integer" }
    }
}

/// How far the API lets a list be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cap {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<u64>,
    /// A query parameter and the value with which the cap holds.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub condition: Option<(String, String)>,
}

/// The parameter that takes an interval as text, and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Interval {
    pub place: PlaceKind,
    pub name: String,
    /// The longest interval that is taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<u64>,
    /// The path of an item's id, where an item is the same in every interval that has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
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
    /// Why a reply with a list in it is no list.
    pub single: Option<&'static str>,
}

impl Tag {
    /// The tag with another scheme, as an exception states it.
    pub fn with_scheme(self, scheme: Scheme) -> Self {
        Self {
            kind: scheme.kind(),
            scheme: Some(scheme),
            token_in: scheme.token_in(),
            token_out: scheme.token_out(),
            ..self
        }
    }

    /// Whether `paginate` reads it.
    pub fn paginates(&self) -> bool {
        matches!(self.kind, TagKind::List | TagKind::Paged)
    }

    /// Whether its reply is a list or a page of one, also where `submit` asks for it.
    pub fn lists(&self) -> bool {
        let is_list = |scheme: Scheme| scheme.kind() != TagKind::Job;
        let submits_list = self.kind == TagKind::Job
            && self.because.single.is_none()
            && self.scheme.is_some_and(is_list);
        self.paginates() || submits_list
    }

    pub(crate) fn single(rule: &'static str) -> Self {
        Self {
            kind: TagKind::Single,
            reads: false,
            scheme: None,
            items: None,
            page_size: None,
            token_in: Vec::new(),
            token_out: None,
            cap: None,
            jobs: None,
            token_hours: None,
            reply: PageReply::default(),
            available: None,
            availability: None,
            interval: None,
            family: None,
            role: None,
            because: Because { rule, ..Because::default() },
        }
    }
}

/// What is known of an operation that no rule covers.
pub fn uncovered(document: &Document, operation: &Operation) -> Tag {
    let evidence = Evidence::of(document, operation);
    let rule = "none covers it";
    Tag {
        items: evidence.items.clone(),
        page_size: evidence.page_size(),
        interval: evidence.interval(),
        because: Because { rule, evidence: evidence.seen(), ..Because::default() },
        ..Tag::single(rule)
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
pub fn tag(document: &Document, operation: &Operation, reads: bool) -> Result<Tag> {
    // Other methods may return the envelope of a list, as an echo of what they changed.
    if !matches!(operation.method, Method::Get | Method::Post) {
        return Ok(Tag::single("it changes things: neither GET nor POST"));
    }
    let evidence = Evidence::of(document, operation);
    let reads = operation.method == Method::Post && (reads || rules::reads(&evidence));
    let single = |rule| Tag {
        reads,
        available: evidence.available(),
        availability: availability(document, operation).map(|it| it.id.clone()),
        interval: evidence.interval(),
        because: Because { rule, evidence: evidence.seen(), ..Because::default() },
        ..Tag::single(rule)
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
    let mut tag = Tag {
        items: evidence.items.clone(),
        page_size: evidence.page_size(),
        ..single(rule).with_scheme(scheme)
    };
    if let Some(stated) = rules::token_places(scheme, &evidence) {
        (tag.token_in, tag.token_out) = stated;
    }
    if !tag.paginates() {
        return Ok(tag);
    }
    if tag.items.is_none() {
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
        tag.because.single = single;
    }
    tag.jobs = rules::jobs(document, operation);
    Ok(tag)
}
