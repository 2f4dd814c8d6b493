//! `openapi/operations.toml`: what the rules can't tell, each entry reviewed and with its reason; and
//! `openapi/page-sizes.tsv`: the largest page that Genesys documents for an operation.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::document::{Document, Operation};
use crate::tags::{self, Scheme, Tag};

/// The exceptions of the pinned document.
#[derive(Default)]
pub struct Exceptions {
    names: BTreeMap<String, Name>,
    tags: BTreeMap<String, TagEntry>,
    page_sizes: BTreeMap<(String, String), i64>,
    used: RefCell<BTreeSet<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    names: BTreeMap<String, Name>,
    #[serde(default)]
    tags: BTreeMap<String, TagEntry>,
}

/// The scheme of a list that the rules take for another.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TagEntry {
    scheme: Scheme,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Name {
    name: String,
    reason: String,
}

impl Exceptions {
    /// Reads the exceptions from the text of the two files.
    pub fn parse(operations: &str, page_sizes: &str) -> Result<Self> {
        let file: File = toml::from_str(operations).context("openapi/operations.toml")?;
        for (operation, entry) in &file.names {
            if entry.reason.trim().is_empty() {
                bail!("openapi/operations.toml: the name of `{operation}` has no reason");
            }
            if !crate::names::is_free_word(&entry.name) {
                bail!(
                    "openapi/operations.toml: `{}`, the name of `{operation}`, is no name for a method",
                    entry.name,
                );
            }
        }
        if let Some((operation, _)) =
            file.tags.iter().find(|(_, entry)| entry.reason.trim().is_empty())
        {
            bail!("openapi/operations.toml: the tag of `{operation}` has no reason");
        }
        let mut sizes = BTreeMap::new();
        for (index, line) in page_sizes.lines().enumerate().skip(1) {
            let place = || format!("openapi/page-sizes.tsv, line {}", index + 1);
            let [method, path, maximum] = line.split('\t').collect::<Vec<_>>()[..] else {
                bail!("{}: three columns are due", place());
            };
            let Ok(maximum) = maximum.parse() else {
                bail!("{}: `{maximum}` is no number of items", place());
            };
            sizes.insert((method.to_owned(), path.to_owned()), maximum);
        }
        Ok(Self { names: file.names, tags: file.tags, page_sizes: sizes, used: RefCell::default() })
    }

    /// Names given by hand, by operationId.
    pub fn names(&self) -> BTreeMap<String, String> {
        self.names.iter().map(|(id, entry)| (id.clone(), entry.name.clone())).collect()
    }

    /// The tag of an operation, from the rules and the exceptions.
    pub fn tag(&self, document: &Document, operation: &Operation) -> Result<Tag> {
        let mut tag = tags::tag(document, operation)?;
        if let Some(entry) = self.tags.get(&operation.id) {
            tag = tag.with_scheme(entry.scheme);
        }
        let key = (operation.method.as_str().to_owned(), operation.path.clone());
        if let Some(maximum) = self.page_sizes.get(&key) {
            self.used.borrow_mut().insert(format!("{} {}", key.0, key.1));
            if let Some(page_size) = &mut tag.page_size {
                page_size.maximum.get_or_insert(*maximum);
            }
        }
        Ok(tag)
    }

    /// Fails where an entry names an operation that the document does not have.
    pub fn check_used(&self, document: &Document) -> Result<()> {
        let ids: BTreeSet<&str> =
            document.operations.iter().map(|operation| operation.id.as_str()).collect();
        if let Some(id) = self.names.keys().find(|id| !ids.contains(id.as_str())) {
            bail!(
                "openapi/operations.toml: names `{id}`, which is no operation of the document; remove the entry"
            );
        }
        for (id, entry) in &self.tags {
            let operation = document.operations.iter().find(|operation| operation.id == *id);
            let Some(operation) = operation else {
                bail!(
                    "openapi/operations.toml: tags `{id}`, which is no operation of the document; remove the entry"
                );
            };
            if tags::tag(document, operation)?.scheme == Some(entry.scheme) {
                bail!(
                    "openapi/operations.toml: the rules find the scheme of `{id}` by themselves; remove the entry"
                );
            }
        }
        let used = self.used.borrow();
        let stale = self
            .page_sizes
            .keys()
            .find(|(method, path)| !used.contains(&format!("{method} {path}")));
        if let Some((method, path)) = stale {
            bail!(
                "openapi/page-sizes.tsv: {method} {path} is no operation of the document; remove the line"
            );
        }
        Ok(())
    }
}
