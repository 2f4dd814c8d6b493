//! Compares the catalogue with the bindings: renders each list and each job of the catalogue as generated code does,
//! and compares the text.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use genesys_cloud_catalogue::{Catalogue, Operation as Entry};
use genesys_cloud_core::specs::{self, OperationKind};
use genesys_cloud_core::{
    Completion, FileForm, JobId, JobOperation, JobSpec, JobState, ListSpec, Method, NextToken,
    ParamLocation, ResultLocation, Results,
};

/// A macro call in generated code: the name of the macro and its content, with whitespace normalized.
type Block = (String, Vec<String>);

/// Generated code by group.
fn generated() -> Vec<Vec<Block>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../genesys-cloud-api/src/generated");
    let mut groups = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let folder = entry.unwrap().path();
        let file = folder.join("operations.rs");
        if folder.is_dir() {
            groups.push(blocks(&crate::read(file)));
        }
    }
    groups
}

fn blocks(source: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = false;
    for line in source.lines() {
        match line.strip_suffix("! {") {
            Some(name) if !open && !name.contains(' ') => {
                blocks.push((name.to_owned(), Vec::new()));
                open = true;
            }
            _ if line == "}" => open = false,
            _ if open => blocks.last_mut().unwrap().1.push(line.trim().to_owned()),
            _ => {}
        }
    }
    blocks
}

/// What generated code states about an operation, by macro.
#[derive(Default)]
struct Stated {
    operation: String,
    lists: BTreeMap<String, String>,
    /// The content of `job!`, and the job spec that it names.
    jobs: BTreeMap<String, (String, String)>,
}

/// By operationId.
fn stated() -> BTreeMap<String, Stated> {
    let mut stated: BTreeMap<String, Stated> = BTreeMap::new();
    for blocks in generated() {
        let mut ids: BTreeMap<String, String> = BTreeMap::new();
        let mut families: BTreeMap<String, String> = BTreeMap::new();
        for (name, lines) in blocks {
            let text = || lines.join(" ");
            let call = || lines[0].split(" -> ").next().unwrap().to_owned();
            match name.as_str() {
                "operation" => {
                    let mut code = lines.iter().filter(|it| !it.starts_with(['/', '#']));
                    let signature = code.next().unwrap();
                    let operation = code.next().unwrap().clone();
                    let id = operation.split('"').nth(1).unwrap().to_owned();
                    if let Some(call) = signature.split(" -> ").nth(1) {
                        ids.insert(call.to_owned(), id.clone());
                    }
                    stated.entry(id).or_default().operation = operation;
                }
                "job_family" => {
                    let constant = lines[0].split(" = ").next().unwrap().to_owned();
                    families.insert(constant, text());
                }
                "paged" => {
                    let found = stated.get_mut(&ids[&call()]).unwrap();
                    found.lists.insert(call(), lines[1..].join(" "));
                }
                "job" => {
                    let constant = lines[1].rsplit(' ').next().unwrap().trim_end_matches(',');
                    let found = stated.get_mut(&ids[&call()]).unwrap();
                    found.jobs.insert(call(), (text(), families[constant].clone()));
                }
                _ => {}
            }
        }
    }
    stated
}

