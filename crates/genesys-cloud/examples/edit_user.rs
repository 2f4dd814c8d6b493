//! Changes the title of a user without overwriting what somebody else changes at the same time.
//!
//! `cargo run -p genesys-cloud --example edit_user -- USER_ID "Team Lead"`

#![allow(clippy::print_stdout)]

mod support;

use std::error::Error;

use genesys_cloud::test_util::mock::{CannedResponse, MockOrg};
use genesys_cloud::types::{UpdateUser, User};
use genesys_cloud::{Client, Error as ApiError, ErrorKind};

/// Sets the title. If somebody else has changed the user, the API rejects the outdated version with
/// 409, and the user is read again.
async fn set_title(client: &Client, id: &str, title: &str) -> Result<User, ApiError> {
    let mut attempts = 3;
    loop {
        let user = client.users().user(id).await?.into_value();
        if user.title.as_deref() == Some(title) {
            return Ok(user);
        }
        // A PATCH sends only the fields that are set; all others stay as they are.
        let body = UpdateUser {
            title: Some(title.to_owned()),
            version: user.version,
            ..Default::default()
        };
        attempts -= 1;
        match client.users().patch_user(id, body).await {
            Ok(reply) => return Ok(reply.into_value()),
            Err(error) if error.kind() == ErrorKind::Conflict && attempts > 0 => {
                let version = user.version.unwrap_or_default();
                println!("version {version} is outdated; reading again");
            }
            Err(error) => return Err(error),
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (client, fake) = support::connect(MockOrg::builder()).await?;
    let mut arguments = std::env::args().skip(1);
    let (id, title) = match (arguments.next(), arguments.next(), &fake) {
        (Some(id), Some(title), _) => (id, title),
        (_, _, Some(org)) => {
            let conflict = CannedResponse::error(409, "general.conflict", "Version mismatch");
            org.respond_next("patchUser", conflict)?;
            ("a3b1c2d4".to_owned(), "Team Lead".to_owned())
        }
        _ => return Err("usage: edit_user USER_ID TITLE".into()),
    };
    let user = set_title(&client, &id, &title).await?;
    println!("user {id} has version {}", user.version.unwrap_or_default());
    Ok(())
}
