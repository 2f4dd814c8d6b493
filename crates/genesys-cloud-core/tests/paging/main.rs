//! Paginators against a scripted server on loopback.

#![allow(missing_docs, reason = "the bindings are written like generated code")]

mod adapters;
mod bounds;
mod drift;
mod ends;
mod extractors;
mod lies;
mod page_bytes;
mod prefetch;
mod recovery;
mod resume;
mod resume_places;
mod schemes;
#[allow(dead_code, reason = "shared with the tests of the client")]
#[path = "../client/server.rs"]
mod server;

use std::collections::VecDeque;
use std::time::Duration;

use genesys_cloud_core::{Client, End, Paginator, group, operation, paged, record};

use crate::server::{Answer, Received, Server};

record! {
    pub struct Thing {
        pub id: Option<String> = "id",
    }
}

record! {
    pub struct ThingListing {
        pub entities: Option<Vec<Thing>> = "entities",
    }
}

group! {
    /// Things.
    pub struct Things;
}

operation! {
    /// Lists things.
    Things.things -> GetThings -> ThingListing;
    "getThings" Get "/things"
    query {
        name: String = "name",
        page_number: i64 = "pageNumber",
        page_size: i64 = "pageSize",
    }
}

paged! {
    GetThings -> Thing;
    PageNumber { items: ["entities"], page_size: "pageSize" as integer, maximum: 100 }
}

operation! {
    /// Lists things whose largest page size is unknown.
    Things.some -> GetSome -> ThingListing;
    "getSome" Get "/some"
    query {
        page_size: String = "pageSize",
    }
}

paged! {
    GetSome -> Thing;
    PageNumber { items: ["results", "entities"], page_size: "pageSize" as text }
}

operation! {
    /// Lists names, in pages of a fixed size.
    Things.names -> GetNames -> Vec<String>;
    "getNames" Get "/names"
    query {
        name: String = "name",
    }
}

paged! {
    GetNames -> String;
    PageNumber { items: [] }
}

/// A client that does not retry.
fn client(server: &Server) -> Client {
    let builder = Client::builder().api_url(server.url()).access_token("a-token");
    builder.max_retries(0).max_rate_limit_wait(Duration::ZERO).build().expect("a client")
}

fn things(server: &Server) -> Paginator<Thing> {
    Things::new(&client(server)).things().paginate()
}

/// Answers requests with these, in order.
async fn script(answers: impl IntoIterator<Item = Answer>) -> Server {
    let mut answers: VecDeque<Answer> = answers.into_iter().collect();
    Server::start(move |_| answers.pop_front().expect("no further request")).await
}

/// Lists things `1..=total` as the API does, with a maximum page size.
async fn list(total: u64, most: u64) -> Server {
    Server::start(move |request| {
        let number = query(request, "pageNumber").expect("a page number");
        let size = query(request, "pageSize").unwrap_or(25).min(most);
        let page_count = total.div_ceil(size);
        let first = (number - 1) * size + 1;
        let next = (number < page_count)
            .then(|| format!(r#","nextUri":"/things?pageNumber={}""#, number + 1));
        page(
            first..(first + size).min(total + 1),
            &format!(
                r#","pageSize":{size},"pageNumber":{number},"total":{total},"pageCount":{page_count}{}"#,
                next.unwrap_or_default(),
            ),
        )
    })
    .await
}

/// A page of these things, with further fields.
fn page(things: impl IntoIterator<Item = u64>, envelope: &str) -> Answer {
    Answer::json(200, &format!(r#"{{"entities":[{}]{envelope}}}"#, entities(things)))
}

fn entities(things: impl IntoIterator<Item = u64>) -> String {
    let things: Vec<String> =
        things.into_iter().map(|thing| format!(r#"{{"id":"{thing}"}}"#)).collect();
    things.join(",")
}

fn query(request: &Received, name: &str) -> Option<u64> {
    let (_, query) = request.target.split_once('?')?;
    let value = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    value.parse().ok()
}

/// The targets of all requests, without `/things?`.
fn asked(server: &Server) -> Vec<String> {
    let received = server.received().into_iter();
    received.map(|request| request.target.replace("/things?", "")).collect()
}

fn ids(things: impl IntoIterator<Item = Thing>) -> Vec<u64> {
    let id = |thing: Thing| thing.id.expect("an id").parse().expect("a number");
    things.into_iter().map(id).collect()
}

/// Reads the whole list and expects no error.
async fn all(things: &mut Paginator<Thing>) -> Vec<u64> {
    let mut found = Vec::new();
    while let Some(thing) = things.try_next().await.expect("a thing") {
        found.push(thing);
    }
    ids(found)
}

fn end(things: &Paginator<Thing>) -> Option<End> {
    things.report().end
}
