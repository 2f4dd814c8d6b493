//! Programs without an async runtime: blocking calls, and lists as iterators.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::thread;

use genesys_cloud::blocking;
use genesys_cloud::test_util::ResponseTemplate;
use genesys_cloud::test_util::mock::{CannedResponse, MockOrg};
use genesys_cloud::types::AsyncConversationQuery;
use genesys_cloud::{Client, Error, ErrorKind, FileStore, Paginator, Verdict};
use tokio::runtime::Runtime;

/// An org and its runtime. Dropping the runtime stops the org.
fn org(queues: u64) -> (Runtime, MockOrg) {
    let runtime = Runtime::new().unwrap();
    let builder = MockOrg::builder().list("getRoutingQueues", queues);
    let org = runtime.block_on(builder.start()).unwrap();
    (runtime, org)
}

#[test]
fn a_call_blocks() {
    let (_runtime, org) = org(3);
    let client = Client::of(&org);
    let queues = blocking::wait(client.routing().queues()).unwrap();
    let queues = queues.into_value().entities.unwrap();
    assert_eq!(queues.len(), 3);
    org.respond_next("getRoutingQueue", CannedResponse::error(404, "not.found", "none")).unwrap();
    let missing = blocking::wait(client.routing().queue("none")).unwrap_err();
    assert_eq!(missing.status(), Some(404));
}

#[test]
fn a_list_is_an_iterator_with_a_report() {
    let (_runtime, org) = org(60);
    let client = Client::of(&org);
    let mut queues = blocking::iter(client.routing().queues().paginate().page_size(25).prefetch(2));
    let names = queues.by_ref().map(|queue| queue.unwrap().name.unwrap()).collect::<Vec<_>>();
    assert_eq!(names.len(), 60);
    let report = queues.get_ref().report();
    assert_eq!((report.pages, report.verdict()), (3, Verdict::Complete));
    assert!(queues.next().is_none());

    let pages = client.routing().queues().paginate().page_size(25).pages();
    let pages = blocking::iter(pages).collect::<Result<Vec<_>, Error>>().unwrap();
    assert_eq!(pages.iter().map(|page| page.items().len()).collect::<Vec<_>>(), [25, 25, 10]);
}

#[test]
fn a_list_resumes() {
    let (_runtime, org) = org(60);
    let client = Client::of(&org);
    let list = || client.routing().queues().paginate().page_size(25);
    let mut queues = blocking::iter(list());
    let first = queues.by_ref().take(30).collect::<Result<Vec<_>, _>>().unwrap();
    let checkpoint = queues.into_inner().checkpoint();
    let rest = blocking::iter(list().resume(&checkpoint)).collect::<Result<Vec<_>, _>>().unwrap();
    assert_eq!((first.len(), rest.len()), (30, 30));
    let queues = first.into_iter().chain(rest);
    let ids: BTreeSet<_> = queues.filter_map(|queue| queue.id).collect();
    assert_eq!(ids.len(), 60);

    let folder = tempfile::tempdir().unwrap();
    let store = || FileStore::new(folder.path());
    let mut batches = list().checkpointed(store(), "queues", 40);
    let batch = blocking::wait(batches.try_next()).unwrap().unwrap();
    assert_eq!(batch.items().len(), 40);
    blocking::wait(batch.commit()).unwrap();
    drop(batches);
    let mut batches = list().checkpointed(store(), "queues", 40);
    let batch = blocking::wait(batches.try_next()).unwrap().unwrap();
    assert_eq!(batch.items().len(), 20);
}

#[test]
fn submits_awaits_and_reads_a_job() {
    let (_runtime, org) = org(0);
    let client = Client::of(&org);
    let query = AsyncConversationQuery {
        interval: Some("2026-05-01T00:00:00Z/2026-05-02T00:00:00Z".to_owned()),
        ..Default::default()
    };
    let call = client.analytics().conversations_details_jobs(query.clone());
    let mut job = blocking::wait(call.submit()).unwrap();
    blocking::wait(job.wait()).unwrap();
    let from_job = blocking::iter(job.results()).map(Result::unwrap).count();
    let call = client.analytics().conversations_details_jobs(query);
    let from_call = blocking::iter(call.paginate()).map(Result::unwrap).count();
    assert!(from_job > 0);
    assert_eq!(from_job, from_call);
}

#[test]
fn an_error_does_not_end_the_iterator() {
    let outage = ResponseTemplate::new(503).into_error("getNumbers");
    let numbers = blocking::iter(Paginator::from_pages([Ok(vec![1]), Err(outage), Ok(vec![2])]));
    let seen: Vec<_> = numbers.map(|number| number.map_err(|error| error.status())).collect();
    assert_eq!(seen, [Ok(1), Err(Some(503)), Ok(2)]);
}

#[test]
fn threads_share_one_client() {
    let (_runtime, org) = org(10);
    let client = Client::of(&org);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let queues = blocking::iter(client.routing().queues().paginate());
                assert_eq!(queues.map(Result::unwrap).count(), 10);
            });
        }
    });
    assert_eq!(org.logins(), 1);
}

#[tokio::test]
async fn in_async_code_it_is_an_error_and_sends_nothing() {
    let org = MockOrg::builder().list("getRoutingQueues", 3).start().await.unwrap();
    let client = Client::of(&org);
    let error = blocking::wait(client.routing().queues()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoRuntime, "{error}");
    let mut queues = blocking::iter(client.routing().queues().paginate());
    assert!(queues.next().unwrap().is_err());
    assert!(org.requests().is_empty());
    // The list itself is still usable.
    assert!(queues.into_inner().try_next().await.unwrap().is_some());
}
