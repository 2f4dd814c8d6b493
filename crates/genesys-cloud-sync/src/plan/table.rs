//! One table of a plan.

use std::time::Duration;

use chrono::NaiveDate;
use genesys_cloud_catalogue::{Catalogue, Operation as Entry, Schema};
use genesys_cloud_core::specs::{self, IntervalSpec, OperationKind};
use genesys_cloud_core::{FileForm, ParamLocation, Request, ResultLocation, Results};
use genesys_cloud_sinks::{ColumnKind, Columns, properties};
use xxhash_rust::xxh3::Xxh3;

use super::document::Section;
use super::error::{Wrong, nearest, unknown};
use super::{parameters, parents};
use crate::deletes::{Deletes, MaxDeletes};
use crate::method::{Method, SortByChange};
use crate::plan::Parents;
use crate::schema::{PlaceKind, TableSchema};

/// The keys of a table.
const KEYS: [&str; 13] = [
    "read",
    "params",
    "body",
    "for_each",
    "for_each_params",
    "bind",
    "key",
    "since",
    "lookback",
    "history",
    "deletes",
    "max_deletes",
    "full_every",
];

/// Default for reading the last days of a range again.
const LOOKBACK: Duration = Duration::from_hours(3 * 24);

/// Default for the time between complete comparisons.
const FULL_EVERY: Duration = Duration::from_hours(24);

/// One table of a [`Plan`](super::Plan): what it reads, and how it is kept up to date.
#[derive(Clone, Debug)]
pub struct Table {
    pub(crate) name: String,
    pub(crate) entry: &'static Entry,
    pub(crate) kind: OperationKind,
    pub(crate) request: Request,
    pub(crate) parents: Option<Parents>,
    pub(crate) range: Option<RangePlan>,
    pub(crate) sort: Option<SortByChange>,
    pub(crate) columns: Columns,
    pub(crate) key: Vec<String>,
    pub(crate) history: bool,
    pub(crate) deletes: Deletes,
    pub(crate) max_deletes: MaxDeletes,
    pub(crate) full_every: Duration,
}

/// The time range of a table.
#[derive(Clone, Debug)]
pub(crate) struct RangePlan {
    /// Where a request has the interval.
    pub(crate) place: ParamLocation,
    /// The longest interval that the operation accepts.
    pub(crate) span: Option<Duration>,
    /// The path of the ID of a record.
    pub(crate) id: Option<String>,
    pub(crate) since: NaiveDate,
    pub(crate) lookback: Duration,
}

impl Table {
    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the operationId of what is read.
    pub fn operation(&self) -> &str {
        &self.entry.id
    }

    /// Returns the paths of the fields that identify a row.
    pub fn key(&self) -> Vec<&str> {
        self.key.iter().map(String::as_str).collect()
    }

    /// Returns how changes are found.
    pub fn method(&self) -> Method {
        match (&self.range, &self.sort) {
            (Some(_), _) => Method::TimeRange,
            (None, Some(_)) => Method::Modified,
            (None, None) => Method::Comparison,
        }
    }

    /// Explains why changes are found by this [method](Self::method).
    pub fn reason(&self) -> String {
        let name = rust_name(self.entry);
        match (&self.range, &self.sort, &self.parents) {
            (Some(range), ..) => format!(
                "{name} takes a time range in `{}`; the last {} are read again",
                range.place.name(),
                humantime::format_duration(range.lookback)
            ),
            (None, Some(sort), _) => format!(
                "{name} sorts by `{}`; a complete comparison every {} finds deletes",
                sort.field,
                humantime::format_duration(self.full_every)
            ),
            (None, None, Some(parents)) => format!(
                "{name} reports no changes; it is read completely for each of {}",
                rust_name(parents.entry)
            ),
            (None, None, None) => {
                format!("{name} reports no changes; it is read completely")
            }
        }
    }

