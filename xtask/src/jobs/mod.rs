//! Families of jobs: which operations submit work that the API does in its own time, and which tell how it
//! stands, list its results and cancel it.
//!
//! Rules find what can be told from paths and schemas (`rules.rs`, `fields.rs`, `words.rs`);
//! `openapi/operations.toml` has the rest (`table.rs`). Both give entries, of which `build.rs` makes families.

mod build;
mod data;
mod docs;
mod emit;
mod fields;
mod rules;
mod table;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use serde::Deserialize;

pub use genesys_cloud_catalogue::tags::{
    Availability, Completion, JobId, JobState, ResultLocation, Role,
};

pub use data::line;
pub use docs::docs;
pub use emit::{constant, family as source};
pub use table::{Entry, Excuse, Table};

use crate::document::{Document, Operation, Schema};
use crate::exceptions::FILE;
use crate::tags::{Decision, TagKind, item_schema};

/// How the jobs of some operations run. Operations are named by their ids.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    pub name: String,
    pub found: Found,
    /// Why it stands in the table, or what the table changes.
    pub reason: Option<String>,
    pub submits: Vec<String>,
    pub id: JobId,
    pub status: Option<String>,
    /// Where the status has the list in which the job is.
    pub list: Option<String>,
    pub done: Completion,
    /// The states in the order of the document, and those that it does not list.
    pub states: Vec<(String, JobState)>,
    pub results: Results,
    pub cancel: Option<String>,
    /// Operations that a job may need between its submit and its end.
    pub phases: Vec<String>,
    /// The field with the URL of a file, in a redirect that stands for a page of results.
    pub redirects: Option<String>,
    /// How far the data is available that its jobs search.
    pub available: Option<Availability>,
    /// Whether the reply to the submit may hold the results.
    pub at_once: bool,
    pub hours: Option<u64>,
    pub topic: Option<String>,
    pub note: Option<String>,
}

/// How a family is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    ByRule,
    /// Rules have found it, and the table says something else of it, or more.
    Changed,
    ByTable,
}

/// Where the results are.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Results {
    /// This operation lists them.
    List(String),
    /// The status lists them in pages.
    Status,
    /// The reply that tells that the job is done has them, at the first of these places.
    Reply(Vec<ResultLocation>),
    Nothing,
}

impl Family {
    /// The operations of the family with their roles. That which tells the status may list the results too.
    pub fn members(&self) -> impl Iterator<Item = (Role, &str)> {
        let results = match &self.results {
            Results::List(id) => Some(id),
            Results::Status | Results::Reply(_) | Results::Nothing => None,
        };
        let submits = self.submits.iter().map(|id| (Role::Submit, id.as_str()));
        submits
            .chain(self.status.iter().map(|id| (Role::Status, id.as_str())))
            .chain(results.map(|id| (Role::Results, id.as_str())))
            .chain(self.cancel.iter().map(|id| (Role::Cancel, id.as_str())))
            .chain(self.phases.iter().map(|id| (Role::Phase, id.as_str())))
    }

    /// What kind of result its jobs have.
    pub fn result_kind(&self) -> &'static str {
        match (&self.done, &self.results) {
            (Completion::Not202, _) => "poll the same URL",
            (_, Results::List(_)) => "results operation",
            (_, Results::Status) => "status lists results",
            (_, Results::Reply(_)) if self.status.is_none() => "notification only",
            (_, Results::Reply(places)) => {
                let files = places.iter().any(|place| !matches!(place, ResultLocation::Items(_)));
                let inline = places.iter().any(|place| matches!(place, ResultLocation::Items(_)));
                let whole =
                    places.iter().any(|place| *place == ResultLocation::Items("[]".to_owned()));
                match (inline, files) {
                    (false, _) => "download URLs",
                    (true, true) => "inline path or download URLs",
                    (true, false) if whole => "status is the result",
                    (true, false) => "inline path",
                }
            }
            (_, Results::Nothing) => "nothing",
        }
    }
}

/// What the results of a job are.
pub enum Item<'a> {
    /// Files that are handed out as they are.
    Bytes,
    /// JSON of any kind.
    Any,
    Of(&'a Schema),
}

/// The families of a document, and the operations that accept work and offer nothing to poll.
#[derive(Clone, Debug, Default)]
pub struct Families {
    /// By name.
    pub families: Vec<Family>,
    /// By operationId: why.
    pub accepted: BTreeMap<String, String>,
    /// What was not understood, of a document that is not the pinned one.
    pub notes: Vec<String>,
}

