//! Families that the rules do not find or get wrong: entries of `openapi/operations.toml`, reviewed and with a reason.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::exceptions::FILE;

use super::{Completion, Family, Found, JobId, JobState, Results, Sources, build};

#[derive(Clone, Debug, Default)]
pub struct Table {
    pub(super) families: BTreeMap<String, Entry>,
    pub(super) accepted: BTreeMap<String, Excuse>,
    not_jobs: BTreeMap<String, Excuse>,
}

/// Why an operation that looks like a submit has no job methods.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Excuse {
    pub(super) reason: String,
}

/// Facts about a family; rules infer the others. Without submits and a status, the entry changes the family of this
/// name that the rules found.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    #[serde(default)]
    pub(super) submits: Vec<String>,
    pub(super) id: Option<JobId>,
    pub(super) status: Option<String>,
    pub(super) list: Option<String>,
    pub(super) done: Option<Completion>,
    #[serde(default)]
    pub(super) states: BTreeMap<JobState, Vec<String>>,
    pub(super) results: Option<Results>,
    pub(super) cancel: Option<String>,
    #[serde(default)]
    pub(super) phases: Vec<String>,
    pub(super) redirects: Option<String>,
    pub(super) at_once: Option<bool>,
    pub(super) hours: Option<u64>,
    pub(super) topic: Option<String>,
    pub(super) note: Option<String>,
    pub(super) reason: Option<String>,
    /// Whether it changes a family that the rules found.
    #[serde(skip)]
    pub(super) changes: bool,
}

impl Entry {
    /// Whether it is a new family, rather than a change to one that the rules find.
    pub(super) fn is_new_family(&self) -> bool {
        !self.submits.is_empty() || self.status.is_some()
    }

    /// Combines this entry with what the rules found; this entry takes precedence.
    pub(super) fn over(&self, found: &Self) -> Self {
        Self {
            submits: found.submits.clone(),
            id: self.id.clone().or_else(|| found.id.clone()),
            status: found.status.clone(),
            list: self.list.clone().or_else(|| found.list.clone()),
            done: self.done.clone().or_else(|| found.done.clone()),
            states: self.states.clone(),
            results: self.results.clone().or_else(|| found.results.clone()),
            cancel: self.cancel.clone().or_else(|| found.cancel.clone()),
            changes: true,
            ..self.clone()
        }
    }

    /// The operations that it names.
    pub(super) fn operations(&self) -> impl Iterator<Item = &str> {
        let results = match &self.results {
            Some(Results::List(id)) => Some(id),
            _ => None,
        };
        let named = self.submits.iter().chain(&self.status).chain(results);
        named.chain(&self.cancel).chain(&self.phases).map(String::as_str)
    }

    /// Returns the entry without each of its facts that the rules may find.
    fn without_each_fact(&self) -> Vec<(&'static str, Self)> {
        let less = |change: fn(&mut Self)| {
            let mut entry = self.clone();
            change(&mut entry);
            entry
        };
        let all: [(&'static str, Self); 7] = [
            ("id", less(|it| it.id = None)),
            ("done", less(|it| it.done = None)),
            ("states", less(|it| it.states.clear())),
            ("results", less(|it| it.results = None)),
            ("cancel", less(|it| it.cancel = None)),
            ("redirects", less(|it| it.redirects = None)),
            ("at_once", less(|it| it.at_once = None)),
        ];
        all.into_iter().filter(|(_, less)| less != self).collect()
    }
}

impl Table {
    pub fn of(
        families: BTreeMap<String, Entry>,
        accepted: BTreeMap<String, Excuse>,
        not_jobs: BTreeMap<String, Excuse>,
    ) -> Result<Self> {
        let table = Self { families, accepted, not_jobs };
        let excuses = |section, excuses: &BTreeMap<String, Excuse>| -> Vec<_> {
            let entries = excuses.iter();
            entries.map(|(id, it)| (section, id.clone(), Some(it.reason.clone()))).collect()
        };
        let families = table.families.iter();
        let families = families.map(|(name, it)| ("families", name.clone(), it.reason.clone()));
        let entries = families
            .chain(excuses("accepted", &table.accepted))
            .chain(excuses("not_jobs", &table.not_jobs));
        for (section, name, reason) in entries {
            if reason.is_none_or(|reason| reason.trim().is_empty()) {
                bail!("{FILE}: [{section}.{name}] has no reason");
            }
        }
        let is_plain = |letter: char| matches!(letter, 'a'..='z' | '0'..='9' | '-');
        for name in table.families.keys() {
            if !name.chars().all(is_plain) || !name.starts_with(|it: char| it.is_ascii_lowercase())
            {
                bail!(
                    "{FILE}: `{name}` is not a family name: use lower case letters, digits and `-`"
                );
            }
        }
        let mut seen = BTreeSet::new();
        let submits = table.families.values().flat_map(|entry| &entry.submits);
        if let Some(twice) = submits.into_iter().find(|id| !seen.insert(*id)) {
            bail!("{FILE}: two families have the submit `{twice}`");
        }
        Ok(table)
    }

