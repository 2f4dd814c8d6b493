//! Decodes pages of 100 queues in several ways, in turns, and prints the speed of each: the median over all rounds.
//!
//! The argument is the number of rounds. The pages come from a fake org in this process, before the first round.

mod files;
#[path = "../../paging/src/queue.rs"]
mod queue;

use std::env;
use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use arrow_json::ReaderBuilder;
use genesys_cloud_arrow::arrow_schema::{DataType, Field, Fields, Schema};
use std::sync::Arc;
use genesys_cloud_arrow::{Decoder, RecordSchema};
use genesys_cloud_catalogue::Catalogue;
use genesys_cloud_core::{Client, Paginator, Request, specs};
use genesys_cloud_mock::MockOrg;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const PAGE_SIZE: usize = 100;
const PAGES: usize = 80;
/// A job, and the number of its records.
const JOB: &str = "postAnalyticsConversationsDetailsJobs";
const CONVERSATIONS: u64 = 4000;
/// The rows of a batch.
const ROWS: usize = 8000;

/// A way to decode the pages. Returns the number of queues.
type Way<'a> = Box<dyn FnMut(&[String]) -> Result<usize> + 'a>;

#[tokio::main]
async fn main() -> Result<()> {
    let rounds: usize = env::args().nth(1).map_or(Ok(15), |rounds| rounds.parse())?;
    let (pages, schema) = pages().await?;
    let bytes: usize = pages.iter().map(String::len).sum();
    println!("{PAGES} pages of {PAGE_SIZE} queues, {} kB each\n", bytes / PAGES / 1000);

    let projected = schema.project(["id", "name", "division.name", "memberCount"])?;
    let mut ways: Vec<(&str, Way<'_>)> = vec![
        ("split of the page", Box::new(split)),
        ("genesys-cloud-arrow", Box::new(|pages| through_arrow(pages, &schema))),
        ("genesys-cloud-arrow, 4 fields", Box::new(|pages| through_arrow(pages, &projected))),
        ("arrow-json behind the split", Box::new(|pages| through_arrow_json(pages, &schema))),
        ("structs with serde's derive", Box::new(derived)),
        ("structs of the SDK", Box::new(bindings)),
    ];
    let mut seconds = vec![Vec::new(); ways.len()];
    for _ in 0..rounds {
        for ((_, way), seconds) in ways.iter_mut().zip(&mut seconds) {
            let start = Instant::now();
            match way(&pages) {
                Ok(queues) => assert_eq!(queues, PAGES * PAGE_SIZE),
                Err(error) => println!("{error}"),
            }
            seconds.push(start.elapsed().as_secs_f64());
        }
    }
    for ((name, _), mut seconds) in ways.iter().zip(seconds) {
        seconds.sort_by(f64::total_cmp);
        let median = seconds[seconds.len() / 2];
        println!("{name:<30} {:>6.0} MB/s", bytes as f64 / 1e6 / median);
    }
    let rounds = rounds.div_ceil(3);
    let mut queues = Vec::new();
    for page in &pages {
        queues.extend(items(page)?.into_iter().map(ToOwned::to_owned));
    }
    files::compare(("queues", "routing.queues"), &queues, rounds).await?;
    let conversations = conversations().await?;
    files::compare(("conversations", JOB), &conversations, rounds).await
}

/// The records of a job.
async fn conversations() -> Result<Vec<Box<RawValue>>> {
    let results = "getAnalyticsConversationsDetailsJobResults";
    let org = MockOrg::builder().list(results, CONVERSATIONS).start().await?;
    let client = Client::builder().api_url(org.url()).access_token(org.access_token());
    let client: Client = client.build()?;
    let catalogue = Catalogue::embedded();
    let entry = catalogue.operation(JOB).ok_or("no such job")?;
    let specs::OperationKind::Job(family) = specs::kind(catalogue, entry)? else {
        return Err("not a job".into());
    };
    let mut request = Request::new(specs::operation(entry)?);
    request.set_body(&serde_json::json!({}));
    let mut job = Paginator::raw_from_job(&client, request, *family);
    let mut records = Vec::new();
    while let Some(item) = job.try_next().await? {
        records.push(item.into_json()?.to_owned());
    }
    Ok(records)
}