/// What families are made from.
pub(crate) struct Sources<'a> {
    pub(crate) document: &'a Document,
    by_id: BTreeMap<&'a str, (&'a Operation, &'a Decision)>,
}

impl<'a> Sources<'a> {
    /// The tags are those of the document's operations, in the same order.
    pub(crate) fn new(document: &'a Document, tags: &'a [Decision]) -> Self {
        let operations = document.operations.iter().zip(tags);
        let by_id = operations.map(|(it, tag)| (it.id.as_str(), (it, tag))).collect();
        Self { document, by_id }
    }

    pub(crate) fn operation(&self, id: &str) -> Result<&'a Operation> {
        match self.by_id.get(id) {
            Some((operation, _)) => Ok(operation),
            None => bail!("the document has no operation `{id}`"),
        }
    }

    fn tag(&self, id: &str) -> Option<&'a Decision> {
        self.by_id.get(id).map(|(_, tag)| *tag)
    }
}

impl Families {
    /// Finds the families. Of the pinned document (`strict`) nothing may be left in doubt.
    pub(crate) fn of(sources: &Sources<'_>, table: &Table, strict: bool) -> Result<Self> {
        let mut all = Self::default();
        let stated = table.submits();
        let by_rules = rules::by_path(sources);
        if strict {
            table.check(sources, &by_rules)?;
        }
        let changes =
            |name: &str| table.families.get(name).filter(|entry| entry.submits.is_empty());
        let found =
            by_rules.iter().filter(|(_, found)| !stated.contains(found.submits[0].as_str()));
        let found = found.filter(|(_, found)| !table.is_excused(&found.submits[0]));
        for (name, found) in found {
            let entry = changes(name).map_or(found.clone(), |changes| changes.over(found));
            all.add(sources, name, &entry, strict)?;
        }
        for (name, entry) in table.families.iter().filter(|(_, it)| it.stands_alone()) {
            // Of another document, the table holds where it applies.
            if strict || entry.operations().all(|id| sources.by_id.contains_key(id)) {
                all.add(sources, name, entry, strict)?;
            }
        }
        let members: BTreeSet<String> = all.members();
        for (name, entry) in rules::repeated(sources, &members) {
            all.add(sources, &name, &entry, strict)?;
        }
        all.families.sort_by(|a, b| a.name.cmp(&b.name));
        if let Some([one, _]) = all.families.array_windows().find(|[a, b]| a.name == b.name) {
            let message = format!("two families are named `{}`", one.name);
            if strict {
                bail!("{message}; name one in {}", FILE);
            }
            all.notes.push(message);
            all.families.dedup_by(|a, b| a.name == b.name);
        }
        all.find_accepted(sources, table, strict)?;
        Ok(all)
    }

    fn add(
        &mut self,
        sources: &Sources<'_>,
        name: &str,
        entry: &Entry,
        strict: bool,
    ) -> Result<()> {
        match build::family(sources, name, entry) {
            Ok(family) => self.families.push(family),
            Err(error) if strict => bail!(
                "{error:#}; say in {} under [families.{name}] what it is, with the reason",
                FILE
            ),
            Err(error) => self.notes.push(format!("{error:#}")),
        }
        Ok(())
    }

    fn members(&self) -> BTreeSet<String> {
        let members = self.families.iter().flat_map(Family::members);
        members.map(|(_, id)| id.to_owned()).collect()
    }

    fn find_accepted(&mut self, sources: &Sources<'_>, table: &Table, strict: bool) -> Result<()> {
        for operation in &sources.document.operations {
            let stated = table.accepted.get(&operation.id);
            if let Some((family, _)) = self.place(&operation.id) {
                if strict && stated.is_some() {
                    bail!(
                        "{}: [accepted.{}] is of the family `{}`; remove the entry",
                        FILE,
                        operation.id,
                        family.name,
                    );
                }
                continue;
            }
            if let Some(evidence) = rules::accepted(operation) {
                if strict && stated.is_some() {
                    bail!("{}", table::superfluous("accepted", &operation.id));
                }
                self.accepted.insert(operation.id.clone(), evidence.to_owned());
            } else if let Some(stated) = stated {
                self.accepted.insert(operation.id.clone(), stated.reason.clone());
            } else if strict
                && !table.is_excused(&operation.id)
                && let Some(evidence) = rules::hands_out_a_job(sources, operation)
            {
                bail!(
                    "{}: {evidence}, and it is of no family; say in {} what it is: \
                     [families.<name>], [accepted.{2}] or [not_jobs.{2}], with the reason",
                    operation.place(),
                    FILE,
                    operation.id,
                );
            }
        }
        Ok(())
    }

