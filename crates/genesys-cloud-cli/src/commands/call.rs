//! The commands `call` and `whoami`.

use std::io::Write as _;

use genesys_cloud_core::{Client, RawResponse, lenient};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::body;
use crate::failure::{Exit, Failure};
use crate::parameters::{self, Given};
use crate::reporter::grouped;
use crate::resolve;
use crate::session::{Selected, Session};
use crate::settings::CallSettings;
use crate::{terminal, tty};

/// Makes a call, and prints the response.
pub(crate) async fn call(call: CallSettings, session: &Session) -> Result<Exit, Failure> {
    let entry = resolve::operation(&call.operation)?;
    let given = Given {
        params: call.params,
        body: call.body.as_ref().map(|source| body::read(source, "--body")).transpose()?,
        unchecked: call.unchecked,
        ..Given::default()
    };
    let request = parameters::request(entry, &given)?;
    // The call may have effects, and its response would be lost.
    if tty::stdout_was_closed() {
        return Err(Failure::output("standard output is closed, so the response would be lost")
            .advise("`> /dev/null` discards it"));
    }
    let org = session.connect().await?;
    let reply = org.client.execute(&request).await;
    let reply = reply.map_err(|error| Failure::of_call(&error, Some(entry)))?;
    print(&reply)?;
    Ok(Exit::Complete)
}

/// Prints JSON indented, and any other body unchanged.
fn print(reply: &RawResponse) -> Result<(), Failure> {
    let mut out = terminal::data();
    match json(reply) {
        Some(json) => writeln!(out, "{}", indented(json.get()))?,
        None => out.write_all(reply.body())?,
    }
    out.flush()?;
    Ok(())
}

/// Returns the body as JSON if its content type allows it.
fn json(reply: &RawResponse) -> Option<&RawValue> {
    let is_json = reply.content_type().is_none_or(|media| {
        let media = media.split(';').next().unwrap_or(media).trim().to_ascii_lowercase();
        media.ends_with("/json") || media.ends_with("+json")
    });
    let text = std::str::from_utf8(reply.body()).ok().filter(|_| is_json)?;
    serde_json::from_str(lenient::without_mark(text)).ok()
}

/// Indents JSON without parsing values: numbers, strings, the order of fields and duplicate names stay unchanged.
fn indented(json: &str) -> String {
    let mut text = String::with_capacity(json.len() * 2);
    let mut depth = 0;
    let mut rest = json.trim_ascii_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => string_length(rest),
            _ => first.len_utf8(),
        };
        let (part, after) = rest.split_at(length);
        rest = after.trim_ascii_start();
        let is_empty = text.ends_with(['{', '[']);
        let is_end = matches!(first, '}' | ']');
        if is_end {
            depth -= 1;
        }
        let is_first = is_empty && !text.is_empty();
        if (is_first != is_end) || text.ends_with(',') {
            text.push('\n');
            text.extend(std::iter::repeat_n("  ", depth));
        }
        text.push_str(part);
        match first {
            '{' | '[' => depth += 1,
            ':' => text.push(' '),
            _ => {}
        }
    }
    text
}

/// Returns the length of the string at the start of `json`.
fn string_length(json: &str) -> usize {
    let mut is_escaped = false;
    let inside = json.bytes().skip(1).take_while(|byte| {
        let is_in = is_escaped || *byte != b'"';
        is_escaped = !is_escaped && *byte == b'\\';
        is_in
    });
    (inside.count() + 2).min(json.len())
}

/// Prints the API, the org, the OAuth client and the rate limit.
pub(crate) async fn whoami(session: &Session) -> Result<Exit, Failure> {
    let org = session.connect().await?;
    let token = get(&org.client, "getTokensMe").await?;
    let mut out = terminal::text();
    let text = |path: &str| token.pointer(path).and_then(Value::as_str).map(str::to_owned);
    if let Some(Selected { profile, overrides }) = &org.profile {
        writeln!(out, "profile       {} ({})", profile.name, profile.path.display())?;
        if !overrides.is_empty() {
            writeln!(out, "overridden    by {}", overrides.join(", "))?;
        }
    }
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
    if let Some(limit) = org.client.rate_limit() {
        let allowed = limit.allowed.map(|it| format!(" of {}", grouped(it))).unwrap_or_default();
        let (left, resets) = (grouped(limit.left), limit.resets_in.as_secs());
        writeln!(out, "rate limit    {left}{allowed} calls left, resets in {resets} s")?;
    }
    Ok(Exit::Complete)
}

async fn get(client: &Client, operation: &str) -> Result<Value, Failure> {
    let entry = resolve::operation(operation)?;
    let request = parameters::request(entry, &Given::default())?;
    let reply = client.execute(&request).await;
    let reply = reply.map_err(|error| Failure::of_call(&error, Some(entry)))?;
    serde_json::from_slice(reply.body()).map_err(|error| {
        Failure::new(Exit::Failed, format!("{operation}: the response is not JSON: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indents_json_and_keeps_its_values() {
        let json = r#" {"n":31.245270191439438, "id":12345678901234567890,"x":1.50,"x":null,
            "e":{},"l":[ ],"t":"a \" : , { \\","u":"\u00fc ü","in":[1,{"a":[true]}]} "#;
        let expected = r#"{
  "n": 31.245270191439438,
  "id": 12345678901234567890,
  "x": 1.50,
  "x": null,
  "e": {},
  "l": [],
  "t": "a \" : , { \\",
  "u": "\u00fc ü",
  "in": [
    1,
    {
      "a": [
        true
      ]
    }
  ]
}"#;
        assert_eq!(indented(json), expected);
        for plain in ["7", "\"a\"", "[]", "{}", "null"] {
            assert_eq!(indented(plain), plain);
        }
        let value: Value = serde_json::from_str(json).expect("JSON");
        let printed = indented(&value.to_string());
        assert_eq!(printed, format!("{value:#}"), "the same lines as serde_json");
    }
}
