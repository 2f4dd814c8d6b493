//! `openapi/operations.toml`: what the rules cannot infer. Each entry is reviewed and has a reason.

use std::collections::BTreeMap;
use std::mem;

use anyhow::{Context as _, Result, anyhow, bail};
use serde::Deserialize;

use crate::document::{Document, Method, Operation};
use crate::jobs::{Entry, Excuse, Table};
use crate::page_sizes::PageSizes;
use crate::tags::{self, Because, Cap, Decision, NextToken, ParamLocation, Parents, Scheme};

/// The exceptions of the pinned document.
#[derive(Default)]
pub struct Exceptions {
    file: File,
    page_sizes: PageSizes,
    jobs: Table,
    parents: Parents,
}

pub(crate) const FILE: &str = "openapi/operations.toml";

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    names: BTreeMap<String, Name>,
    #[serde(default)]
    tags: BTreeMap<String, TagEntry>,
    #[serde(default)]
    caps: BTreeMap<String, CapEntry>,
    #[serde(default)]
    reads: BTreeMap<String, Reads>,
    #[serde(default)]
    windows: BTreeMap<String, WindowsEntry>,
    #[serde(default)]
    tokens: BTreeMap<String, Tokens>,
    #[serde(default)]
    families: BTreeMap<String, Entry>,
    #[serde(default)]
    accepted: BTreeMap<String, Excuse>,
    #[serde(default)]
    not_jobs: BTreeMap<String, Excuse>,
}

/// Overrides the scheme or items of a list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TagEntry {
    scheme: Option<Scheme>,
    items: Option<String>,
    token_in: Option<Vec<ParamLocation>>,
    token_out: Option<NextToken>,
    /// The operation is not a list.
    #[serde(default)]
    single: bool,
    reason: String,
}

/// How far the API lets a list be read.
#[derive(Deserialize)]
struct CapEntry {
    #[serde(flatten)]
    cap: Cap,
    reason: String,
}

/// A read-only POST whose path does not show it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reads {
    reason: String,
}

/// How long the tokens of a list are valid.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tokens {
    hours: u64,
    reason: String,
}

/// Facts about an operation that takes an interval.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WindowsEntry {
    days: Option<u64>,
    id: Option<String>,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Name {
    name: String,
    reason: String,
}

impl Exceptions {
    /// Parses `operations.toml`, `page-sizes.tsv` and `parents.tsv`.
    pub fn parse(operations: &str, page_sizes: &str, parents: &str) -> Result<Self> {
        let mut file: File = toml::from_str(operations).context(FILE)?;
        let jobs = Table::of(
            mem::take(&mut file.families),
            mem::take(&mut file.accepted),
            mem::take(&mut file.not_jobs),
        )?;
        for (operation, entry) in &file.names {
            if !crate::names::is_free_word(&entry.name) {
                bail!("{FILE}: `{}`, the name of `{operation}`, is not a method name", entry.name,);
            }
        }
        if let Some((section, operation, _)) =
            file.entries().find(|(_, _, reason)| reason.trim().is_empty())
        {
            bail!("{FILE}: [{section}.{operation}] has no reason");
        }
        for (operation, entry) in &file.tags {
            let says = entry.scheme.is_some()
                || entry.items.is_some()
                || entry.token_in.is_some()
                || entry.token_out.is_some();
            if says == entry.single {
                bail!(
                    "{FILE}: [tags.{operation}] needs either `single = true` or a description of the list"
                );
            }
        }
        for (operation, entry) in &file.caps {
            if entry.cap.pages.is_some() == entry.cap.items.is_some() {
                bail!("{FILE}: [caps.{operation}] needs either `pages` or `items`");
            }
        }
        Ok(Self {
            file,
            page_sizes: PageSizes::parse(page_sizes)?,
            jobs,
            parents: Parents::parse(parents)?,
        })
    }

    /// The job families that the rules cannot infer.
    pub fn jobs(&self) -> &Table {
        &self.jobs
    }

    /// The lists that have the values of path parameters and that the rules can't find.
    pub fn parents(&self) -> &Parents {
        &self.parents
    }

    /// Method names set by hand, by operationId.
    pub fn names(&self) -> BTreeMap<String, String> {
        self.file.names.iter().map(|(id, entry)| (id.clone(), entry.name.clone())).collect()
    }

    /// Returns the tag of an operation, from the rules and the exceptions.
    pub fn tag(&self, document: &Document, operation: &Operation) -> Result<Decision> {
        let id = &operation.id;
        let reads = self.file.reads.get(id);
        let by_rules = tags::tag(document, operation, reads.is_some());
        let mut tag = match self.file.tags.get(id) {
            None => by_rules?,
            // An exception may replace what the rules found.
            Some(entry) => {
                entry.applied(by_rules.unwrap_or_else(|_| tags::uncovered(document, operation)))
            }
        };
        if let Some(entry) = reads {
            tag.because.exceptions.push(format!("read-only: {}", entry.reason));
        }
        if let Some(entry) = self.file.caps.get(id) {
            tag.list.cap = Some(entry.cap.clone());
            tag.because.exceptions.push(format!("cap: {}", entry.reason));
        }
        if let (Some(entry), Some(interval)) = (self.file.windows.get(id), &mut tag.tag.interval) {
            (interval.days, interval.id) = (entry.days, entry.id.clone());
            tag.because.exceptions.push(format!("interval: {}", entry.reason));
        }
        if let Some(entry) = self.file.tokens.get(id) {
            tag.list.token_hours = Some(entry.hours);
            tag.because.exceptions.push(format!("token lifetime: {}", entry.reason));
        }
        self.page_sizes.complete(operation, &mut tag);
        tag.list.reply = tags::page_reply(document, operation, &tag.list);
        Ok(tag)
    }

