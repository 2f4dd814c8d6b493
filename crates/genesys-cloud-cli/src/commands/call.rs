//! Single calls.

use std::io::Write as _;
use std::sync::Arc;

use genesys_cloud_core::{Client, RawReply};
use serde_json::Value;

use crate::arguments::{CallOptions, Global};
use crate::body;
use crate::connect;
use crate::failure::{Exit, Failure};
use crate::find;
use crate::parameters::{self, Given};
use crate::screen::{Screen, grouped};
use crate::terminal;

/// Makes a call, and prints what comes.
pub(crate) async fn call(
    call: &CallOptions,
    global: &Global,
    screen: &Arc<Screen>,
) -> Result<Exit, Failure> {
    let entry = find::operation(&call.operation)?;
    let given = Given {
        params: call.params.clone(),
        body: call.body.as_deref().map(body::read).transpose()?,
        unchecked: call.unchecked,
        ..Given::default()
    };
    let request = parameters::request(entry, &given)?;
    let org = connect::org(global, screen).await?;
    let reply = org.client.execute(&request).await;
    let reply = reply.map_err(|error| Failure::of_call(&error, Some(entry)))?;
    print(&reply)?;
    Ok(Exit::Complete)
}

/// JSON so that it can be read, anything else as it came.
fn print(reply: &RawReply) -> Result<(), Failure> {
    let mut out = terminal::data();
    match serde_json::from_slice::<Value>(reply.body()) {
        Ok(value) => writeln!(out, "{value:#}")?,
        Err(_) => out.write_all(reply.body())?,
    }
    out.flush()?;
    Ok(())
}

/// Says where calls go, as whom, and what is left of the budget.
pub(crate) async fn whoami(global: &Global, screen: &Arc<Screen>) -> Result<Exit, Failure> {
    let org = connect::org(global, screen).await?;
    let token = get(&org.client, "getTokensMe").await?;
    let mut out = terminal::text();
    let text = |path: &str| token.pointer(path).and_then(Value::as_str).map(str::to_owned);
    writeln!(out, "api           {}", org.client.api_url())?;
    for (title, name, id) in [
        ("organization", "/organization/name", "/organization/id"),
        ("client", "/OAuthClient/name", "/OAuthClient/id"),
    ] {
        match (text(name), text(id)) {
            (Some(name), Some(id)) => writeln!(out, "{title:12}  {name} ({id})")?,
            (name, id) => {
                if let Some(known) = name.or(id) {
                    writeln!(out, "{title:12}  {known}")?;
                }
            }
        }
    }
    let scopes = token.get("authorizedScope").and_then(Value::as_array).into_iter().flatten();
    let scopes: Vec<&str> = scopes.filter_map(Value::as_str).collect();
    if !scopes.is_empty() {
        writeln!(out, "scopes        {}", scopes.join(", "))?;
    }
    if let Some(budget) = org.client.rate_limit() {
        let allowed = budget.allowed.map(|it| format!(" of {}", grouped(it))).unwrap_or_default();
        let (left, resets) = (grouped(budget.left), budget.resets_in.as_secs());
        writeln!(out, "budget        {left}{allowed} calls left, {resets} s to the next window")?;
    }
    Ok(Exit::Complete)
}

async fn get(client: &Client, operation: &str) -> Result<Value, Failure> {
    let entry = find::operation(operation)?;
    let request = parameters::request(entry, &Given::default())?;
    let reply = client.execute(&request).await;
    let reply = reply.map_err(|error| Failure::of_call(&error, Some(entry)))?;
    serde_json::from_slice(reply.body()).map_err(|error| {
        Failure::new(Exit::Failed, format!("{operation}: the reply is not JSON: {error}"))
    })
}
