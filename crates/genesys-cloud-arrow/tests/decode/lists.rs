//! Lists of the fake org.

use futures::TryStreamExt as _;
use genesys_cloud_arrow::{ArrowReader, RecordSchema};
use genesys_cloud_catalogue::{Catalogue, Kind, Location, Operation};
use genesys_cloud_core::serde_json::{Value, json};
use genesys_cloud_core::specs::{self, OperationKind};
use genesys_cloud_core::{Client, Paginator, RawItem, Request, Verdict};
use genesys_cloud_mock::MockOrg;

use crate::json;

/// A search of `{"pageNumber":1,"pageSize":10}` as the API takes it: gzip in base64.
const SEARCH: &str = "H4sIAAAAAAACA6tWKkhMT/UrzU1KLVKyMtQBc4Mzq1KBHINaAEDkRzseAAAA";

pub(crate) fn client(org: &MockOrg) -> Client {
    let client = Client::builder().api_url(org.url()).access_token(org.access_token());
    client.build().expect("a client")
}

/// A request with a value for each required parameter.
fn request(operation: &Operation) -> Request {
    let mut request = Request::new(specs::operation(operation).expect("an operation"));
    for parameter in operation.parameters.iter().filter(|parameter| parameter.required) {
        let value = match (&*parameter.name, parameter.kind) {
            ("q64", _) => SEARCH,
            (_, Kind::Integer | Kind::Number) => "1",
            _ => "2024-05-01",
        };
        match parameter.location {
            Location::Path => request.set_path(parameter.name.clone(), value),
            Location::Query => request.set_query(parameter.name.clone(), value),
            _ => &mut request,
        };
    }
    if operation.body.is_some() {
        request.set_body(&json!({}));
    }
    request
}

pub(crate) fn list(client: &Client, name: &str) -> (Paginator<RawItem>, &'static Operation) {
    let catalogue = Catalogue::embedded();
    let entry = catalogue.operation(name).expect(name);
    let request = request(entry);
    let list = match specs::kind(catalogue, entry).expect(name) {
        OperationKind::List(spec) => Paginator::raw(client, request, *spec),
        OperationKind::Job(spec) => Paginator::raw_from_job(client, request, *spec),
        other => panic!("{name}: {other:?}"),
    };
    (list, entry)
}

/// Compares each batch with the JSON of its records, which is read separately.
#[tokio::test(flavor = "multi_thread")]
async fn records_of_every_list_are_decoded_by_key_and_content() {
    let org = MockOrg::builder().default_count(4).start().await.expect("an org");
    let client = client(&org);
    let catalogue = Catalogue::embedded();
    let (mut lists, mut records, mut results) = (0, 0, 0);
    for entry in catalogue.operations() {
        let kind = specs::kind(catalogue, entry).expect(&entry.id);
        if !matches!(kind, OperationKind::List(_)) {
            continue;
        }
        let schema = RecordSchema::of(catalogue, entry).expect(&entry.id);
        let fields = schema.arrow().fields().clone();
        let items: Result<Vec<RawItem>, _> =
            list(&client, &entry.id).0.limit(4).try_collect().await;
        let items = match items {
            Ok(items) => items,
            Err(error) => {
                // The results of a job that was not submitted.
                assert!(error.status().is_some_and(|status| status == 404), "{error}");
                results += 1;
                continue;
            }
        };
        let reader = ArrowReader::new(list(&client, &entry.id).0.limit(4), schema.clone());
        let batches: Vec<_> = reader.batch_rows(3).try_collect().await.expect(&entry.id);
        let rows: Vec<Value> = batches.iter().flat_map(json::rows).collect();
        assert_eq!(rows.len(), items.len(), "{}", entry.id);
        let is_value = fields.len() == 1 && fields[0].name() == "value" && {
            let record = specs::record(catalogue, entry, &kind).map(|it| catalogue.resolve(it));
            record.is_none_or(|record| record.properties.is_empty())
        };
        for (item, row) in items.iter().zip(&rows) {
            let item: Value = item.json().expect("JSON").get().parse().expect("JSON");
            let expected = match is_value {
                true => json!({ "value": json::expected_value(&item, &fields[0]) }),
                false => json::expected(&item, &fields),
            };
            assert_eq!(*row, expected, "{}", entry.id);
        }
        lists += 1;
        records += rows.len();
    }
    assert!(
        lists > 750 && records > 2_400 && results < 45,
        "{lists} lists, {records} records, {results} lists of results"
    );
}

#[tokio::test]
async fn a_job_is_read_as_batches() {
    let org = MockOrg::start().await.expect("an org");
    let client = client(&org);
    let (list, entry) = list(&client, "postAnalyticsConversationsDetailsJobs");
    let schema = RecordSchema::of(Catalogue::embedded(), entry).expect("a schema");
    let mut reader = ArrowReader::new(list, schema)
        .project(["conversationId", "participants.sessions.segments.segmentEnd"])
        .expect("fields");
    let mut rows = Vec::new();
    while let Some(batch) = reader.try_next().await.expect("a batch") {
        rows.extend(json::rows(&batch));
    }
    assert_eq!(rows.len(), 100);
    assert!(rows.iter().all(|row| row["conversationId"].is_string()));
    let report = reader.report();
    assert_eq!((report.verdict, report.rows, report.skipped), (Verdict::Complete, 100, 0));
}
