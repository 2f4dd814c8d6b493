//! The names of groups and operations: `client.<group>().<operation>()`.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use heck::{ToSnakeCase as _, ToUpperCamelCase as _};

use crate::document::{Method, Operation};

/// The module, feature and client method of an operation's group: its first tag in snake case.
pub fn group(operation: &Operation) -> String {
    match operation.tags.first() {
        Some(tag) => snake(&tag.replace('&', " and ")),
        // `/api/v2/routing/queues` is of the group `routing`.
        None => {
            let mut segments = operation.path.split('/').filter(|segment| !segment.is_empty());
            let segment = segments.find(|segment| !matches!(*segment, "api" | "v1" | "v2"));
            snake(segment.unwrap_or("other"))
        }
    }
}

fn snake(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter } else { ' ' })
        .collect::<String>()
        .split_whitespace()
        .map(str::to_lowercase)
        .collect::<Vec<_>>()
        .join("_")
}

/// The type that holds the operations of a group.
pub fn group_type(group: &str) -> String {
    group.to_upper_camel_case()
}

/// The type of an operation's call.
pub fn call_type(operation: &Operation) -> String {
    operation.id.to_upper_camel_case()
}

/// The method name of each operation, in the order given.
///
/// A GET is its noun, a POST that reads a list is so too unless a GET has the name; every other
/// operation keeps its verb. The group's name in front is left out. `chosen` holds names that were
/// given by hand; with `strict` two operations of one name are an error, otherwise the later one gets
/// its operationId in full.
pub fn methods(
    operations: &[(&Operation, String, bool)],
    chosen: &BTreeMap<String, String>,
    strict: bool,
) -> Result<Vec<String>> {
    let mut names: Vec<Option<String>> = vec![None; operations.len()];
    let mut taken: BTreeMap<(&str, String), &Operation> = BTreeMap::new();
    // Names by hand first, then nouns of GETs, then those with their verbs, then POSTs that read.
    let rank = |operation: &Operation, reads: bool| match operation.method {
        _ if chosen.contains_key(&operation.id) => 0,
        Method::Get => 1,
        Method::Post if reads => 3,
        _ => 2,
    };
    let mut order: Vec<usize> = (0..operations.len()).collect();
    order.sort_by_key(|&index| rank(operations[index].0, operations[index].2));
    let mut clashes = Vec::new();
    for index in order {
        let (operation, group, reads) = &operations[index];
        let candidates = match chosen.get(&operation.id) {
            Some(name) => vec![name.clone()],
            None => candidates(operation, group, *reads),
        };
        let free =
            candidates.iter().find(|name| !taken.contains_key(&(group.as_str(), (*name).clone())));
        let name = match free {
            Some(name) => name.clone(),
            None if strict => {
                let other =
                    candidates.first().and_then(|name| taken.get(&(group.as_str(), name.clone())));
                clashes.push(format!(
                    "  {}: `{group}.{}` is {}",
                    operation.place(),
                    candidates[0],
                    other.map(|other| other.place()).unwrap_or_default(),
                ));
                continue;
            }
            None => method_name(&operation.id.to_snake_case()),
        };
        taken.insert((group, name.clone()), operation);
        names[index] = Some(name);
    }
    if !clashes.is_empty() {
        bail!(
            "operations without a name of their own; name them in openapi/operations.toml:\n{}",
            clashes.join("\n"),
        );
    }
    Ok(names.into_iter().flatten().collect())
}

/// The names that fit an operation, the best first.
fn candidates(operation: &Operation, group: &str, reads: bool) -> Vec<String> {
    let snake = operation.id.to_snake_case();
    let words: Vec<&str> = snake.split('_').collect();
    let verb = operation.method.as_str().to_lowercase();
    let (verb, words) = match words.split_first() {
        Some((first, rest)) if *first == verb && !rest.is_empty() => (verb, rest),
        // An operationId without its method in front: nothing to leave out.
        _ => (String::new(), &words[..]),
    };
    let noun = method_name(&without_group(words, group).join("_"));
    let with_verb = match verb.as_str() {
        "" => noun.clone(),
        verb => format!("{verb}_{}", without_group(words, group).join("_")),
    };
    match operation.method {
        Method::Get => vec![noun],
        Method::Post if reads => vec![noun, with_verb],
        _ => vec![with_verb],
    }
}

/// The words less those that name the group, of which at least one word is left.
fn without_group<'a>(words: &'a [&'a str], group: &str) -> &'a [&'a str] {
    let whole = group.replace('_', "");
    for count in (1..words.len()).rev() {
        if words[..count].concat() == whole {
            return &words[count..];
        }
    }
    // `telephony_providers_edge` holds operations named `telephony_providers_edges_..`.
    let shared =
        words.iter().zip(group.split('_')).take_while(|(word, part)| *word == part).count();
    if shared >= 2 && shared < words.len() { &words[shared..] } else { words }
}

/// A name that Rust takes for a method.
fn method_name(name: &str) -> String {
    if syn::parse_str::<syn::Ident>(name).is_ok() {
        name.to_owned()
    } else if name.starts_with(|first: char| first.is_ascii_digit()) {
        format!("n{name}")
    } else {
        format!("{name}_")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(method: Method, id: &str, tag: &str, reads: bool) -> String {
        let operation = Operation {
            id: id.to_owned(),
            method,
            path: "/".to_owned(),
            tags: vec![tag.to_owned()],
            summary: None,
            description: None,
            deprecated: false,
            preview: false,
            permissions: Vec::new(),
            parameters: Vec::new(),
            body: None,
            replies: Vec::new(),
        };
        let group = group(&operation);
        format!("{group}.{}", candidates(&operation, &group, reads)[0])
    }

    #[test]
    fn a_name_leaves_out_what_the_group_says() {
        use Method::{Delete, Get, Patch, Post};
        assert_eq!(name(Get, "getRoutingQueues", "Routing", false), "routing.queues");
        assert_eq!(name(Delete, "deleteRoutingQueue", "Routing", false), "routing.delete_queue");
        assert_eq!(name(Patch, "patchUser", "Users", false), "users.patch_user");
        assert_eq!(name(Get, "getUsers", "Users", false), "users.users");
        assert_eq!(
            name(Get, "getSpeechandtextanalyticsTopics", "Speech & Text Analytics", false),
            "speech_and_text_analytics.topics",
        );
        assert_eq!(
            name(Get, "getTelephonyProvidersEdgesTrunks", "Telephony Providers Edge", false),
            "telephony_providers_edge.edges_trunks",
        );
        assert_eq!(
            name(Post, "postAnalyticsConversationsDetailsJobs", "Analytics", true),
            "analytics.conversations_details_jobs",
        );
        assert_eq!(name(Post, "postUsers", "Users", false), "users.post_users");
    }
}
