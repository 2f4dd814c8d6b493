//! Access tokens during many calls: one login, renewed in time, shared by all clones.

use std::time::Duration;

use futures::TryStreamExt as _;
use futures::future::try_join_all;
use genesys_cloud::{Client, ErrorKind};
use genesys_cloud_mock::{CannedResponse, MockOrg};

use crate::{QUEUES, logging_in, place, places, queues};

/// The requests received, one letter each: `L` for a login, `Q` for queues.
fn sequence(org: &MockOrg) -> String {
    let requests = org.requests().into_iter();
    requests.map(|request| if request.path == "/oauth/token" { 'L' } else { 'Q' }).collect()
}

#[tokio::test]
async fn a_revoked_token_costs_one_login_and_no_record() {
    let (org, client) = queues(250).await;
    let mut paginator = client.routing().queues().paginate().page_size(50);
    let mut read = Vec::new();
    while let Some(queue) = paginator.try_next().await.expect("no error") {
        read.push(place(&queue));
        if read.len() == 100 {
            org.revoke_tokens();
        }
    }
    assert_eq!(read, Vec::from_iter(1..=250));
    // The third page is requested with the old token, and again with the new one.
    assert_eq!(sequence(&org), "LQQQLQQQ");
}

#[tokio::test]
async fn renews_a_token_before_it_expires() {
    let lifetime = Duration::from_secs(600);
    let org = MockOrg::builder().list(QUEUES, 250).token_lifetime(lifetime);
    let org = org.start().await.expect("an org");
    let mut queues = logging_in(&org).routing().queues().paginate().page_size(50);
    let mut read = Vec::new();
    while let Some(queue) = queues.try_next().await.expect("no error") {
        read.push(place(&queue));
        if read.len() % 100 == 0 {
            // The org and the client use the clock of this runtime.
            tokio::time::pause();
            tokio::time::advance(lifetime).await;
            tokio::time::resume();
        }
    }
    assert_eq!(read, Vec::from_iter(1..=250));
    assert_eq!(sequence(&org), "LQQLQQLQ");
}

#[tokio::test]
async fn fails_if_the_new_token_is_refused_as_well() {
    let (org, client) = queues(3).await;
    for _ in 0..2 {
        org.respond_next(QUEUES, CannedResponse::unauthorized()).expect("an operation");
    }
    let error = client.routing().queues().send().await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Authentication);
    assert_eq!(sequence(&org), "LQLQ");
}

#[tokio::test]
async fn clones_share_one_login() {
    let (org, client) = queues(60).await;
    for _ in 0..2 {
        let lists = (0..16).map(|_| {
            let client = client.clone();
            tokio::spawn(client.routing().queues().paginate().page_size(25).try_collect::<Vec<_>>())
        });
        for list in try_join_all(lists).await.expect("no panic") {
            assert_eq!(places(&list.expect("all queues")), Vec::from_iter(1..=60));
        }
    }
    assert_eq!(org.logins(), 1);

    // The token of all of them is refused, and one of them logs in.
    org.revoke_tokens();
    let calls = (0..16).map(|_| client.routing().queues().send());
    try_join_all(calls).await.expect("all replies");
    assert_eq!(org.logins(), 2);
}

#[tokio::test]
async fn wrong_credentials_fail_without_a_call() {
    let (org, _) = queues(3).await;
    let client: Client = Client::builder()
        .api_url(org.url())
        .login_url(org.url())
        .credentials(org.client_id(), "wrong")
        .build()
        .expect("a client");
    let error = client.routing().queues().send().await.expect_err("refused");
    assert!(
        error.kind() == ErrorKind::Authentication
            && error.to_string().contains("login at 127.0.0.1"),
        "{error}"
    );
    assert_eq!((sequence(&org).as_str(), error.operation()), ("L", Some(QUEUES)));
}
