//! Lists the members of every queue, a few queues at a time.
//!
//! `cargo run -p genesys-cloud --example queue_members`

#![allow(clippy::print_stdout)]

mod support;

use std::error::Error;

use genesys_cloud::Verdict;
use genesys_cloud::test_util::mock::MockOrg;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let fake = MockOrg::builder().list("getRoutingQueues", 30).list("getRoutingQueueMembers", 120);
    let (client, _fake) = support::connect(fake).await?;

    // Each queue costs one request per 100 members; all of them share the client's rate limit.
    let routing = client.routing();
    let mut members = routing
        .queues()
        .paginate()
        .nest(move |queue| routing.queue_members(queue.id.as_deref().unwrap_or_default()))
        .concurrency(4);

    // Members come queue by queue, so that one count at a time is enough.
    let (mut current, mut count, mut joined) = (None, 0, 0);
    while let Some(member) = members.try_next().await? {
        let name = member.parent.name.clone();
        if current.as_deref() != name.as_deref() {
            print_queue(std::mem::replace(&mut current, name), count, joined);
            (count, joined) = (0, 0);
        }
        count += 1;
        joined += usize::from(member.item.joined == Some(true));
    }
    print_queue(current, count, joined);

    let report = members.report();
    println!("{} members of {} queues", report.items, report.parents_done);
    match report.verdict() {
        Verdict::Complete => Ok(()),
        incomplete => Err(incomplete.to_string().into()),
    }
}

fn print_queue(name: Option<String>, members: usize, joined: usize) {
    if let Some(name) = name {
        println!("{name}\t{members} members\t{joined} joined");
    }
}
