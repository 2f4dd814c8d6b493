//! Calls and lists an endpoint without its generated bindings, with a type of this program: for endpoints that are
//! newer than the bindings, or a group that is not enabled.
//!
//! `cargo run -p genesys-cloud --example custom_endpoint`

#![allow(clippy::print_stdout)]

mod support;

use std::error::Error;

use genesys_cloud::endpoint::{Call, ListSpec, Method, Operation, Request, Scheme};
use genesys_cloud::test_util::mock::MockOrg;
use genesys_cloud::{Json, Paginator};
use serde::Deserialize;

/// The fields that this program needs.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Station {
    id: String,
    name: Option<String>,
    status: Option<String>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (client, _fake) = support::connect(MockOrg::builder().list("getStations", 250)).await?;

    // Pages have numbers (`pageNumber`, `pageSize`), and their items are in the field `entities`.
    let list = Operation::new("getStations", Method::Get, "/api/v2/stations");
    let spec = ListSpec::new(Scheme::PageNumber, "entities");
    let mut stations = Paginator::<Station>::from_request(&client, Request::new(list), spec);
    let mut last = None;
    while let Some(station) = stations.try_next().await? {
        last = Some(station);
    }
    let report = stations.report();
    println!("{}: {} stations in {} pages", report.verdict(), report.items, report.pages);

    if let Some(Station { id, name, status }) = last {
        println!("the last one is {}, {}", name.unwrap_or_default(), status.unwrap_or_default());
        let get = Operation::new("getStation", Method::Get, "/api/v2/stations/{stationId}");
        let mut call = Call::<Json>::new(&client, get);
        call.request_mut().set_path("stationId", &id);
        println!("{} bytes of JSON", call.await?.value().as_str().len());
    }
    Ok(())
}
