//! Measures how fast an org serves a long list: a million queues, 100 per page.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement, not library code")]

use genesys_cloud_mock::MockOrg;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;

#[tokio::main]
async fn main() {
    let count: u64 = 1_000_000;
    let operation = std::env::args().nth(1).unwrap_or("getRoutingQueues".to_owned());
    let path = std::env::args().nth(2).unwrap_or("/api/v2/routing/queues?".to_owned());
    let org = MockOrg::builder().list(operation, count).start().await.unwrap();
    let stream =
        tokio::net::TcpStream::connect(org.url().strip_prefix("http://").unwrap()).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let token = org.access_token();
    let start = std::time::Instant::now();
    let mut bytes = 0;
    for number in 1..=count / 100 {
        let request = http::Request::get(format!("{path}pageSize=100&pageNumber={number}"))
            .header("host", "localhost")
            .header("authorization", format!("Bearer {token}"))
            .body(Empty::<bytes::Bytes>::new())
            .unwrap();
        sender.ready().await.unwrap();
        let body = sender.send_request(request).await.unwrap().collect().await.unwrap();
        bytes += body.to_bytes().len();
    }
    let took = start.elapsed().as_secs_f64();
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let memory = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
    println!(
        "{:.0} records/s, {} bytes each, {took:.1} s, {memory}",
        count as f64 / took,
        bytes as u64 / count
    );
}
