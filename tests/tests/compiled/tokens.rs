//! Lists of another API: `items`, a `continuation_token`, a `pagination` object.

use futures::TryStreamExt as _;
use genesys_cloud_core::{Paginator, Verdict};

use crate::client::Client;
use crate::server::{Answer, Received, Server};
use crate::types;

/// Serves three pages, the second of them empty.
async fn pages(
    token_of: fn(&Received) -> Option<String>,
    page: fn(&str, &str) -> String,
) -> Server {
    Server::start(move |request| {
        let (items, token) = match token_of(request).as_deref() {
            None => (r#"{"id":"1"},{"id":"2"}"#, r#""a b""#),
            Some("a b") => ("", r#""c""#),
            Some("c") => (r#"{"id":"3"}"#, r#""""#),
            Some(other) => panic!("no such token: {other}"),
        };
        Answer::json(200, &page(items, token))
    })
    .await
}

fn client(server: &Server) -> Client {
    Client::builder().api_url(server.url()).access_token("a-token").build().unwrap()
}

fn in_query(request: &Received, name: &str) -> Option<String> {
    let (_, query) = request.target.split_once('?')?;
    let value = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    Some(value.replace("%20", " "))
}

async fn check(server: &Server, mut parcels: Paginator<types::Parcel>, asked: [&str; 3]) {
    let found: Vec<_> = (&mut parcels).try_collect().await.unwrap();
    let found: Vec<_> = found.into_iter().filter_map(|parcel| parcel.id).collect();
    assert_eq!(found, ["1", "2", "3"]);
    assert_eq!(parcels.report().verdict(), Verdict::Complete);
    let requests = server.received();
    let targets: Vec<_> = requests.iter().map(|it| it.target.as_str()).collect();
    assert_eq!(targets, asked);
}

#[tokio::test]
async fn follows_a_token_at_the_top_of_the_response() {
    let server = pages(
        |request| in_query(request, "continuation_token"),
        |items, token| format!(r#"{{"items":[{items}],"continuation_token":{token}}}"#),
    )
    .await;
    let asked = [
        "/v1/parcels?page_size=250",
        "/v1/parcels?page_size=250&continuation_token=a%20b",
        "/v1/parcels?page_size=250&continuation_token=c",
    ];
    check(&server, client(&server).parcels().parcels().paginate(), asked).await;
}

#[tokio::test]
async fn follows_a_token_in_a_pagination_object() {
    let server = pages(
        |request| in_query(request, "page_token"),
        |items, token| {
            format!(r#"{{"items":[{items}],"pagination":{{"next_token":{token},"limit":7}}}}"#)
        },
    )
    .await;
    let asked = [
        "/v1/parcels/scans?limit=7",
        "/v1/parcels/scans?limit=7&page_token=a%20b",
        "/v1/parcels/scans?limit=7&page_token=c",
    ];
    check(&server, client(&server).parcels().scans().paginate().page_size(7), asked).await;
}

#[tokio::test]
async fn follows_a_token_in_the_body() {
    let token_of = |request: &Received| {
        let body: serde_json::Value = serde_json::from_str(&request.body).unwrap();
        assert_eq!((body["text"].as_str(), body["pageSize"].as_u64()), (Some("fragile"), Some(2)));
        body["nextPageToken"].as_str().map(str::to_owned)
    };
    let server = pages(token_of, |items, token| {
        format!(r#"{{"results":[{items}],"nextPageToken":{token}}}"#)
    })
    .await;
    let search = types::ParcelSearch { text: Some("fragile".to_owned()), ..Default::default() };
    let parcels = client(&server).parcels().search(search).paginate().page_size(2);
    check(&server, parcels, ["/v1/parcels/search"; 3]).await;
}
