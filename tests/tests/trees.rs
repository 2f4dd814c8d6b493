//! Every list with path parameters, read for all records of the lists that supply them.

#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeMap;

use genesys_cloud::{Client, Nested, Paginator, Verdict};
use genesys_cloud_catalogue::tags::Parent;
use genesys_cloud_catalogue::{Catalogue, Kind, Location, Operation as Entry, Parameter};
use genesys_cloud_core::specs::{self, OperationKind};
use genesys_cloud_core::{RawItem, Request};
use genesys_cloud_mock::MockOrg;
use serde_json::{Value, json};

/// Values of path parameters.
type Values = BTreeMap<String, String>;

/// A value that the API document allows.
fn value(parameter: &Parameter) -> String {
    match (parameter.values.first(), parameter.kind, parameter.format.as_deref()) {
        (Some(Value::String(value)), ..) => value.clone(),
        (Some(value), ..) => value.to_string(),
        (_, Kind::Integer | Kind::Number, _) => "1".to_owned(),
        (_, Kind::Boolean, _) => "true".to_owned(),
        (_, _, Some("date-time")) => "2026-05-01T00:00:00Z".to_owned(),
        (_, _, Some("date")) => "2026-05-01".to_owned(),
        _ if parameter.name == "interval" => "2026-05-01/2026-05-02".to_owned(),
        _ => "x".to_owned(),
    }
}

/// The list of an operation for these values.
fn list(client: &Client, entry: &Entry, values: &Values) -> Paginator<RawItem> {
    let mut request = Request::new(specs::operation(entry).unwrap());
    for parameter in entry.parameters.iter().filter(|parameter| parameter.required) {
        match parameter.location {
            Location::Path => request.set_path(parameter.name.clone(), &values[&parameter.name]),
            Location::Query => request.set_query(parameter.name.clone(), value(parameter)),
            _ => request.set_header(&parameter.name, value(parameter)),
        };
    }
    if entry.body.is_some() {
        request.set_body(&json!({ "interval": "2026-05-01T00:00:00Z/2026-05-02T00:00:00Z" }));
    }
    match specs::kind(Catalogue::embedded(), entry).unwrap() {
        OperationKind::List(spec) => Paginator::raw(client, request, *spec),
        OperationKind::Job(spec) => Paginator::raw_from_job(client, request, *spec),
        OperationKind::Single | OperationKind::Accepted => panic!("{} does not list", entry.id),
    }
}

/// The text or number at a path of an item.
fn field(item: RawItem, path: &str) -> String {
    let item: Value = serde_json::from_str(item.into_json().unwrap().get()).unwrap();
    let found = path.split('.').fold(&item, |value, name| &value[name]);
    match found {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        other => panic!("{path} is {other}"),
    }
}

/// These values with those of one more parameter, from the records of its parent.
async fn with_parent(client: &Client, known: Vec<Values>, parent: &Parent) -> Vec<Values> {
    let source = parent.list.as_ref().unwrap();
    let entry = Catalogue::embedded().operation(&source.operation).unwrap();
    let of = client.clone();
    let mut records = Nested::of(known, move |values| list(&of, entry, values));
    let mut all = Vec::new();
    while let Some(record) = records.try_next().await.unwrap() {
        let mut values = Values::clone(&record.parent);
        values.insert(parent.parameter.clone(), field(record.item, &source.field));
        all.push(values);
    }
    assert_eq!(records.report().verdict(), Verdict::Complete, "{}", entry.id);
    all
}

/// Whether each parent can be listed with the values of the parameters before it.
fn is_chain(parents: &[Parent]) -> bool {
    let is_bound = |at: usize, name: &str| parents[..at].iter().any(|it| it.parameter == name);
    parents.iter().enumerate().all(|(at, parent)| {
        let source =
            parent.list.as_ref().and_then(|it| Catalogue::embedded().operation(&it.operation));
        source.is_some_and(|source| {
            let mut in_path = source.parameters.iter().filter(|it| it.location == Location::Path);
            in_path.all(|it| is_bound(at, &it.name))
        })
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_list_with_parents_is_read_as_a_tree() {
    let org =
        MockOrg::builder().default_count(3).calls_per_minute(1_000_000).start().await.unwrap();
    let client = Client::of(&org);
    let (mut trees, mut levels, mut without) = (0, BTreeMap::new(), Vec::new());
    for entry in Catalogue::embedded().operations() {
        let tag = entry.tag().unwrap();
        let Some(tag) = tag.filter(|tag| tag.is_list() && !tag.parents.is_empty()) else {
            continue;
        };
        if !is_chain(&tag.parents) {
            without.push(entry.id.as_str());
            continue;
        }
        let mut values = vec![Values::new()];
        for parent in &tag.parents {
            values = with_parent(&client, values, parent).await;
        }
        let (parents, of) = (values.len(), client.clone());
        let mut tree = Nested::of(values, move |values| list(&of, entry, values));
        let mut items = 0;
        while let Some(item) = tree.try_next().await.unwrap_or_else(|error| panic!("{error:#}")) {
            drop(item);
            items += 1;
        }
        let expected = org.expected(&entry.id).unwrap().records.len();
        assert!(parents > 0, "{} has no parents", entry.id);
        assert_eq!(items, parents * expected, "{}", entry.id);
        assert_eq!(tree.report().verdict(), Verdict::Complete, "{}", entry.id);
        trees += 1;
        *levels.entry(tag.parents.len()).or_insert(0) += 1;
    }
    assert!(trees >= 240 && levels.len() >= 3, "{trees} {levels:?} {without:?}");
}
