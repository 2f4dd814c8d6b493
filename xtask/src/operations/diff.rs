//! `cargo xtask operations --diff`: what a new document changes for paginators and jobs.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use anyhow::Result;

use super::{item_name, page_size_text, token_in_text, token_out_text};
use crate::document::{Document, Operation};
use crate::jobs::Family;
use crate::model::{Tagged, TaggedOperation};

/// The kinds of changes, in the order of the output.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Section {
    Added,
    Removed,
    Tag,
    LostLink,
    GainedLink,
    Items,
    ItemType,
    Token,
    PageSize,
    OperationId,
    Rust,
    Role,
    Family,
}

impl Section {
    fn title(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Tag => "changed tag or scheme",
            Self::LostLink => "lost nextUri",
            Self::GainedLink => "gained nextUri",
            Self::Items => "changed path of items",
            Self::ItemType => "changed item type",
            Self::Token => "changed token",
            Self::PageSize => "changed page size",
            Self::OperationId => "changed operationId",
            Self::Rust => "changed Rust name",
            Self::Role => "changed role in a family",
            Self::Family => "changed family",
        }
    }
}

/// The facts of an operation that are compared.
struct Facts<'a> {
    id: &'a str,
    rust: String,
    /// Kind and scheme.
    tag: String,
    items: Option<String>,
    item_type: Option<String>,
    links: bool,
    page_size: Option<String>,
    token_in: Option<String>,
    token_out: Option<String>,
    reads: bool,
    family: Option<String>,
}

/// Lists the operations that were added or removed, and those that page differently.
pub fn diff(
    old: (&Document, &Tagged<'_>),
    new: (&Document, &Tagged<'_>),
    out: &mut impl Write,
) -> Result<()> {
    let families = families(&old.1.families.families, &new.1.families.families);
    let (old, new) = (all_facts(old.0, &old.1.operations), all_facts(new.0, &new.1.operations));
    let mut sections: BTreeMap<Section, Vec<String>> = BTreeMap::new();
    for (place, facts) in &new {
        let Some(before) = old.get(place) else {
            let items = facts.item_type.as_deref().map(|kind| format!(" of {kind}"));
            let text = format!("{place}: {}{}", facts.tag, items.unwrap_or_default());
            sections.entry(Section::Added).or_default().push(text);
            continue;
        };
        let mut changed = |section, before: Option<&str>, after: Option<&str>| {
            if before != after {
                let (before, after) = (before.unwrap_or("none"), after.unwrap_or("none"));
                let text = format!("{place}: {before} -> {after}");
                sections.entry(section).or_default().push(text);
            }
        };
        changed(Section::Tag, Some(&before.tag), Some(&facts.tag));
        changed(Section::Items, before.items.as_deref(), facts.items.as_deref());
        changed(Section::ItemType, before.item_type.as_deref(), facts.item_type.as_deref());
        changed(Section::Token, before.token_in.as_deref(), facts.token_in.as_deref());
        changed(Section::Token, before.token_out.as_deref(), facts.token_out.as_deref());
        changed(Section::PageSize, before.page_size.as_deref(), facts.page_size.as_deref());
        changed(Section::OperationId, Some(before.id), Some(facts.id));
        changed(Section::Rust, Some(&before.rust), Some(&facts.rust));
        changed(Section::Role, before.family.as_deref(), facts.family.as_deref());
        if before.links != facts.links {
            let section = if before.links { Section::LostLink } else { Section::GainedLink };
            sections.entry(section).or_default().push(format!("{place}: {}", facts.tag));
        }
        if before.reads != facts.reads {
            let text =
                format!("{place}: {}", if facts.reads { "read-only" } else { "may change data" });
            sections.entry(Section::Tag).or_default().push(text);
        }
    }
    for (place, facts) in &old {
        if !new.contains_key(place) {
            sections.entry(Section::Removed).or_default().push(format!("{place}: {}", facts.tag));
        }
    }
    if !families.is_empty() {
        sections.insert(Section::Family, families);
    }
    if sections.is_empty() {
        writeln!(out, "no operations were added or removed, and none pages differently")?;
    }
    for (section, lines) in sections {
        writeln!(out, "{} ({})", section.title(), lines.len())?;
        for line in lines {
            writeln!(out, "  {line}")?;
        }
    }
    Ok(())
}

/// Compares the families.
fn families(old: &[Family], new: &[Family]) -> Vec<String> {
    let lines = |family: &Family| -> BTreeMap<&'static str, String> {
        super::jobs::members(family).chain(super::jobs::facts(family)).collect()
    };
    let mut changes = Vec::new();
    for family in new {
        let Some(before) = old.iter().find(|it| it.name == family.name) else {
            changes.push(format!("{}: added", family.name));
            continue;
        };
        let (before, after) = (lines(before), lines(family));
        let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
        for key in keys.into_iter().filter(|key| before.get(*key) != after.get(*key)) {
            let text =
                |lines: &BTreeMap<_, String>| lines.get(key).cloned().unwrap_or("none".to_owned());
            changes.push(format!("{}: {key}: {} -> {}", family.name, text(&before), text(&after)));
        }
    }
    let gone = old.iter().filter(|before| new.iter().all(|it| it.name != before.name));
    changes.extend(gone.map(|family| format!("{}: removed", family.name)));
    changes
}

fn all_facts<'a>(
    document: &Document,
    operations: &'a [TaggedOperation<'_>],
) -> BTreeMap<String, Facts<'a>> {
    let facts = |it: &'a TaggedOperation<'_>| {
        let TaggedOperation { operation, tag, group, method } = it;
        let scheme =
            tag.list.scheme.map(|scheme| format!(" {}", scheme.name())).unwrap_or_default();
        let item_type =
            tag.list.items.as_ref().and_then(|items| item_name(document, operation, items));
        let facts = Facts {
            id: &operation.id,
            rust: format!("{group}.{method}"),
            tag: format!("{}{scheme}", tag.kind.as_str()),
            items: tag.list.items.clone(),
            item_type,
            links: links(document, operation),
            page_size: page_size_text(tag),
            token_in: token_in_text(tag),
            token_out: token_out_text(tag),
            reads: super::reads(operation, tag),
            family: tag
                .family
                .as_ref()
                .zip(tag.role)
                .map(|(family, role)| format!("{family}: {}", role.as_str())),
        };
        (operation.route(), facts)
    };
    operations.iter().map(facts).collect()
}

/// Whether a response has a link to the next page.
fn links(document: &Document, operation: &Operation) -> bool {
    let reply = operation.reply_schema().map(|schema| document.resolve(schema));
    reply.is_some_and(|reply| reply.property("nextUri").is_some())
}
