//! Renames a queue: reads it, changes one field, and sends the change.
//!
//! `cargo run --example update --features test-util`

#![allow(clippy::print_stdout)]

use std::error::Error;

use genesys_cloud::test_util::{self, ResponseTemplate};
use genesys_cloud::types::QueueRequest;
use genesys_cloud::{Client, Error as ApiError};
use serde_json::json;

async fn rename(client: &Client, id: &str, name: &str) -> Result<Option<String>, ApiError> {
    let reply = client.routing().queue(id).await?;
    println!("{:?} is to be {name:?}", reply.value().name);
    let body = QueueRequest { name: Some(name.to_owned()), ..Default::default() };
    let reply = client.routing().put_queue(id, body).await?;
    Ok(reply.into_value().name)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Replies made by a function, as in a unit test; `Client::from_env()` connects to a real org.
    let client = test_util::client(|request| {
        let name = match (request.operation().id(), request.body()) {
            ("putRoutingQueue", Some(_)) => "Sales",
            _ => "Sals",
        };
        Ok(ResponseTemplate::new(200).set_body_json(json!({"id": "7c1f9a52", "name": name})))
    });
    println!("now {:?}", rename(&client, "7c1f9a52", "Sales").await?);

    let gone = test_util::client(|_| Ok(ResponseTemplate::new(404)));
    if let Err(error) = rename(&gone, "7c1f9a52", "Sales").await {
        println!("{error}");
    }
    Ok(())
}