#[test]
fn the_catalogue_matches_the_bindings() {
    let catalogue = Catalogue::embedded();
    let stated = stated();
    let (mut wrong, mut lists, mut jobs) = (Vec::new(), 0, 0);
    let mut check = |what: &str, found: &str, expected: &str| {
        if found != expected {
            wrong.push(format!("{what}\n  catalogue {found}\n  bindings  {expected}"));
        }
    };
    assert_eq!(stated.len(), catalogue.operations().count());
    for entry in catalogue.operations() {
        let Stated { operation, lists: listed, jobs: submitted } = &stated[&entry.id];
        check(&entry.id, &operation_text(entry), operation);
        let interval = interval_text(entry);
        match specs::kind(catalogue, entry).unwrap() {
            OperationKind::List(listing) => {
                assert_eq!((listed.len(), submitted.len()), (1, 0), "{}", entry.id);
                let (_, expected) = listed.first_key_value().unwrap();
                let between = if interval.is_empty() { "" } else { " " };
                let found = format!("{}{between}{interval}", listing_text(&listing));
                check(&entry.id, &found, expected);
                lists += 1;
            }
            OperationKind::Job(family) => {
                assert_eq!((listed.len(), submitted.len()), (0, 1), "{}", entry.id);
                let (call, (job, stated)) = submitted.first_key_value().unwrap();
                check(&entry.id, &family_text(&family), stated);
                // The catalogue does not have the type of the items, except for bytes.
                let (named, rest) = job.split_once("; ").unwrap();
                let constant = constant(family.name());
                let comma = if interval.is_empty() { "" } else { ", " };
                let found = format!(
                    "{:?} {:?} {:?} {constant}{comma}{interval}",
                    entry.id,
                    verb(entry),
                    entry.path
                );
                check(&entry.id, &found, rest);
                let is_bytes = named == format!("{call} -> bytes");
                assert_eq!(is_bytes, has_bytes(&family), "{}", entry.id);
                jobs += 1;
            }
            OperationKind::Single | OperationKind::Accepted => {
                assert_eq!((listed.len(), submitted.len()), (0, 0), "{}", entry.id);
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(lists > 800 && jobs > 150, "{lists} lists, {jobs} jobs");
}

fn verb(entry: &Entry) -> Method {
    specs::operation(entry).unwrap().method()
}

fn operation_text(entry: &Entry) -> String {
    let operation = specs::operation(entry).unwrap();
    let is_post = operation.method() == Method::Post;
    let reads = if is_post && operation.is_repeatable() { " reads" } else { "" };
    let accepted: Vec<u16> = (300..400).filter(|status| operation.accepts(*status)).collect();
    let accepts = match &accepted[..] {
        [] => String::new(),
        statuses => format!(" accepts {statuses:?}"),
    };
    format!("{:?} {:?}{reads} {:?}{accepts}", entry.id, operation.method(), operation.path())
}

fn interval_text(entry: &Entry) -> String {
    let Some(known) = specs::interval(entry).unwrap() else { return String::new() };
    let mut text = format!("interval: {}", place_text(&known.place));
    if let Some(span) = known.span {
        let _ = write!(text, ", span: {} days", span.as_secs() / 86_400);
    }
    if let Some(id) = known.id {
        let _ = write!(text, ", id: {id:?}");
    }
    text
}

fn place_text(place: &ParamLocation) -> String {
    let kind = if place.is_in_body() { "body" } else { "query" };
    format!("{kind} {:?}", place.name())
}

/// Renders what differs from the defaults of the scheme.
fn listing_text(listing: &ListSpec) -> String {
    let usual = ListSpec::new(listing.scheme(), "");
    let items = match listing.items() {
        "[]" => Vec::new(),
        path => path.split('.').collect(),
    };
    let mut text = format!("{} {{ items: {items:?}", listing.scheme().name());
    if let Some(size) = listing.page_size() {
        let body = if size.place().is_in_body() { "body " } else { "" };
        let form = if size.is_text() { "text" } else { "integer" };
        let _ = write!(text, ", page_size: {body}{:?} as {form}", size.name());
        let bounds =
            [("usual", size.usual()), ("maximum", size.maximum()), ("minimum", size.minimum())];
        for (name, bound) in bounds {
            if let Some(bound) = bound {
                let _ = write!(text, ", {name}: {bound}");
            }
        }
    }
    if listing.token_in() != usual.token_in() {
        let places: Vec<String> = listing.token_in().iter().map(place_text).collect();
        let _ = write!(text, ", token_in: {}", places.join(" "));
    }
    if let Some(out) = listing.token_out().filter(|out| usual.token_out() != Some(out)) {
        let at = |form: NextToken| form.at(out.path().to_owned()) == *out;
        let form = match () {
            () if at(NextToken::field("")) => "field",
            () if at(NextToken::link("")) => "link",
            () if at(NextToken::in_link("")) => "in_link",
            () => "in_link of another name",
        };
        let _ = write!(text, ", token_out: {form} {:?}", out.path());
    }
    if let Some(cap) = listing.cap() {
        // As displayed: `1000 items where state=inactive`.
        let shown = cap.to_string();
        let (most, condition) = shown.split_once(" where ").unwrap_or((&shown, ""));
        let (most, unit) = most.split_once(' ').unwrap();
        let _ = write!(text, ", cap: {unit}({most})");
        if let Some((name, value)) = condition.split_once('=') {
            let _ = write!(text, " where {name:?} = {value:?}");
        }
    }
    if let Some(path) = listing.jobs() {
        let _ = write!(text, ", jobs: {path:?}");
    }
    if let Some(lifetime) = listing.token_lifetime() {
        let _ = write!(text, ", tokens: {} hours", lifetime.as_secs() / 3_600);
    }
    if let Some(fields) = listing.fields() {
        let _ = write!(text, ", fields: {fields:?}");
    }
    for (name, is_set) in
        [("values", !listing.has_objects()), ("no_content", listing.allows_no_content())]
    {
        if is_set {
            let _ = write!(text, ", {name}: true");
        }
    }
    text + " }"
}

fn constant(family: &str) -> String {
    family.replace('-', "_").to_ascii_uppercase()
}

fn has_bytes(family: &JobSpec) -> bool {
    let is_bytes =
        |place: &ResultLocation| matches!(place, ResultLocation::Files(_, FileForm::Bytes));
    matches!(family.results(), Results::Response(places) if places.iter().all(is_bytes))
}

fn family_text(family: &JobSpec) -> String {
    let mut facts = vec![match family.id() {
        JobId::Field(path) => format!("id: field {path:?}"),
        JobId::Path(name) => format!("id: path {name:?}"),
        JobId::Header(name) => format!("id: header {name:?}"),
        JobId::Nowhere => "id: nowhere".to_owned(),
        other => panic!("{other:?}"),
    }];
    facts.extend(family.status().map(|call| format!("status: {}", call_text(call))));
    facts.push(match family.done_when() {
        Completion::State(path) => format!("done: state {path:?} {}", states_text(family)),
        Completion::Field(path) => format!("done: field {path:?}"),
        Completion::Since(path) => format!("done: since {path:?}"),
        Completion::Not202 => "done: not_202".to_owned(),
        other => panic!("{other:?}"),
    });
    facts.push(match family.results() {
        Results::List(call, listing) => {
            format!("results: list {} {}", call_text(call), listing_text(listing))
        }
        Results::Status(listing) => format!("results: status {}", listing_text(listing)),
        Results::Response(places) => {
            let places = places.iter().map(|place| match place {
                ResultLocation::Items(path) => format!("items {path:?}"),
                ResultLocation::Files(urls, FileForm::Json(items)) => {
                    format!("json {urls:?} {items:?}")
                }
                ResultLocation::Files(urls, FileForm::Bytes) => format!("bytes {urls:?}"),
                other => panic!("{other:?}"),
            });
            format!("results: reply [{}]", places.collect::<Vec<_>>().join(", "))
        }
        Results::Nothing => "results: nothing".to_owned(),
        other => panic!("{other:?}"),
    });
    facts.extend(family.cancel().map(|call| format!("cancel: {}", call_text(call))));
    facts.extend(family.redirects().map(|path| format!("redirects: {path:?}")));
    facts.extend(family.availability().map(|it| {
        let (operation, place) = (it.operation(), it.interval());
        format!(
            "availability: {:?} {:?} {:?} {:?} for {} {:?}",
            operation.id(),
            operation.method(),
            operation.path(),
            it.field(),
            if place.is_in_body() { "body" } else { "query" },
            place.name(),
        )
    }));
    facts.extend(family.results_at_once().then(|| "at_once: true".to_owned()));
    let hours = family.lifetime().map(|it| it.as_secs() / 3_600);
    facts.extend(hours.map(|hours| format!("lifetime: {hours} hours")));
    facts.extend(family.topic().map(|topic| format!("topic: {topic:?}")));
    facts.extend(family.note().map(|note| format!("note: {note:?}")));
    format!("{} = {:?}; {},", constant(family.name()), family.name(), facts.join(", "))
}

fn states_text(family: &JobSpec) -> String {
    let named = [
        ("held", JobState::AwaitingInput),
        ("succeeded", JobState::Succeeded),
        ("partly_succeeded", JobState::PartlySucceeded),
        ("failed", JobState::Failed),
        ("cancelled", JobState::Cancelled),
        ("expired", JobState::Expired),
    ];
    let named = named.into_iter().filter_map(|(word, state)| {
        let names: Vec<&str> = family
            .states()
            .iter()
            .filter(|(_, it)| *it == state)
            .map(|(name, _)| name.as_ref())
            .collect();
        (!names.is_empty()).then(|| format!("{word}: {names:?}"))
    });
    format!("{{ {} }}", named.collect::<Vec<_>>().join(", "))
}

fn call_text(call: &JobOperation) -> String {
    let id = call.id().map(|name| format!("id {name:?}"));
    let list = call.list().map(|path| format!("list {path:?}"));
    let words: Vec<String> = id.into_iter().chain(list).collect();
    let operation = call.operation();
    format!(
        "{:?} {:?} {:?} ({})",
        operation.id(),
        operation.method(),
        operation.path(),
        words.join(" ")
    )
}