    /// Returns what a target needs to know about the table.
    pub fn schema(&self) -> TableSchema {
        TableSchema {
            name: self.name.clone(),
            columns: self.columns.clone(),
            key: self.key.clone(),
            history: self.history,
            deletes: self.deletes,
            places: match (&self.range, &self.parents) {
                (Some(_), _) => PlaceKind::Days,
                (None, Some(_)) => PlaceKind::Parent,
                (None, None) => PlaceKind::List,
            },
            definition: self.definition(),
        }
    }

    /// Returns a checksum of what is read. Rows that were read with another definition may be outside of its scope.
    fn definition(&self) -> String {
        let mut hash = Xxh3::new();
        let mut add = |part: &[u8]| {
            hash.update(&(part.len() as u64).to_le_bytes());
            hash.update(part);
        };
        let mut own = self.request.clone();
        if let Some(parents) = &self.parents {
            let any = vec!["*".to_owned(); parents.bindings.len()];
            parents.bind(&mut own, Some(&any));
        }
        let outer = self.parents.as_ref().map(|parents| (parents.entry, &parents.request));
        for (entry, request) in [(self.entry, &own)].into_iter().chain(outer) {
            add(entry.id.as_bytes());
            // An invalid request fails when it is sent.
            add(request.target().unwrap_or_default().as_bytes());
            for (name, value) in request.headers() {
                add(name.as_str().as_bytes());
                add(value.as_bytes());
            }
            add(request.body().map(|body| &body[..]).unwrap_or_default());
        }
        for binding in self.parents.iter().flat_map(|parents| &parents.bindings) {
            add(binding.field.as_bytes());
            add(binding.column.path.as_bytes());
        }
        self.key.iter().for_each(|field| add(field.as_bytes()));
        format!("{:032x}", hash.digest128())
    }
}

/// Reads a table. `None` if there were faults.
pub(super) fn table(name: &str, section: &Section<'_>) -> Option<Table> {
    section.check_keys(&KEYS);
    if section.get("read").is_none() {
        let wrong = Wrong::new(format!("the table `{name}` does not say what to read"));
        section.fault_here(wrong.advise("add `read`, such as read = \"routing.queues\""));
    }
    let read = section.text("read");
    // What does not depend on the operation is checked in any case.
    let history = section.flag("history").unwrap_or(false);
    let deletes = deletes(section, history);
    let max_deletes = max_deletes(section);
    let full_every = section.duration("full_every").unwrap_or(FULL_EVERY);
    let (read, span) = read?;
    let entry = operation(read).map_err(|wrong| section.fault(span.clone(), wrong)).ok()?;
    let kind = readable(entry).map_err(|wrong| section.fault(span.clone(), wrong)).ok()?;
    let Some(item) = item(entry, &kind).filter(|item| !properties(item).is_empty()) else {
        let text = format!("the API document does not describe the records of {}", entry.id);
        section.fault(span, Wrong::new(text));
        return None;
    };
    let parents = match parents::parents(section, entry, Some(item)) {
        Some(None) => return None,
        parents => parents.flatten(),
    };
    let interval = specs::interval(entry).ok().flatten();
    if let (Some(_), Some(_)) = (&interval, &parents) {
        let text = format!("{} takes a time range, which `for_each` does not support", entry.id);
        section.fault(section.place("for_each"), Wrong::new(text));
        return None;
    }
    let bound: Vec<String> = bound(section, parents.as_ref(), entry);
    let place = interval.as_ref().map(|it| it.place.name());
    let request =
        parameters::request(section, ("params", Some("body")), (entry, &kind), (&bound, place));
    let id = interval.as_ref().and_then(|it| it.id.clone());
    let range = range(section, entry, interval);
    let added = parents.as_ref().map(Parents::columns).unwrap_or_default();
    let columns = Columns::of(Some(item)).after(&added);
    let default = id.or_else(|| item.property("id").map(|_| "id".to_owned()));
    let own = added.iter().map(|column| column.path.clone());
    let key = key(section, &columns, default.map(|id| own.chain([id]).collect()), entry);
    let (request, key, range) = (request?, key?, range?);
    let sort = SortByChange::of(entry, Some(item)).filter(|sort| {
        range.is_none()
            && parents.is_none()
            && !full_every.is_zero()
            && !sort.is_overridden_in(&request)
    });
    Some(Table {
        name: name.to_owned(),
        entry,
        kind,
        request,
        parents,
        range,
        sort,
        columns,
        key,
        history,
        deletes: deletes?,
        max_deletes: max_deletes?,
        full_every,
    })
}

