//! The same three calls by hand, with only the fields they need.

use std::env;
use std::error::Error;

use serde::Deserialize;

#[derive(Deserialize)]
struct Token {
    access_token: String,
}

#[derive(Deserialize)]
struct Queues {
    #[serde(default)]
    entities: Vec<Queue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Queue {
    id: Option<String>,
    name: Option<String>,
    member_count: Option<i64>,
}

#[derive(Deserialize)]
struct User {
    name: Option<String>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let region = env::var("GENESYS_CLOUD_REGION")?;
    let http = reqwest::Client::new();
    let token: Token = http
        .post(format!("https://login.{region}/oauth/token"))
        .basic_auth(
            env::var("GENESYS_CLOUD_CLIENT_ID")?,
            Some(env::var("GENESYS_CLOUD_CLIENT_SECRET")?),
        )
        .form(&[("grant_type", "client_credentials")])
        .send()
        .await?
        .error_for_status()?
        .json()
        .await?;
    let get = |path: &str| {
        http.get(format!("https://api.{region}/api/v2/{path}")).bearer_auth(&token.access_token)
    };
    let queues: Queues = get("routing/queues")
        .query(&[("pageSize", "100")])
        .send()
        .await?
        .error_for_status()?
        .json()
        .await?;
    for queue in queues.entities {
        let id = queue.id.unwrap_or_default();
        let queue: Queue =
            get(&format!("routing/queues/{id}")).send().await?.error_for_status()?.json().await?;
        println!("{:?} {:?}", queue.name, queue.member_count);
    }
    let me: User = get("users/me").send().await?.error_for_status()?.json().await?;
    println!("{:?}", me.name);
    Ok(())
}
