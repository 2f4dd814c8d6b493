//! `openapi/page-sizes.tsv`: page sizes that the document does not state, each with its source.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, anyhow, bail};

use crate::document::{Document, Operation};
use crate::tags::{PageSize, Tag, usually};

const FILE: &str = "openapi/page-sizes.tsv";

/// The entries of the file, by method and path.
#[derive(Default)]
pub(crate) struct PageSizes(BTreeMap<(String, String), Entry>);

#[derive(Clone, Copy)]
struct Entry {
    /// Used by a public program; no maximum is documented.
    usual: Option<u64>,
    maximum: Option<u64>,
    minimum: Option<u64>,
}

impl PageSizes {
    /// Parses the file: a comment per source, a header line, and a line per operation.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let comments = text.lines().filter_map(|line| line.strip_prefix('#'));
        let sources: BTreeSet<&str> =
            comments.filter_map(|line| Some(line.split_once(':')?.0.trim())).collect();
        let lines = text.lines().enumerate().filter(|(_, line)| !line.starts_with('#')).skip(1);
        let mut entries = BTreeMap::new();
        for (index, line) in lines {
            let fail = |why: String| anyhow!("{FILE}, line {}: {why}", index + 1);
            let [method, path, usual, maximum, minimum, source] =
                line.split('\t').collect::<Vec<_>>()[..]
            else {
                return Err(fail("expected six columns separated by tabs".to_owned()));
            };
            let number = |text: &str| match text {
                "-" => Ok(None),
                text => match text.parse::<u64>() {
                    Ok(items @ 1..) => Ok(Some(items)),
                    _ => Err(fail(format!("`{text}` is not a number of items"))),
                },
            };
            let entry = Entry {
                usual: number(usual)?,
                maximum: number(maximum)?,
                minimum: number(minimum)?,
            };
            if entry.usual.is_some() == entry.maximum.is_some() {
                return Err(fail("expected either `usual` or `maximum`".to_owned()));
            }
            if entry.usual.or(entry.maximum) < entry.minimum {
                return Err(fail("the minimum exceeds the other bound".to_owned()));
            }
            if !source.split_once('/').is_some_and(|(name, _)| sources.contains(name)) {
                return Err(fail(format!(
                    "unknown source `{source}`; the comments of the file name the sources"
                )));
            }
            let key = (method.to_owned(), path.to_owned());
            if entries.insert(key, entry).is_some() {
                return Err(fail(format!("{method} {path} has two lines; remove one")));
            }
        }
        Ok(Self(entries))
    }

    /// Adds the bounds from the file to a tag. Bounds of the document take precedence.
    pub(crate) fn complete(&self, operation: &Operation, tag: &mut Tag) {
        let entry = self.0.get(&key(operation));
        if let (Some(entry), Some(page_size)) = (entry, &mut tag.list.page_size) {
            page_size.maximum = page_size.maximum.or(entry.maximum);
            page_size.minimum = page_size.minimum.or(entry.minimum);
            let items = entry.usual.or(page_size.usual);
            *page_size = usually(PageSize { usual: None, ..page_size.clone() }, items);
        }
    }

    /// Fails if an entry matches no operation with a page size, or repeats the document.
    pub(crate) fn check_used(
        &self,
        document: &Document,
        by_rules: impl Fn(&Operation) -> Option<PageSize>,
    ) -> Result<()> {
        let operations: BTreeMap<_, _> =
            document.operations.iter().map(|operation| (key(operation), operation)).collect();
        for (key, entry) in &self.0 {
            let place = format!("{FILE}: {} {}", key.0, key.1);
            let Some(operation) = operations.get(key) else {
                bail!("{place} matches no operation of the document; remove the line");
            };
            let Some(known) = by_rules(operation) else {
                bail!("{place} has no page-size parameter; remove the line");
            };
            let adds = |said: Option<u64>, known: Option<u64>| said.is_some() && said != known;
            if !adds(entry.usual, known.usual)
                && !adds(entry.maximum, known.maximum)
                && !adds(entry.minimum, known.minimum)
            {
                bail!("{place}: the document already states this; remove the line");
            }
            let differs = |said: Option<u64>, known: Option<u64>| {
                said.zip(known).is_some_and(|(said, known)| said != known)
            };
            if differs(entry.maximum, known.maximum) || differs(entry.minimum, known.minimum) {
                bail!(
                    "{place}: the document states another bound, which takes precedence; remove the line"
                );
            }
        }
        Ok(())
    }
}

fn key(operation: &Operation) -> (String, String) {
    (operation.method.as_str().to_owned(), operation.path.clone())
}
