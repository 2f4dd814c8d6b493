//! Every operation that pages by number, not just those with a typed test.

use std::collections::{BTreeSet, HashSet};

use futures::TryStreamExt as _;
use futures::stream::{self, StreamExt as _};
use genesys_cloud::{CoreClient, Listing, Method, PageSize, Paginator, Request, Scheme};
use genesys_cloud_catalogue::{Catalogue, Kind, Location, Operation};
use genesys_cloud_mock::MockOrg;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::org;

/// How codegen says that an operation pages.
#[derive(Deserialize)]
struct Tag {
    scheme: Option<String>,
    items: Option<String>,
    page_size: Option<PageSizeTag>,
}

#[derive(Deserialize)]
struct PageSizeTag {
    name: String,
    text: bool,
    maximum: Option<u64>,
}

impl Tag {
    fn of(operation: &Operation) -> Self {
        operation.tag().expect("a tag of this form").expect("a tag")
    }

    fn listing(&self) -> Listing {
        let listing = Listing::new(Scheme::PageNumber, self.items.clone().expect("a path"));
        match &self.page_size {
            None => listing,
            Some(PageSizeTag { name, text, maximum }) => {
                let page_size = PageSize::new(name.clone(), *text);
                listing.with_page_size(match maximum {
                    None => page_size,
                    Some(maximum) => page_size.at_most(*maximum),
                })
            }
        }
    }
}

/// The operations that codegen says page by number.
fn tagged() -> impl Iterator<Item = &'static Operation> {
    let name = Scheme::PageNumber.name();
    let operations = Catalogue::embedded().operations();
    operations.filter(move |operation| Tag::of(operation).scheme.as_deref() == Some(name))
}

/// The org tells the scheme of an operation by rules of its own.
#[test]
fn codegen_and_the_fake_org_agree_on_what_pages_by_number() {
    let catalogue = Catalogue::embedded();
    let by_codegen: BTreeSet<&str> = tagged().map(|operation| operation.id.as_str()).collect();
    let by_org: BTreeSet<&str> = catalogue
        .operations()
        .filter(|operation| {
            let scheme = genesys_cloud_mock::Scheme::of(catalogue, operation);
            scheme == Some(genesys_cloud_mock::Scheme::PageNumber)
        })
        .map(|operation| operation.id.as_str())
        .collect();
    let differences: Vec<_> = by_codegen.symmetric_difference(&by_org).collect();
    assert!(differences.is_empty(), "{differences:?}");
    assert_eq!(by_codegen.len(), 287);
}

/// No list has more than five pages: the API refuses further ones of some.
const SIZES: [u64; 6] = [0, 1, 25, 26, 100, 125];
const PAGE_SIZE: u64 = 25;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[allow(clippy::print_stdout, reason = "a summary of what was covered")]
async fn every_record_of_every_operation_comes_once() {
    let (org, client) = org().await;
    let (org, client) = (&org, client.core());
    let counts: Vec<u64> = stream::iter(tagged())
        .map(|it| read_in_all_sizes(org, client, it))
        .buffer_unordered(2)
        .collect()
        .await;
    let requests = counts.iter().sum::<u64>();
    assert_eq!(org.request_count(), requests);
    println!("{} operations, lists of {SIZES:?} records: {requests} requests", counts.len());
}

/// Gives the number of requests that were made.
async fn read_in_all_sizes(
    org: &MockOrg,
    client: &CoreClient,
    operation: &'static Operation,
) -> u64 {
    let id = &operation.id;
    let tag = Tag::of(operation);
    let maximum = tag.page_size.as_ref().and_then(|page_size| page_size.maximum);
    let granted = PAGE_SIZE.min(maximum.unwrap_or(PAGE_SIZE));
    let most = *SIZES.last().expect("sizes");
    org.set_list(id, most).expect("a list");
    let (all, mut requests) = read_by_hand(client, operation, most).await;
    assert_eq!(all.iter().collect::<HashSet<_>>().len() as u64, most, "{id}: records that differ");

    for size in SIZES {
        org.set_list(id, size).expect("a list");
        let request = request(operation);
        let mut paginator =
            Paginator::<Box<RawValue>>::over(client, request, tag.listing()).page_size(PAGE_SIZE);
        let items: Result<Vec<_>, _> = (&mut paginator).try_collect().await;
        let items = items.unwrap_or_else(|error| panic!("{id} with {size} records: {error}"));
        let items: Vec<&str> = items.iter().map(|item| item.get()).collect();
        assert_eq!(items, all[..size as usize], "{id} with {size} records");

        let report = paginator.report();
        assert_eq!(report.requests, size.div_ceil(granted).max(1), "{id} with {size} records");
        requests += report.requests;
    }
    requests
}

/// The records of a list of known length, page by page by their numbers, without the paginator; and how
/// many pages that took.
async fn read_by_hand(
    client: &CoreClient,
    operation: &'static Operation,
    count: u64,
) -> (Vec<String>, u64) {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Page {
        entities: Vec<Box<RawValue>>,
        page_size: u64,
    }

    let mut records = Vec::new();
    let mut number = 0;
    while (records.len() as u64) < count {
        number += 1;
        let mut request = request(operation);
        request.set_query("pageSize", "500").set_query("pageNumber", number.to_string());
        let page: Page = client.execute(&request).await.expect("a page").json().expect("a page");
        assert!(page.entities.len() as u64 <= page.page_size && !page.entities.is_empty());
        records.extend(page.entities.into_iter().map(|record| record.get().to_owned()));
    }
    (records, number)
}

/// A request with all that the operation requires.
fn request(operation: &'static Operation) -> Request {
    let method = match operation.method.as_str() {
        "GET" => Method::Get,
        "POST" => Method::Post,
        other => panic!("{} is a {other}", operation.id),
    };
    let mut request =
        Request::new(genesys_cloud::Operation::new(&operation.id, method, &operation.path));
    for parameter in operation.parameters_in(Location::Path) {
        let value = if parameter.kind == Kind::Integer { "1" } else { "a" };
        request.set_path(&parameter.name, value);
    }
    for parameter in operation.parameters_in(Location::Query).filter(|it| it.required) {
        // As a filter by name, this lets all records pass.
        let value = if parameter.name == "name" { "*" } else { "1" };
        request.set_query(parameter.name.as_str(), value);
    }
    if operation.body.is_some() {
        request.set_body(&serde_json::json!({}));
    }
    request
}