    /// The submits of the families in the table.
    pub(super) fn submits(&self) -> BTreeSet<&str> {
        self.families.values().flat_map(|entry| &entry.submits).map(String::as_str).collect()
    }

    /// Whether the table says that an operation has no job methods.
    pub(super) fn is_excused(&self, operation: &str) -> bool {
        self.accepted.contains_key(operation) || self.not_jobs.contains_key(operation)
    }

    /// Fails if an entry matches nothing in the document, or repeats what the rules find.
    pub(super) fn check(&self, sources: &Sources<'_>, by_rules: &[(String, Entry)]) -> Result<()> {
        let excused = [("accepted", &self.accepted), ("not_jobs", &self.not_jobs)];
        for (section, entries) in excused {
            for id in entries.keys() {
                let Ok(operation) = sources.operation(id) else {
                    bail!(
                        "{FILE}: [{section}.{id}] matches no operation of the document; remove the entry"
                    );
                };
                if section == "not_jobs" && super::rules::starts_a_job(sources, operation).is_none()
                {
                    bail!(
                        "{FILE}: [{section}.{id}] is for an operation that does not look like a submit; \
                         remove the entry"
                    );
                }
            }
        }
        for (name, entry) in &self.families {
            if let Some(id) = entry.operations().find(|id| sources.operation(id).is_err()) {
                bail!("{FILE}: [families.{name}] names `{id}`, which is not in the document");
            }
            let found = by_rules.iter().find(|(found, it)| match &entry.submits[..] {
                [] => found == name,
                [one] => it.submits[0] == *one,
                _ => false,
            });
            let found = found.map(|(_, found)| found);
            if !entry.is_new_family() && found.is_none() {
                bail!(
                    "{FILE}: [families.{name}] has no submits, and rules find no family of this name; \
                     remove the entry"
                );
            }
            let whole = |entry: &Entry| match found {
                Some(found) if !entry.is_new_family() => entry.over(found),
                _ => entry.clone(),
            };
            let family = |entry: &Entry| build::family(sources, name, entry).map(essence);
            let stated =
                family(&whole(entry)).with_context(|| format!("{FILE}: [families.{name}]"))?;
            let same = |other: Result<Family>| other.is_ok_and(|other| other == stated);
            if entry.is_new_family() && found.is_some_and(|found| same(family(found))) {
                bail!("{}", superfluous("families", name));
            }
            for (key, less) in entry.without_each_fact() {
                if same(family(&whole(&less))) {
                    bail!(
                        "{FILE}: the rules already find the `{key}` of [families.{name}]; remove it"
                    );
                }
            }
        }
        Ok(())
    }
}

/// A family without its name, reason and origin.
fn essence(family: Family) -> Family {
    Family { reason: None, found: Found::ByRule, ..family }
}

pub(super) fn superfluous(section: &str, name: &str) -> String {
    format!("{FILE}: the rules already find what [{section}.{name}] states; remove the entry")
}
