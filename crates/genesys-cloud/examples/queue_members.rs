//! Lists the members of every queue, four queues at a time.
//!
//! `cargo run -p genesys-cloud --example queue_members`

#![allow(clippy::print_stdout)]

mod support;

use std::error::Error;

use genesys_cloud::futures::{StreamExt as _, TryStreamExt as _, stream};
use genesys_cloud::test_util::mock::MockOrg;
use genesys_cloud::types::{Queue, QueueMember};
use genesys_cloud::{Client, Verdict};

/// Reads all members of a queue. An incomplete list is an error.
async fn members(
    client: &Client,
    queue: Queue,
) -> Result<(Queue, Vec<QueueMember>), Box<dyn Error>> {
    let id = queue.id.as_deref().ok_or("a queue without an id")?;
    let mut list = client.routing().queue_members(id).paginate();
    let members: Vec<QueueMember> = (&mut list).try_collect().await?;
    match list.report().verdict() {
        Verdict::Complete => Ok((queue, members)),
        incomplete => Err(format!("members of queue {id}: {incomplete}").into()),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let fake = MockOrg::builder().list("getRoutingQueues", 30).list("getRoutingQueueMembers", 120);
    let (client, _fake) = support::connect(fake).await?;

    // Each queue costs one request per 100 members; all of them share the client's rate limit.
    let queues: Vec<Queue> = client.routing().queues().paginate().try_collect().await?;
    let mut lists = stream::iter(queues).map(|queue| members(&client, queue)).buffered(4);

    let (mut queues, mut total) = (0, 0);
    while let Some((queue, members)) = lists.try_next().await? {
        let joined = members.iter().filter(|member| member.joined == Some(true)).count();
        println!("{}\t{} members\t{joined} joined", queue.name.unwrap_or_default(), members.len());
        queues += 1;
        total += members.len();
    }
    println!("{total} members of {queues} queues");
    Ok(())
}
