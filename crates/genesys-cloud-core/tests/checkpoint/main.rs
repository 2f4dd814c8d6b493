//! Checkpoint stores, and lists in batches.

mod batches;
mod files;
mod memory;
#[allow(dead_code, reason = "shared with the tests of the client")]
#[path = "../client/server.rs"]
mod server;

use std::time::Duration;

use genesys_cloud_core::{
    Client, ListSpec, Method, Operation, PageSize, Paginator, Request, Scheme,
};
use serde_json::{Value, json};

use crate::server::{Answer, Server};

/// Lists the numbers from 1 on, four per page.
async fn serve(total: u64) -> Server {
    Server::start(move |request| {
        let (_, query) = request.target.split_once('?').expect("a query");
        let number = query.split('&').find_map(|pair| pair.strip_prefix("pageNumber="));
        let number: u64 = number.and_then(|number| number.parse().ok()).expect("a page number");
        let items: Vec<Value> = ((number - 1) * 4 + 1..=(number * 4).min(total))
            .map(|id| json!({"id": id.to_string()}))
            .collect();
        let (pages, total) = (total.div_ceil(4), total);
        let page =
            json!({"entities": items, "pageNumber": number, "pageCount": pages, "total": total});
        Answer::json(200, &page.to_string())
    })
    .await
}

fn client(server: &Server) -> Client {
    let builder = Client::builder().api_url(server.url()).access_token("a-token");
    builder.max_retries(0).max_rate_limit_wait(Duration::ZERO).build().expect("a client")
}

fn list(client: &Client) -> Paginator<Value> {
    let operation = Operation::from_static("getThings", Method::Get, "/things");
    let listing = ListSpec::new(Scheme::PageNumber, "entities")
        .with_page_size(PageSize::integer("pageSize").at_most(4));
    Paginator::from_request(client, Request::new(operation), listing)
}

fn ids(items: &[Value]) -> Vec<u64> {
    let id = |item: &Value| item["id"].as_str().and_then(|id| id.parse().ok());
    items.iter().map(|item| id(item).expect("a number")).collect()
}
