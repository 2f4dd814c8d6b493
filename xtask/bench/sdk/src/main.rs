//! Three calls with the SDK.

use genesys_cloud::{Client, Error};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let client = Client::from_env()?;
    let queues = client.routing().queues().page_size(100).send().await?.into_value();
    for queue in queues.entities.unwrap_or_default() {
        let id = queue.id.unwrap_or_default();
        let queue = client.routing().queue(&id).send().await?.into_value();
        println!("{:?} {:?}", queue.name, queue.member_count);
    }
    let me = client.users().me().send().await?.into_value();
    println!("{:?}", me.name);
    Ok(())
}
