//! Operations, lists and jobs of the catalogue as the runtime takes them: so that any of them runs by
//! name, without the generated bindings.

use std::borrow::Cow;
use std::time::Duration;

use genesys_cloud_catalogue::{Catalogue, Operation as Entry};
use genesys_cloud_core::{
    Availability, Cap, DoneWhen, Family, FileForm, JobCall, JobId, JobState, Listing, Method,
    Operation, PageSize, Place, Results, ResultsAt, Scheme, TokenOut,
};
use serde::Deserialize;

/// What kind of call an operation is.
#[derive(Clone, Debug, PartialEq)]
pub enum Way {
    /// One reply.
    Single,
    /// A list, in pages or in one reply.
    List(Box<Listing>),
    /// The submit of a job.
    Job(Box<Family>),
    /// Work that is accepted, with no way to ask how it stands.
    Accepted,
}

/// Where an operation takes an interval that can be read in pieces, and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntervalTag {
    /// The query parameter, or the field of the body.
    pub place: Place,
    /// The longest interval that is taken, where it is documented.
    pub span: Option<Duration>,
    /// The path of a record's id, where a record is the same in every interval that has it.
    pub id: Option<String>,
}

/// Why an entry of the catalogue can't be run: it was made for another version.
#[derive(Debug)]
pub struct Error(String);

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl From<genesys_cloud_catalogue::Error> for Error {
    fn from(error: genesys_cloud_catalogue::Error) -> Self {
        Self(error.to_string())
    }
}

/// The operation, to be sent.
///
/// # Errors
/// When its method is none that the API uses.
pub fn operation(entry: &Entry) -> Result<Operation, Error> {
    let tag = tag(entry)?;
    let operation = Operation::new(entry.id.clone(), method(entry)?, entry.path.clone());
    let operation = operation.also_accepting(accepted(entry));
    Ok(if tag.reads { operation.reads() } else { operation })
}

/// What kind of call it is, and all that a paginator or a job takes.
///
/// # Errors
/// When its tag, or the family that it names, is not in the form that is known.
pub fn way(catalogue: &Catalogue, entry: &Entry) -> Result<Way, Error> {
    let tag = tag(entry)?;
    Ok(match (tag.kind, tag.family) {
        (Kind::Single, _) => Way::Single,
        (Kind::Accepted, _) => Way::Accepted,
        (Kind::List | Kind::Paged, _) => Way::List(Box::new(listing(tag.list)?)),
        (Kind::Job, Some(name)) => Way::Job(Box::new(family(catalogue, &name)?)),
        (Kind::Job, None) => return Err(Error(format!("{}: a job of no family", entry.id))),
    })
}

/// Where a list or a job takes an interval. `None` if it takes none.
///
/// # Errors
/// When its tag is not in the form that is known.
pub fn interval(entry: &Entry) -> Result<Option<IntervalTag>, Error> {
    Ok(tag(entry)?.interval.map(|data| IntervalTag {
        place: Place::new(data.name, data.place == PlaceData::Body),
        span: data.days.map(|days| Duration::from_secs(86_400 * days)),
        id: data.id,
    }))
}

/// A family of jobs.
///
/// # Errors
/// When the catalogue has none of this name, or it is not in the form that is known.
pub fn family(catalogue: &Catalogue, name: &str) -> Result<Family, Error> {
    let data: FamilyData = catalogue
        .family(name)?
        .ok_or_else(|| Error(format!("the catalogue has no family `{name}`")))?;
    let call = |data: CallData| -> Result<JobCall, Error> {
        let entry = catalogue.operation(&data.operation);
        let entry = entry.ok_or_else(|| Error(format!("no operation `{}`", data.operation)))?;
        let path = data.path.unwrap_or_else(|| entry.path.clone());
        let operation = Operation::new(entry.id.clone(), method(entry)?, path);
        let mut call = JobCall::new(operation);
        if let Some(id) = data.id {
            call = call.with_id(id.into());
        }
        if let Some(list) = data.list {
            call = call.with_list(list.into());
        }
        Ok(call)
    };
    let states = data.states.into_iter().flat_map(|(state, names)| {
        names.into_iter().map(move |name| (Cow::Owned(name), state.into()))
    });
    let results = match data.results {
        FoundData::List(by, list) => Results::List(call(by)?, listing(list)?),
        FoundData::Status(list) => Results::Status(listing(list)?),
        FoundData::Reply(places) => Results::Reply(places.into_iter().map(Into::into).collect()),
        FoundData::Nothing => Results::Nothing,
    };
    let mut family = Family::new(data.name)
        .with_id(data.id.into())
        .with_done_when(data.done.into())
        .with_states(states.collect())
        .with_results(results);
    if let Some(status) = data.status {
        family = family.with_status(call(status)?);
    }
    if let Some(cancel) = data.cancel {
        family = family.with_cancel(call(cancel)?);
    }
    if let Some(redirects) = data.redirects {
        family = family.with_redirects(redirects.into());
    }
    if let Some(data) = data.available {
        let entry = catalogue.operation(&data.operation);
        let entry = entry.ok_or_else(|| Error(format!("no operation `{}`", data.operation)))?;
        let operation = Operation::new(entry.id.clone(), method(entry)?, entry.path.clone());
        let interval = Place::new(data.interval.name, data.interval.place == PlaceData::Body);
        family =
            family.with_availability(Availability::new(operation, data.field.into(), interval));
    }
    if data.at_once {
        family = family.with_results_at_once(true);
    }
    if let Some(hours) = data.hours {
        family = family.with_lifetime(Duration::from_secs(3600 * hours));
    }
    if let Some(topic) = data.topic {
        family = family.with_topic(topic.into());
    }
    if let Some(note) = data.note {
        family = family.with_note(note.into());
    }
    Ok(family)
}