async fn pages() -> Result<(Vec<String>, RecordSchema)> {
    let queues = (PAGES * PAGE_SIZE) as u64;
    let org = MockOrg::builder().list("getRoutingQueues", queues).start().await?;
    let client = Client::builder().api_url(org.url()).access_token(org.access_token());
    let client: Client = client.build()?;
    let catalogue = Catalogue::embedded();
    let entry = catalogue.operation("routing.queues").ok_or("no such list")?;
    let specs::OperationKind::List(spec) = specs::kind(catalogue, entry)? else {
        return Err("not a list".into());
    };
    let list = Paginator::raw(&client, Request::new(specs::operation(entry)?), *spec);
    let mut list = list.page_size(PAGE_SIZE);
    let (mut pages, mut items) = (Vec::new(), Vec::new());
    while let Some(item) = list.try_next().await? {
        items.push(item.into_json()?.get().to_owned());
        if items.len() == PAGE_SIZE {
            pages.push(format!(r#"{{"entities":[{}],"pageNumber":1,"total":{queues}}}"#, items.join(",")));
            items.clear();
        }
    }
    Ok((pages, RecordSchema::of(catalogue, entry)?))
}

#[derive(Deserialize)]
struct Page<T> {
    entities: Vec<T>,
}

fn items(page: &str) -> Result<Vec<&RawValue>> {
    let page: Page<&RawValue> = serde_json::from_str(page)?;
    Ok(page.entities)
}

fn split(pages: &[String]) -> Result<usize> {
    let mut queues = 0;
    for page in pages {
        queues += black_box(items(page)?).len();
    }
    Ok(queues)
}

fn through_arrow(pages: &[String], schema: &RecordSchema) -> Result<usize> {
    let mut decoder = Decoder::new(schema.clone());
    let mut queues = 0;
    for page in pages {
        for item in items(page)? {
            decoder.push(item)?;
            if decoder.rows() == ROWS {
                queues += black_box(decoder.finish()?).num_rows();
            }
        }
    }
    Ok(queues + black_box(decoder.finish()?).num_rows())
}

fn through_arrow_json(pages: &[String], schema: &RecordSchema) -> Result<usize> {
    let mut decoder = ReaderBuilder::new(Arc::new(Schema::new(fields(schema.arrow().fields())))).with_batch_size(ROWS).build_decoder()?;
    let mut queues = 0;
    for page in pages {
        for item in items(page)? {
            decoder.decode(item.get().as_bytes())?;
            decoder.decode(b"\n")?;
            if decoder.len() == ROWS {
                queues += black_box(decoder.flush()?).map_or(0, |batch| batch.num_rows());
            }
        }
    }
    Ok(queues + black_box(decoder.flush()?).map_or(0, |batch| batch.num_rows()))
}

/// The fields that arrow-json can read: without JSON text, and with an offset instead of UTC.
fn fields(all: &Fields) -> Fields {
    let is_json = |field: &Field| field.metadata().contains_key("ARROW:extension:name");
    let has_json = |field: &Field| match field.data_type() {
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(entry) => entry.iter().any(|it| is_json(it)),
            _ => false,
        },
        DataType::List(element) => is_json(element),
        _ => is_json(field),
    };
    all.iter().filter(|it| !has_json(it)).map(|it| field(it)).collect()
}

fn field(field: &Field) -> Field {
    let inner = |it: &Arc<Field>| Arc::new(self::field(it));
    let data_type = match field.data_type() {
        DataType::Struct(all) => DataType::Struct(fields(all)),
        DataType::List(element) => DataType::List(inner(element)),
        DataType::Map(entries, sorted) => DataType::Map(inner(entries), *sorted),
        DataType::Timestamp(unit, Some(_)) => DataType::Timestamp(*unit, Some("+00:00".into())),
        other => other.clone(),
    };
    Field::new(field.name(), data_type, field.is_nullable())
}

fn structs<T: DeserializeOwned>(pages: &[String]) -> Result<usize> {
    let mut queues = 0;
    for page in pages {
        let page: Page<T> = serde_json::from_str(page)?;
        queues += black_box(page.entities).len();
    }
    Ok(queues)
}

fn derived(pages: &[String]) -> Result<usize> {
    structs::<queue::Queue>(pages)
}

fn bindings(pages: &[String]) -> Result<usize> {
    structs::<genesys_cloud::types::Queue>(pages)
}
