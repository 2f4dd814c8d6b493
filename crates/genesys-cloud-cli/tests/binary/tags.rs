//! Reads lists of each scheme and runs jobs of each kind from the catalogue, and compares the records with those that
//! the fake org expects.

use std::collections::BTreeMap;

use genesys_cloud_catalogue::{Catalogue, Kind, Location, Operation as Entry};
use genesys_cloud_core::specs::{self, OperationKind};
use genesys_cloud_core::{Client, Paginator, Request, Results};
use genesys_cloud_mock::{Expected, JobEnd, MockOrg};
use serde_json::{Value, json};

/// The search `{"pageNumber":1,"pageSize":10}`, compressed and in base64.
const SEARCH: &str = "H4sIAAAAAAACA6tWKkhMT/UrzU1KLVKyMtQBc4Mzq1KBHINaAEDkRzseAAAA";

/// A request with all required parameters.
fn request(entry: &Entry) -> Request {
    let mut request = Request::new(specs::operation(entry).unwrap());
    for parameter in entry.parameters.iter().filter(|it| it.required) {
        let value = match (parameter.kind, parameter.name.as_str(), parameter.format.as_deref()) {
            (_, "q64", _) => SEARCH,
            (_, "name", _) => "*",
            (Kind::Integer | Kind::Number, ..) => "1",
            (Kind::Boolean, ..) => "true",
            (_, _, Some("date-time")) => "2024-05-01T00:00:00Z",
            (_, _, Some("date")) => "2024-05-01",
            _ => "a",
        };
        match parameter.location {
            Location::Path => request.set_path(parameter.name.clone(), value),
            Location::Header => request.set_header(&parameter.name, value),
            _ => request.add_query(parameter.name.clone(), value),
        };
    }
    if entry.body.as_ref().is_some_and(|body| body.required) {
        request.set_body(&json!({}));
    }
    request
}

async fn client(org: &MockOrg) -> Client {
    let builder = Client::builder().api_url(org.url()).login_url(org.url());
    builder.credentials(org.client_id(), org.client_secret()).build().unwrap()
}

async fn keys(mut list: Paginator<Value>) -> Vec<String> {
    let mut keys = Vec::new();
    while let Some(record) = list.try_next().await.unwrap() {
        keys.push(Expected::key(&record));
    }
    keys
}

#[tokio::test]
async fn reads_lists_of_every_scheme_from_the_catalogue() {
    let org = MockOrg::start().await.unwrap();
    let client = client(&org).await;
    let mut schemes: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    let catalogue = Catalogue::embedded();
    for entry in catalogue.operations() {
        if let OperationKind::List(listing) = specs::kind(catalogue, entry).unwrap() {
            schemes.entry(listing.scheme().name()).or_default().push(entry);
        }
    }
    assert!(schemes.len() > 20, "{:?}", schemes.keys());
    for (scheme, entries) in schemes {
        let step = entries.len().div_ceil(6);
        for entry in entries.iter().step_by(step) {
            let OperationKind::List(listing) = specs::kind(catalogue, entry).unwrap() else {
                continue;
            };
            // Results of jobs exist although none was submitted.
            org.set_list(&entry.id, 30).unwrap();
            let list = Paginator::<Value>::from_request(&client, request(entry), *listing);
            // The default page size of the fake org, unless one response has the whole list.
            let truth = org.expected(&entry.id).unwrap();
            let found = keys(list).await;
            assert!(!found.is_empty(), "{scheme} {}", entry.id);
            assert!(
                found == truth.records || found.starts_with(&truth.records),
                "{scheme} {}: {} records, not {}",
                entry.id,
                found.len(),
                truth.records.len()
            );
        }
    }
}

#[tokio::test]
async fn runs_jobs_of_every_spec_from_the_catalogue() {
    let org = MockOrg::builder().default_count(12).start().await.unwrap();
    let client = client(&org).await;
    let catalogue = Catalogue::embedded();
    let mut families: BTreeMap<String, &Entry> = BTreeMap::new();
    for entry in catalogue.operations() {
        if let OperationKind::Job(family) = specs::kind(catalogue, entry).unwrap() {
            families.entry(family.name().to_owned()).or_insert(entry);
        }
    }
    let mut jobs = Vec::new();
    for (name, entry) in families {
        let family = specs::job_spec(catalogue, &name).unwrap();
        let is_listed = match family.results() {
            // The job spec does not have such parameters.
            Results::List(call, _) => {
                let listed_by = catalogue.operation(call.operation().id()).unwrap();
                let mut query = listed_by.parameters_in(Location::Query);
                family.is_pollable() && !query.any(|parameter| parameter.required)
            }
            _ => false,
        };
        // For the fake org, an operation that is polled by sending it again is not a job.
        let Ok(truth) = org.expected_job(&entry.id) else { continue };
        if is_listed && truth.end == JobEnd::Succeeded && truth.awaiting_input.is_none() {
            jobs.push((name, Paginator::<Value>::from_job(&client, request(entry), family), truth));
        }
    }
    assert!(jobs.len() > 20, "{} jobs", jobs.len());
    // Concurrently, because each job is polled after a delay.
    let read = jobs.into_iter().map(async |(name, list, truth)| {
        let found = keys(list).await;
        assert_eq!(found, truth.records, "{name}");
    });
    futures::future::join_all(read).await;
}
