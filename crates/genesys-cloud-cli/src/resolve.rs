//! Resolves names of operations, and suggests similar names for unknown ones.

use genesys_cloud_catalogue::{Catalogue, Operation};

use crate::failure::Failure;

/// Finds an operation by its name in Rust, its operationId, or its method and path.
pub(crate) fn operation(name: &str) -> Result<&'static Operation, Failure> {
    let catalogue = Catalogue::embedded();
    let name = name.trim();
    if let Some(found) = catalogue.operation(name) {
        return Ok(found);
    }
    if let Some((method, path)) = name.split_once(char::is_whitespace) {
        let path = path.trim();
        let path = if path.starts_with("/api/") {
            path.to_owned()
        } else {
            format!("/api/v2/{}", path.trim_start_matches('/'))
        };
        if let Some(found) = catalogue.operation(&format!("{} {path}", method.to_ascii_uppercase()))
        {
            return Ok(found);
        }
    }
    let by_case = catalogue
        .operations()
        .find(|it| it.id.eq_ignore_ascii_case(name) || rust_name(it).eq_ignore_ascii_case(name));
    if let Some(found) = by_case {
        return Ok(found);
    }
    let names = catalogue
        .operations()
        .flat_map(|it| [rust_name(it), it.id.clone(), format!("{} {}", it.method, it.path)]);
    let mut failure = Failure::usage(format!("unknown operation `{name}`"));
    if let Some(advice) = by_path(name) {
        return Err(failure.advise(advice));
    }
    let mut near: Vec<String> = catalogue
        .operations()
        .filter(|it| it.rust.eq_ignore_ascii_case(name))
        .map(rust_name)
        .take(3)
        .collect();
    if near.is_empty() {
        near = nearest(name, names, 3);
    }
    if !near.is_empty() {
        failure = failure.advise(format!("did you mean {}?", quoted(&near)));
    }
    Err(failure
        .advise(format!("`genesys-cloud operations --search {}` searches operations", words(name))))
}

/// Suggests the operation for a path with values, or for a URL.
fn by_path(name: &str) -> Option<String> {
    let (before, path) = name.split_at(name.find("/api/")?);
    let method = before.split_whitespace().next().unwrap_or("GET");
    let method = if method.contains("://") { "GET" } else { method };
    let path = path.split(['?', '#']).next()?.trim_end().trim_end_matches('/');
    let wanted: Vec<&str> = path.split('/').collect();
    let is_value = |segment: &str| segment.starts_with('{') && segment.ends_with('}');
    let fits = |operation: &Operation| {
        let known: Vec<&str> = operation.path.split('/').collect();
        operation.method.eq_ignore_ascii_case(method)
            && known.len() == wanted.len()
            && known.iter().zip(&wanted).all(|(known, it)| is_value(known) || known == it)
    };
    // Prefer `queues/me` to `queues/{queueId}`.
    let values = |operation: &&Operation| operation.path.matches('{').count();
    let found = Catalogue::embedded().operations().filter(|it| fits(it)).min_by_key(values)?;
    let known = found.path.split('/').zip(&wanted).filter(|(known, _)| is_value(known));
    let params: Vec<String> = known
        .map(|(known, it)| format!(" --param {}={it}", known.trim_matches(['{', '}'])))
        .collect();
    Some(format!("write it as `{}{}`", rust_name(found), params.concat()))
}

/// Returns the name of an operation in the client, such as `routing.queues`.
pub(crate) fn rust_name(operation: &Operation) -> String {
    format!("{}.{}", operation.group, operation.rust)
}

/// Splits a name into words for `operations --search`.
fn words(name: &str) -> String {
    let mut words = String::new();
    let mut was_lower = false;
    for letter in name.chars() {
        if !letter.is_alphanumeric() {
            words.push(' ');
        } else {
            if letter.is_uppercase() && was_lower {
                words.push(' ');
            }
            words.extend(letter.to_lowercase());
        }
        was_lower = letter.is_lowercase();
    }
    // These occur in every path.
    let words: Vec<&str> =
        words.split_whitespace().filter(|word| !matches!(*word, "api" | "v2")).collect();
    match &words[..] {
        [one] => (*one).to_owned(),
        many => format!("\"{}\"", many.join(" ")),
    }
}

/// Finds operations with all of these words in the name, the method, the path or the summary.
pub(crate) fn search<'a>(
    catalogue: &'a Catalogue,
    words: &'a str,
) -> impl Iterator<Item = &'a Operation> {
    let words: Vec<String> = words.split_whitespace().map(str::to_lowercase).collect();
    catalogue.operations().filter(move |operation| {
        let text = format!(
            "{} {} {} {} {}",
            operation.method,
            operation.path,
            operation.id,
            rust_name(operation),
            operation.summary.as_deref().unwrap_or_default()
        );
        let text = text.to_lowercase();
        words.iter().all(|word| text.contains(word.as_str()))
    })
}

/// Returns similar names, the most similar first.
pub(crate) fn nearest(
    name: &str,
    names: impl IntoIterator<Item = String>,
    most: usize,
) -> Vec<String> {
    let wanted = name.to_lowercase();
    let bound = (wanted.chars().count() / 3).max(2);
    let mut near: Vec<(usize, String)> = names
        .into_iter()
        .filter_map(|known| {
            let distance = strsim::osa_distance(&wanted, &known.to_lowercase());
            (distance <= bound).then_some((distance, known))
        })
        .collect();
    near.sort();
    near.dedup();
    near.into_iter().take(most).map(|(_, name)| name).collect()
}

/// Joins names for a message: `a`, `b` or `c`.
pub(crate) fn quoted(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match &quoted[..] {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_an_operation_by_any_name_ignoring_case() {
        for name in [
            "routing.queues",
            "getRoutingQueues",
            "getroutingqueues",
            "GET /api/v2/routing/queues",
            "get /routing/queues",
            "get  routing/queues",
            " Routing.Queues ",
        ] {
            assert_eq!(
                operation(name).map(|it| it.id.as_str()).ok(),
                Some("getRoutingQueues"),
                "{name}"
            );
        }
    }

    #[test]
    fn suggests_similar_names() {
        for (name, meant) in [
            ("routing.queus", "`routing.queues`"),
            ("routing.qeues", "`routing.queues`"),
            ("getRoutingQueue", "`getRoutingQueues`"),
            ("GET /api/v2/routing/queue", "`GET /api/v2/routing/queues`"),
            ("queues", "`routing.queues`"),
            (
                "GET /api/v2/routing/queues/abc/members",
                "`routing.queue_members --param queueId=abc`",
            ),
            ("https://api.mypurecloud.de/api/v2/routing/queues/?x=1", "`routing.queues`"),
            ("/api/v2/routing/queues", "`routing.queues`"),
        ] {
            let failure = match operation(name) {
                Err(failure) => failure,
                // Some of these names exist.
                Ok(found) => {
                    assert_eq!(found.id, name);
                    continue;
                }
            };
            assert!(failure.advice()[0].contains(meant), "{name}: {:?}", failure.advice());
        }
        let failure = operation("no such thing at all").expect_err("no operation");
        assert_eq!(failure.advice().len(), 1);
        assert_eq!(words("getRoutingQueus"), "\"get routing queus\"");
        assert_eq!(words("GET /api/v2/queus"), "\"get queus\"");
    }
}
