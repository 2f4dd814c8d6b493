//! Measures how fast an org serves a list, 100 records per page: without and with a timeline, filtered, and sorted.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement, not library code")]

use std::time::{Duration, Instant};

use genesys_cloud_mock::{MockOrg, OrgTimeline};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;

const QUEUES: &str = "/api/v2/routing/queues?";

/// Of the queues, one in four belongs to Support.
const CASES: [(&str, bool, &str, u64, u64); 5] = [
    ("no timeline", false, QUEUES, 1, 1),
    ("timeline", true, QUEUES, 1, 1),
    ("timeline, filtered by name", true, "/api/v2/routing/queues?name=Support*&", 1, 4),
    ("timeline, sorted", true, "/api/v2/routing/queues?sortBy=name&sortOrder=desc&", 1, 1),
    ("timeline, first page of a filter", true, "/api/v2/routing/queues?name=Sales*&", 0, 4),
];

#[tokio::main]
async fn main() {
    let count: u64 = std::env::args().nth(1).map_or(100_000, |count| count.parse().unwrap());
    for (case, has_timeline, path, all_pages, one_in) in CASES {
        let mut builder = MockOrg::builder().list("getRoutingQueues", count);
        if has_timeline {
            builder = builder.timeline(OrgTimeline::new("2026-05-01T00:00Z"));
        }
        let org = builder.start().await.unwrap();
        if has_timeline {
            org.advance(Duration::from_secs(30 * 86_400));
        }
        let address = org.url();
        let address = address.strip_prefix("http://").unwrap();
        let stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let token = org.access_token();
        // Leave out the pages that changes may add or remove.
        let pages = if all_pages == 1 { (count / one_in / 100).saturating_sub(20) } else { 1 };
        let (start, mut bytes) = (Instant::now(), 0);
        for number in 1..=pages {
            let request = http::Request::get(format!("{path}pageSize=100&pageNumber={number}"))
                .header("host", "localhost")
                .header("authorization", format!("Bearer {token}"))
                .body(Empty::<bytes::Bytes>::new())
                .unwrap();
            sender.ready().await.unwrap();
            let response = sender.send_request(request).await.unwrap();
            assert_eq!(response.status(), 200);
            bytes += response.collect().await.unwrap().to_bytes().len() as u64;
        }
        let (took, records) = (start.elapsed().as_secs_f64(), pages * 100);
        println!(
            "{case:34} {:9.0} records/s, {} bytes each, {took:.2} s",
            records as f64 / took,
            bytes / records
        );
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    println!("{}", status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default());
}
