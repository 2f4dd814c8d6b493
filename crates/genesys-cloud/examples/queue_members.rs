//! Lists the members of every queue, four queues at a time.
//!
//! `cargo run -p genesys-cloud --example queue_members`

#![allow(clippy::print_stdout)]

mod support;

use std::error::Error;

use genesys_cloud::futures::{StreamExt as _, TryStreamExt as _, stream};
use genesys_cloud::test_util::mock::MockOrg;
use genesys_cloud::types::{Queue, QueueMember};
use genesys_cloud::{Client, Paginator, Verdict};

/// Reads a list to its end. An incomplete list is an error.
async fn read<T>(mut list: Paginator<T>) -> Result<Vec<T>, Box<dyn Error>> {
    let items = (&mut list).try_collect().await?;
    match list.report().verdict() {
        Verdict::Complete => Ok(items),
        incomplete => Err(incomplete.to_string().into()),
    }
}

async fn members(
    client: &Client,
    queue: Queue,
) -> Result<(Queue, Vec<QueueMember>), Box<dyn Error>> {
    let id = queue.id.as_deref().ok_or("a queue without an id")?;
    let members = read(client.routing().queue_members(id).paginate()).await?;
    Ok((queue, members))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let fake = MockOrg::builder().list("getRoutingQueues", 30).list("getRoutingQueueMembers", 120);
    let (client, _fake) = support::connect(fake).await?;

    // Each queue costs one request per 100 members; all of them share the client's rate limit.
    let queues = read(client.routing().queues().paginate()).await?;
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