fn tag(entry: &Entry) -> Result<Tag, Error> {
    entry.tag()?.ok_or_else(|| Error(format!("{}: the catalogue has no tag of it", entry.id)))
}

fn method(entry: &Entry) -> Result<Method, Error> {
    Ok(match entry.method.as_str() {
        "DELETE" => Method::Delete,
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "PATCH" => Method::Patch,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        other => return Err(Error(format!("{}: the method {other} is not known", entry.id))),
    })
}

/// The redirects that are an answer: those of the document, and what lies between them.
fn accepted(entry: &Entry) -> &'static [u16] {
    const REDIRECTS: [u16; 9] = [300, 301, 302, 303, 304, 305, 306, 307, 308];
    let statuses = entry.replies.iter().filter_map(|reply| reply.status);
    let places = statuses.filter_map(|status| REDIRECTS.iter().position(|it| *it == status));
    match (places.clone().min(), places.max()) {
        (Some(first), Some(last)) => REDIRECTS.get(first..=last).unwrap_or_default(),
        _ => &[],
    }
}

fn listing(data: ListingData) -> Result<Listing, Error> {
    let Some(name) = data.scheme else { return Err(Error("a list without a scheme".to_owned())) };
    let scheme = Scheme::named(&name);
    let scheme = scheme.ok_or_else(|| Error(format!("the scheme `{name}` is not known")))?;
    let mut listing = Listing::new(scheme, data.items.unwrap_or_else(|| "[]".to_owned()));
    if let Some(size) = data.page_size {
        let mut page_size = PageSize::new(size.name, size.text);
        if size.place == PlaceData::Body {
            page_size = page_size.in_body();
        }
        if let Some(usual) = size.usual {
            page_size = page_size.usually(usual);
        }
        if let Some(maximum) = size.maximum {
            page_size = page_size.at_most(maximum);
        }
        if let Some(minimum) = size.minimum {
            page_size = page_size.at_least(minimum);
        }
        listing = listing.with_page_size(page_size);
    }
    // The runtime knows what is usual of a scheme; only what differs is said.
    let place = |data: &PlaceAt| Place::new(data.name.clone(), data.place == PlaceData::Body);
    if let [one] = &data.token_in[..]
        && listing.token_in() != [place(one)]
    {
        listing = listing.with_token_in(place(one));
    }
    if let Some(out) = data.token_out {
        let token_out = match out.form {
            TokenForm::Field | TokenForm::LastItem => Some(TokenOut::field("").at(out.path)),
            TokenForm::Link => Some(TokenOut::link("").at(out.path)),
            TokenForm::InLink => Some(TokenOut::in_link("").at(out.path)),
            // That it is missing tells the end, of which the scheme knows by itself.
            TokenForm::Mark => None,
        };
        if let Some(token_out) = token_out.filter(|out| listing.token_out() != Some(out)) {
            listing = listing.with_token_out(token_out);
        }
    }
    if let Some(cap) = data.cap {
        let most = match cap.pages {
            Some(pages) => Cap::pages(pages),
            None => Cap::items(cap.items.unwrap_or_default()),
        };
        listing = listing.with_cap(match cap.condition {
            Some((name, value)) => most.where_query(name, value),
            None => most,
        });
    }
    if let Some(hours) = data.token_hours {
        listing = listing.with_token_lifetime(Duration::from_secs(3600 * hours));
    }
    if !data.fields.is_empty() {
        listing = listing.with_fields(data.fields);
    }
    if !data.values {
        listing = listing.with_objects();
    }
    if data.no_content {
        listing = listing.with_no_content();
    }
    Ok(match data.jobs {
        Some(path) => listing.with_jobs(path),
        None => listing,
    })
}

/// The tag of an operation in the catalogue.
#[derive(Deserialize)]
struct Tag {
    kind: Kind,
    #[serde(default)]
    reads: bool,
    family: Option<String>,
    interval: Option<IntervalData>,
    #[serde(flatten)]
    list: ListingData,
}

#[derive(Deserialize)]
struct IntervalData {
    place: PlaceData,
    name: String,
    days: Option<u64>,
    id: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Single,
    List,
    Paged,
    Job,
    Accepted,
}