/// Returns the parameters that parents set, or are to set once the faults are fixed.
fn bound(section: &Section<'_>, parents: Option<&Parents>, entry: &Entry) -> Vec<String> {
    if parents.is_none() {
        return Vec::new();
    }
    let bind = section.section("bind");
    let is_bound = |name: &str| bind.is_some_and(|bind| bind.get(name).is_some());
    let given = section.section("params");
    let is_given = |name: &str| given.is_some_and(|given| given.get(name).is_some());
    let path = genesys_cloud_catalogue::Location::Path;
    let parameters = entry.parameters.iter();
    parameters
        .filter(|it| is_bound(&it.name) || it.location == path && !is_given(&it.name))
        .map(|it| it.name.clone())
        .collect()
}

fn deletes(section: &Section<'_>, history: bool) -> Option<Deletes> {
    let Some((text, span)) = section.text("deletes") else {
        return section.get("deletes").is_none().then(Deletes::default);
    };
    let Some((_, deletes)) = Deletes::NAMES.iter().find(|(name, _)| *name == text) else {
        let names = Deletes::NAMES.map(|(name, _)| name.to_owned());
        let text_of = format!("`deletes` has no value `{text}`");
        section.fault(span, unknown(text_of, text, &names));
        return None;
    };
    if history && *deletes == Deletes::Remove {
        let wrong = Wrong::new("`history` keeps the rows of deleted records");
        section.fault(span, wrong.advise("use deletes = \"mark\", or omit `history`"));
        return None;
    }
    Some(*deletes)
}

fn max_deletes(section: &Section<'_>) -> Option<MaxDeletes> {
    let Some((percent, span)) = section.number("max_deletes") else {
        return section.get("max_deletes").is_none().then(MaxDeletes::default);
    };
    let limit = MaxDeletes::percent(percent);
    if limit.is_none() {
        section.fault(span, Wrong::new("`max_deletes` must be a percentage from 0 to 100"));
    }
    limit
}

/// Reads the time range. The inner `None` if the operation takes none.
fn range(
    section: &Section<'_>,
    entry: &Entry,
    interval: Option<IntervalSpec>,
) -> Option<Option<RangePlan>> {
    let Some(interval) = interval else {
        let mut is_valid = true;
        for key in ["since", "lookback"].into_iter().filter(|key| section.get(key).is_some()) {
            let text = format!("`{key}`: {} takes no time range", entry.id);
            section.fault(section.place(key), Wrong::new(text).advise("omit it"));
            is_valid = false;
        }
        return is_valid.then_some(None);
    };
    let lookback = match section.get("lookback") {
        None => Some(LOOKBACK),
        Some(_) => section.duration("lookback"),
    };
    if section.get("full_every").is_some() {
        let text = format!("`full_every`: {} is read by time range", entry.id);
        section.fault(section.place("full_every"), Wrong::new(text).advise("set `lookback`"));
        return None;
    }
    if section.get("since").is_none() {
        let text = format!("{} takes a time range", entry.id);
        section.fault_here(Wrong::new(text).advise("add `since`, such as since = 2026-01-01"));
    }
    let (since, _) = section.date("since")?;
    let IntervalSpec { place, span, id, .. } = interval;
    Some(Some(RangePlan { place, span, id, since, lookback: lookback? }))
}