    /// Fails if an entry names an unknown operation or repeats what the rules find.
    pub fn check_used(&self, document: &Document) -> Result<()> {
        let by_id: BTreeMap<&str, &Operation> =
            document.operations.iter().map(|it| (it.id.as_str(), it)).collect();
        for (section, id, _) in self.file.entries() {
            if !by_id.contains_key(id) {
                bail!(
                    "{FILE}: [{section}.{id}] matches no operation of the document; remove the entry"
                );
            }
        }
        let superfluous = |section: &str, id: &str| {
            anyhow!("{FILE}: the rules already find what [{section}.{id}] states; remove the entry")
        };
        for (id, entry) in &self.file.tags {
            let reads = self.file.reads.contains_key(id);
            let Ok(by_rules) = tags::tag(document, by_id[id.as_str()], reads) else { continue };
            let said = |tag: Decision| Decision { because: Because::default(), ..tag };
            if said(by_rules.clone()) == said(entry.applied(by_rules)) {
                return Err(superfluous("tags", id));
            }
        }
        for id in self.file.reads.keys() {
            let operation = by_id[id.as_str()];
            if operation.method != Method::Post {
                bail!(
                    "{FILE}: [reads.{id}] is for a {}; only a POST needs it",
                    operation.method.as_str()
                );
            }
            if tags::tag(document, operation, false).is_ok_and(|tag| tag.reads) {
                return Err(superfluous("reads", id));
            }
        }
        for (id, entry) in &self.file.caps {
            let operation = by_id[id.as_str()];
            if let Some((name, _)) = &entry.cap.condition
                && operation.query(name).is_none()
            {
                bail!(
                    "{FILE}: [caps.{id}] names `{name}`, which is not a parameter of the operation"
                );
            }
            if !self.tag(document, operation)?.is_list() {
                bail!("{FILE}: [caps.{id}] is for an operation that is not a list");
            }
        }
        for (id, entry) in &self.file.windows {
            if tags::uncovered(document, by_id[id.as_str()]).interval.is_none() {
                bail!("{FILE}: [windows.{id}] is for an operation without an interval");
            }
            if entry.days.is_none() && entry.id.is_none() {
                bail!("{FILE}: [windows.{id}] has neither `days` nor `id`; remove the entry");
            }
        }
        for id in self.file.tokens.keys() {
            if self.tag(document, by_id[id.as_str()])?.list.token_out.is_none() {
                bail!("{FILE}: [tokens.{id}] is for an operation that does not page by tokens");
            }
        }
        self.page_sizes.check_used(document, |operation| {
            let reads = self.file.reads.contains_key(&operation.id);
            let by_rules = tags::tag(document, operation, reads);
            by_rules.unwrap_or_else(|_| tags::uncovered(document, operation)).tag.list.page_size
        })
    }
}

impl File {
    /// The section, operationId and reason of each entry.
    fn entries(&self) -> impl Iterator<Item = (&'static str, &str, &str)> {
        let names = self.names.iter().map(|(id, it)| ("names", id, &it.reason));
        let tags = self.tags.iter().map(|(id, it)| ("tags", id, &it.reason));
        let caps = self.caps.iter().map(|(id, it)| ("caps", id, &it.reason));
        let reads = self.reads.iter().map(|(id, it)| ("reads", id, &it.reason));
        let windows = self.windows.iter().map(|(id, it)| ("windows", id, &it.reason));
        let tokens = self.tokens.iter().map(|(id, it)| ("tokens", id, &it.reason));
        names
            .chain(tags)
            .chain(caps)
            .chain(reads)
            .chain(windows)
            .chain(tokens)
            .map(|(section, id, reason)| (section, id.as_str(), reason.as_str()))
    }
}

impl TagEntry {
    fn applied(&self, by_rules: Decision) -> Decision {
        let mut tag = match self.scheme {
            _ if self.single => by_rules.without_list(),
            Some(scheme) => by_rules.with_scheme(scheme),
            None => by_rules,
        };
        if let Some(items) = &self.items {
            tag.list.items = Some(items.clone());
        }
        if let Some(places) = &self.token_in {
            tag.list.token_in.clone_from(places);
        }
        if let Some(token_out) = &self.token_out {
            tag.list.token_out = Some(token_out.clone());
        }
        tag.because.exceptions.push(self.reason.clone());
        tag
    }
}
