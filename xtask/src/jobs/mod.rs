//! Job families: which operations submit asynchronous work, return its status, list its results and cancel it.
//!
//! Rules infer what paths and schemas show (`rules.rs`, `fields.rs`, `words.rs`); `openapi/operations.toml` has the
//! rest (`table.rs`). Both yield entries, from which `build.rs` makes families.

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

/// How the jobs of some operations run. Operations are named by operationId.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    pub name: String,
    pub found: Found,
    /// The reason for its entry in the table, if it has one.
    pub reason: Option<String>,
    pub submits: Vec<String>,
    pub id: JobId,
    pub status: Option<String>,
    /// The path of the list in the status that has the job.
    pub list: Option<String>,
    pub done: Completion,
    /// The states in the order of the document, then the others.
    pub states: Vec<(String, JobState)>,
    pub results: Results,
    pub cancel: Option<String>,
    /// Operations that a job may need between its submit and its end.
    pub phases: Vec<String>,
    /// The field with the URL of a file, in a redirect that replaces a page of results.
    pub redirects: Option<String>,
    /// The operation that reports how far the data is available.
    pub available: Option<Availability>,
    /// Whether the response to the submit may hold the results.
    pub at_once: bool,
    pub hours: Option<u64>,
    pub topic: Option<String>,
    pub note: Option<String>,
}

/// Where a family comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    ByRule,
    /// Found by rules and changed by the table.
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
    /// The response that reports the end of the job has them, at the first of these places that exists.
    Reply(Vec<ResultLocation>),
    Nothing,
}

impl Family {
    /// The operations of the family with their roles. The status operation may list the results too.
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

    /// The kind of result, for people.
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

/// The items of a result.
pub enum Item<'a> {
    /// Files, returned as bytes.
    Bytes,
    /// Free-form JSON.
    Any,
    Of(&'a Schema),
}

/// The families of a document, and the operations that accept work without a status to poll.
#[derive(Clone, Debug, Default)]
pub struct Families {
    /// By name.
    pub families: Vec<Family>,
    /// The evidence, by operationId.
    pub accepted: BTreeMap<String, String>,
    /// Notes on a document that is not the pinned one.
    pub notes: Vec<String>,
}

/// The input for families.
pub(crate) struct Sources<'a> {
    pub(crate) document: &'a Document,
    by_id: BTreeMap<&'a str, (&'a Operation, &'a Decision)>,
}

impl<'a> Sources<'a> {
    /// `tags` has the tags of the document's operations, in the same order.
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
    /// Finds the families. With `strict`, for the pinned document, any doubt is an error.
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
        for (name, entry) in table.families.iter().filter(|(_, it)| it.is_new_family()) {
            // For another document, the table applies where it matches.
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
            let message = format!("duplicate family name `{}`", one.name);
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
                "{error:#}; describe the family in {} under [families.{name}], with a reason",
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
                        "{}: [accepted.{}] belongs to the family `{}`; remove the entry",
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
                && let Some(evidence) = rules::starts_a_job(sources, operation)
            {
                bail!(
                    "{}: {evidence}, but it has no family; add [families.<name>], [accepted.{2}] or \
                     [not_jobs.{2}] to {1}, with a reason",
                    operation.place(),
                    FILE,
                    operation.id,
                );
            }
        }
        Ok(())
    }

    /// Returns the family of an operation and its role there; of several, the one it submits jobs of.
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

    /// Completes the tag of an operation with its role in a family.
    pub fn mark(&self, operation: &Operation, tag: &mut Decision) {
        if let Some(evidence) = self.accepted.get(&operation.id) {
            tag.kind = TagKind::Accepted;
            tag.because.evidence.push(format!("accepted: {evidence}"));
        }
        if let Some((family, role)) = self.place(&operation.id) {
            if role == Role::Submit {
                // Sent twice, it submits two jobs.
                tag.reads = false;
                tag.kind = TagKind::Job;
            }
            tag.family = Some(family.name.clone());
            tag.role = Some(role);
        }
    }
}

/// Returns the items of the jobs that this operation submits.
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
                    "family `{}`: the results have two types, {:?} and {:?}",
                    family.name,
                    first.kind,
                    other.kind
                );
            }
            Ok(Item::Of(first))
        }
    }
}

/// Returns the path of an operation on a job. Values of the submit are passed on by name, so parameters at the same
/// position of both paths get the name from the submit.
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

/// Returns the path parameter that takes the id of the job: the one that the submits lack.
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
                "{}: can't infer the value of `{name}` from {}",
                operation.place(),
                submits.iter().map(|it| it.place()).collect::<Vec<_>>().join(", "),
            ),
        }
    }
    Ok(found)
}