#[derive(Deserialize)]
struct ListingData {
    scheme: Option<String>,
    items: Option<String>,
    page_size: Option<PageSizeData>,
    #[serde(default)]
    token_in: Vec<PlaceAt>,
    token_out: Option<TokenOutData>,
    cap: Option<CapData>,
    jobs: Option<String>,
    token_hours: Option<u64>,
    #[serde(default)]
    fields: Vec<String>,
    #[serde(default)]
    values: bool,
    #[serde(default)]
    no_content: bool,
}

#[derive(Deserialize)]
struct PageSizeData {
    name: String,
    place: PlaceData,
    text: bool,
    usual: Option<u64>,
    maximum: Option<u64>,
    minimum: Option<u64>,
}

#[derive(Deserialize)]
struct PlaceAt {
    name: String,
    place: PlaceData,
}

#[derive(PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum PlaceData {
    Query,
    Body,
}

#[derive(Deserialize)]
struct TokenOutData {
    path: String,
    form: TokenForm,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum TokenForm {
    Field,
    Link,
    InLink,
    LastItem,
    Mark,
}

#[derive(Deserialize)]
struct CapData {
    pages: Option<u64>,
    items: Option<u64>,
    #[serde(rename = "where")]
    condition: Option<(String, String)>,
}

#[derive(Deserialize)]
struct FamilyData {
    name: String,
    id: IdData,
    status: Option<CallData>,
    done: DoneData,
    #[serde(default)]
    states: Vec<(StateData, Vec<String>)>,
    results: FoundData,
    cancel: Option<CallData>,
    redirects: Option<String>,
    available: Option<AvailableData>,
    #[serde(default)]
    at_once: bool,
    hours: Option<u64>,
    topic: Option<String>,
    note: Option<String>,
}

#[derive(Deserialize)]
struct AvailableData {
    operation: String,
    field: String,
    interval: PlaceAt,
}

#[derive(Deserialize)]
struct CallData {
    operation: String,
    path: Option<String>,
    id: Option<String>,
    list: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum IdData {
    Field(String),
    Path(String),
    Header(String),
    Nowhere,
}

impl From<IdData> for JobId {
    fn from(data: IdData) -> Self {
        match data {
            IdData::Field(path) => Self::Field(path.into()),
            IdData::Path(name) => Self::Path(name.into()),
            IdData::Header(name) => Self::Header(name.into()),
            IdData::Nowhere => Self::Nowhere,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum DoneData {
    State(String),
    Field(String),
    Since(String),
    #[serde(rename = "not_202")]
    Not202,
}

impl From<DoneData> for DoneWhen {
    fn from(data: DoneData) -> Self {
        match data {
            DoneData::State(path) => Self::State(path.into()),
            DoneData::Field(path) => Self::Field(path.into()),
            DoneData::Since(path) => Self::Since(path.into()),
            DoneData::Not202 => Self::Not202,
        }
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StateData {
    Held,
    Succeeded,
    PartlySucceeded,
    Failed,
    Cancelled,
    Expired,
}

impl From<StateData> for JobState {
    fn from(data: StateData) -> Self {
        match data {
            StateData::Held => Self::Held,
            StateData::Succeeded => Self::Succeeded,
            StateData::PartlySucceeded => Self::PartlySucceeded,
            StateData::Failed => Self::Failed,
            StateData::Cancelled => Self::Cancelled,
            StateData::Expired => Self::Expired,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum FoundData {
    List(CallData, ListingData),
    Status(ListingData),
    Reply(Vec<AtData>),
    Nothing,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum AtData {
    Items(String),
    Json(String, String),
    Bytes(String),
}

impl From<AtData> for ResultsAt {
    fn from(data: AtData) -> Self {
        match data {
            AtData::Items(path) => Self::Items(path.into()),
            AtData::Json(urls, items) => Self::Files(urls.into(), FileForm::Json(items.into())),
            AtData::Bytes(urls) => Self::Files(urls.into(), FileForm::Bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_of_the_catalogue_can_be_run() {
        let catalogue = Catalogue::embedded();
        let (mut lists, mut jobs) = (0, 0);
        for entry in catalogue.operations() {
            let operation =
                operation(entry).unwrap_or_else(|error| panic!("{}: {error}", entry.id));
            assert_eq!(operation.id(), entry.id);
            match way(catalogue, entry).unwrap_or_else(|error| panic!("{}: {error}", entry.id)) {
                Way::List(_) => lists += 1,
                Way::Job(_) => jobs += 1,
                Way::Single | Way::Accepted => {}
            }
        }
        assert!(lists > 800 && jobs > 100, "{lists} lists, {jobs} jobs");
        for name in catalogue.family_names() {
            family(catalogue, name).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }

    #[test]
    fn an_answer_outside_of_2xx_is_accepted_where_the_document_has_one() {
        let statuses = |name| {
            let entry = Catalogue::embedded().operation(name).expect(name);
            accepted(entry)
        };
        assert_eq!(statuses("getRoutingQueues"), [0_u16; 0]);
        let others: Vec<&[u16]> =
            Catalogue::embedded().operations().map(accepted).filter(|it| !it.is_empty()).collect();
        assert!(others.iter().all(|it| matches!(it, [302] | [304])), "{others:?}");
        assert_eq!(others.len(), 5);
    }
}
