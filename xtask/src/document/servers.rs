//! The base path: `basePath` in Swagger 2.0, `servers` in OpenAPI 3.

use super::source::{Format, Node, Source};
use crate::json::Json;
use crate::notes::Rule;

/// The base path of a document, without a trailing slash.
pub(super) fn base(source: &Source<'_>) -> String {
    if source.format == Format::Swagger2 {
        return source.text(&source.root, "basePath").map(normal).unwrap_or_default();
    }
    of(source, &source.root).unwrap_or_default().0
}

/// The base path of one path or operation, if it has its own servers.
pub(super) fn own<'a>(source: &Source<'a>, node: &Node<'a>) -> Option<String> {
    if source.format == Format::Swagger2 {
        return None;
    }
    let (base, host) = of(source, node)?;
    let (_, usual) = first_server(source).unwrap_or_default();
    if !host.is_empty() && host != usual {
        source.note(Rule::Servers, node, format!("it is on another host, `{host}`"));
    }
    Some(base)
}

/// Path and host of the first server.
fn of<'a>(source: &Source<'a>, node: &Node<'a>) -> Option<(String, String)> {
    let servers = source.list(node, "servers");
    let mut places = Vec::new();
    for server in &servers {
        if let Some(url) = source.text(server, "url") {
            places.push(parts(&filled(url, server.json)));
        }
    }
    let (first, host) = places.first()?.clone();
    if let Some((other, _)) = places.iter().find(|(base, _)| *base != first) {
        let what = format!("the paths `{first}/` and `{other}/`");
        source.note_at(Rule::Servers, &format!("{}/servers", node.at), what);
    }
    Some((first, host))
}

/// The first server of the document, without a note.
fn first_server(source: &Source<'_>) -> Option<(String, String)> {
    let server = source.root.json.get("servers")?.as_array()?.first()?;
    Some(parts(&filled(server.get("url")?.as_str()?, server)))
}

/// A URL with the defaults of its variables.
fn filled(url: &str, server: &Json) -> String {
    let mut url = url.to_owned();
    let variables = server.get("variables").and_then(Json::as_object).unwrap_or_default();
    for (name, variable) in variables {
        if let Some(default) = variable.get("default").and_then(Json::as_str) {
            url = url.replace(&format!("{{{name}}}"), default);
        }
    }
    url
}

/// Path and host of a URL, which may be relative.
fn parts(url: &str) -> (String, String) {
    let (host, path) = match url.split_once("://") {
        Some((_, rest)) => rest.split_once('/').unwrap_or((rest, "")),
        None => ("", url),
    };
    (normal(path), host.to_owned())
}

/// Normalizes a path to a leading slash and no trailing one.
fn normal(path: &str) -> String {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    match path.trim_matches('/') {
        "" | "." => String::new(),
        path => format!("/{}", path.trim_start_matches("./")),
    }
}