    /// The family that an operation belongs to and what it does there. Of several, that which it submits
    /// jobs of comes first.
    pub fn place(&self, operation: &str) -> Option<(&Family, Role)> {
        self.places(operation).min_by_key(|(_, role)| *role)
    }

    pub fn places(&self, operation: &str) -> impl Iterator<Item = (&Family, Role)> {
        self.families.iter().flat_map(move |family| {
            let roles = family.members().filter(move |(_, id)| *id == operation);
            roles.map(move |(role, _)| (family, role))
        })
    }

    pub fn get(&self, name: &str) -> Option<&Family> {
        self.families.iter().find(|family| family.name == name)
    }

    /// Writes into a tag what its operation does in a family.
    pub fn mark(&self, operation: &Operation, tag: &mut Decision) {
        if let Some(evidence) = self.accepted.get(&operation.id) {
            tag.kind = TagKind::Accepted;
            tag.because.evidence.push(format!("accepted: {evidence}"));
        }
        if let Some((family, role)) = self.place(&operation.id) {
            if role == Role::Submit {
                // Sent twice it makes two jobs.
                tag.reads = false;
                tag.kind = TagKind::Job;
            }
            tag.family = Some(family.name.clone());
            tag.role = Some(role);
        }
    }
}

/// What the results are of a job that this operation submits.
pub(crate) fn item<'a>(
    sources: &Sources<'a>,
    family: &Family,
    submit: &'a Operation,
) -> Result<Item<'a>> {
    let listed = |id: &str| -> Result<Item<'a>> {
        let operation = sources.operation(id)?;
        let items =
            sources.tag(id).filter(|tag| tag.lists()).and_then(|tag| tag.list.items.as_ref());
        let schema = match items {
            Some(items) => item_schema(sources.document, operation, items),
            None => operation.reply_schema(),
        };
        Ok(schema.map_or(Item::Any, Item::Of))
    };
    match &family.results {
        Results::List(id) => listed(id),
        Results::Status => listed(family.status.as_ref().unwrap_or(&submit.id)),
        Results::Nothing => Ok(Item::Any),
        Results::Reply(places) => {
            let told = family.status.as_ref().map(|id| sources.operation(id)).transpose()?;
            let replies = || told.into_iter().chain([submit]).filter_map(Operation::reply_schema);
            let mut items = places.iter().filter_map(|place| match place {
                ResultLocation::Items(path) => replies().find_map(|reply| {
                    let reply = fields::entry(sources.document, reply, family.list.as_deref())?;
                    fields::items(sources.document, reply, path)
                }),
                ResultLocation::Json(..) | ResultLocation::Bytes(_) => None,
            });
            let Some(first) = items.next() else {
                return Ok(
                    match places.iter().all(|place| matches!(place, ResultLocation::Bytes(_))) {
                        true => Item::Bytes,
                        false => Item::Any,
                    },
                );
            };
            if let Some(other) = items.find(|other| other.kind != first.kind) {
                bail!(
                    "family `{}`: its results are of two types, {:?} and {:?}",
                    family.name,
                    first.kind,
                    other.kind
                );
            }
            Ok(Item::Of(first))
        }
    }
}

/// The path of an operation on a job. Values are handed on from the submit by name: parameters that stand in
/// the same place of both paths are called as the submit calls them.
pub(crate) fn path_on_job(submits: &[&Operation], operation: &Operation) -> String {
    let mut segments: Vec<&str> = operation.path.split('/').collect();
    for submit in submits {
        for (segment, theirs) in segments.iter_mut().zip(submit.path.split('/')) {
            if segment.starts_with('{') && theirs.starts_with('{') {
                *segment = theirs;
            } else if *segment != theirs {
                break;
            }
        }
    }
    segments.join("/")
}

/// The path parameter of an operation on a job that takes the job's id: the one that the submits do not
/// have.
pub(crate) fn id_parameter(
    submits: &[&Operation],
    operation: &Operation,
) -> Result<Option<String>> {
    let has = |submit: &Operation, name: &str| submit.path.contains(&format!("{{{name}}}"));
    let path = path_on_job(submits, operation);
    let names = path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    let mut found = None;
    for name in names {
        match submits.iter().filter(|submit| has(submit, name)).count() {
            count if count == submits.len() && count > 0 => {}
            0 if found.is_none() => found = Some(name.to_owned()),
            _ => bail!(
                "{}: where its `{name}` is to come from can't be told from {}",
                operation.place(),
                submits.iter().map(|it| it.place()).collect::<Vec<_>>().join(", "),
            ),
        }
    }
    Ok(found)
}