/// Reads the key.
fn key(
    section: &Section<'_>,
    columns: &Columns,
    default: Option<Vec<String>>,
    entry: &Entry,
) -> Option<Vec<String>> {
    let scalars = columns.all().iter().filter(|it| it.kind != ColumnKind::Json);
    let names: Vec<String> = scalars.map(|column| column.path.clone()).collect();
    let Some(given) = section.texts("key") else {
        if section.get("key").is_none() && default.is_none() {
            let text = format!("the records of {} have no known key", rust_name(entry));
            section.fault_here(
                Wrong::new(text).advise("add `key` with the fields that identify a record"),
            );
        }
        return default.filter(|_| section.get("key").is_none());
    };
    let mut key: Vec<String> = Vec::new();
    for (field, span) in given {
        if !names.iter().any(|name| name == field) {
            let text = match columns.all().iter().any(|column| column.path == field) {
                true => format!("`key`: `{field}` is not a single value"),
                false => format!("`key`: the records of {} have no field `{field}`", entry.id),
            };
            section.fault(span, unknown(text, field, &names));
            return None;
        }
        if key.iter().any(|known| known == field) {
            section.fault(span, Wrong::new(format!("`key` names `{field}` twice")));
            return None;
        }
        key.push(field.to_owned());
    }
    Some(key)
}

/// Finds an operation.
pub(super) fn operation(name: &str) -> Result<&'static Entry, Wrong> {
    let catalogue = Catalogue::embedded();
    if let Some(found) = catalogue.operation(name) {
        return Ok(found);
    }
    let names = catalogue.operations().flat_map(|it| [rust_name(it), it.id.clone()]);
    let by_name = catalogue.operations().filter(|it| it.rust.eq_ignore_ascii_case(name));
    let mut near: Vec<String> = by_name.map(rust_name).take(2).collect();
    if near.is_empty() {
        near = nearest(name, names, 2);
    }
    let wrong = Wrong::new(format!("unknown operation `{name}`"));
    Err(match &near[..] {
        [] => wrong.advise("`genesys-cloud operations --search WORD` searches operations"),
        near => wrong.advise(format!("did you mean `{}`?", near.join("` or `"))),
    })
}

/// Returns how an operation is read. Fails if it has no records, or may change something.
pub(super) fn readable(entry: &Entry) -> Result<OperationKind, Wrong> {
    let name = rust_name(entry);
    let kind = specs::kind(Catalogue::embedded(), entry);
    let kind = kind.map_err(|error| Wrong::new(error.to_string()))?;
    let tag = entry.tag().ok().flatten();
    let (reads, has_interval) =
        tag.map_or((false, false), |tag| (tag.reads, tag.interval.is_some()));
    match &kind {
        OperationKind::List(_) if entry.method == "GET" || reads => Ok(kind),
        OperationKind::Job(_) if !reads && !has_interval => {
            Err(Wrong::new(format!("{name} submits a job that may change data")))
        }
        OperationKind::Job(family) => match family.results() {
            Results::Nothing => Err(Wrong::new(format!("the jobs of {name} have no results"))),
            Results::Response(locations) if locations.iter().any(is_file) => {
                Err(Wrong::new(format!("the results of {name} are files")))
            }
            _ => Ok(kind),
        },
        OperationKind::List(_) => Err(Wrong::new(format!("{name} is not known to be read-only"))),
        OperationKind::Single | OperationKind::Accepted => {
            Err(Wrong::new(format!("{name} does not return a list")))
        }
    }
}

fn is_file(location: &ResultLocation) -> bool {
    matches!(location, ResultLocation::Files(_, FileForm::Bytes))
}

/// Returns the schema of the records of an operation, if the document describes them.
pub(super) fn item(entry: &'static Entry, kind: &OperationKind) -> Option<&'static Schema> {
    let catalogue = Catalogue::embedded();
    specs::record(catalogue, entry, kind).map(|schema| catalogue.resolve(schema))
}

/// Returns the name of an operation in the client, such as `routing.queues`.
pub(super) fn rust_name(operation: &Entry) -> String {
    format!("{}.{}", operation.group, operation.rust)
}
