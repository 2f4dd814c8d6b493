//! The names of groups and operations: `client.<group>().<operation>()`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::{Result, bail};
use heck::{ToSnakeCase as _, ToUpperCamelCase as _};

use crate::document::{Method, Operation};

/// Types that generated code uses by these names: those of the crate's prelude and of Rust's.
pub const RESERVED_TYPES: [&str; 12] = [
    "Box",
    "Bytes",
    "Date",
    "DateTime",
    "Json",
    "LocalDateTime",
    "Map",
    "Option",
    "RawResponse",
    "String",
    "Value",
    "Vec",
];

/// Setters that would hide what every call has.
pub const RESERVED_PARAMETERS: [&str; 6] =
    ["body", "clone", "into_call", "paginate", "send", "with"];

/// Fields that every record has.
pub const RESERVED_FIELDS: [&str; 1] = ["unknown_fields"];

/// The variant that every enum has for a value that the document does not list.
pub const RESERVED_VARIANTS: [&str; 1] = ["Unrecognized"];

/// Modules, features and methods of the client that a group would hide.
const RESERVED_GROUPS: [&str; 25] = [
    "api_url",
    "builder",
    "builder_from_env",
    "bytes",
    "chrono",
    "client",
    "clone",
    "common",
    "core",
    "default",
    "endpoint",
    "execute",
    "from_env",
    "full",
    "futures",
    "generated",
    "http",
    "identify",
    "identity",
    "object_store",
    "prelude",
    "rate_limit",
    "schemars",
    "serde_json",
    "types",
];

/// Methods that every group has.
const RESERVED_METHODS: [&str; 2] = ["clone", "new"];

/// How an identifier is written.
#[derive(Clone, Copy)]
pub enum Case {
    /// A type or a variant.
    Pascal,
    /// A field or an argument.
    Snake,
}

/// The identifier that progenitor makes of a name.
///
/// The rule is repeated here so that two names of one identifier can be distinguished before
/// progenitor sees them: at some of them it panics, others it writes twice.
pub fn identifier(name: &str, case: Case) -> String {
    let cleaned: String = name
        .chars()
        .filter(|letter| *letter != '\'')
        .map(|letter| if in_identifier(letter) { letter } else { '-' })
        .collect();
    let (cased, first) = match case {
        Case::Pascal => (cleaned.to_upper_camel_case(), "X"),
        Case::Snake => (cleaned.to_snake_case(), "x"),
    };
    let identifier =
        if cased.starts_with(begins_identifier) { cased } else { format!("{first}{cased}") };
    if is_free_word(&identifier) { identifier } else { format!("{identifier}_") }
}

/// Gives each name a form whose identifier no other has: the name itself where it can.
///
/// The first of several names keeps it and the others get a number, so that a name which the document
/// adds at the end changes none. One that is `reserved` gets the word behind it.
pub fn distinct<'a>(
    names: impl IntoIterator<Item = &'a str>,
    case: Case,
    reserved: &[&str],
    word: &str,
) -> Vec<String> {
    let mut taken: BTreeSet<String> = reserved.iter().map(|name| (*name).to_owned()).collect();
    let names: Vec<(&str, bool)> = names
        .into_iter()
        // Progenitor writes these two in lower case, even where a type is due.
        .map(|name| match name {
            "+1" => "plus-1",
            "-1" => "minus-1",
            name => name,
        })
        .map(|name| (name, taken.insert(identifier(name, case))))
        .collect();
    // Where to look on for a free number, by the identifier that several names have.
    let mut next: HashMap<String, usize> = HashMap::new();
    let form = |(name, is_first): (&str, bool)| {
        if is_first {
            return name.to_owned();
        }
        let wanted = identifier(name, case);
        let is_reserved = reserved.contains(&wanted.as_str());
        let base = if is_reserved { format!("{name}_{word}") } else { name.to_owned() };
        if is_reserved && taken.insert(identifier(&base, case)) {
            return base;
        }
        let number = next.entry(wanted).or_insert(2);
        loop {
            let numbered = format!("{base}_{number}");
            *number += 1;
            if taken.insert(identifier(&numbered, case)) {
                return numbered;
            }
        }
    };
    names.into_iter().map(form).collect()
}

fn in_identifier(letter: char) -> bool {
    match letter.is_ascii() {
        true => letter.is_ascii_alphanumeric() || letter == '_',
        false => syn::parse_str::<syn::Ident>(&format!("x{letter}")).is_ok(),
    }
}

fn begins_identifier(letter: char) -> bool {
    in_identifier(letter) && syn::parse_str::<syn::Ident>(&format!("{letter}x")).is_ok()
}

/// Whether a word is not a keyword. `gen` is one since edition 2024.
pub fn is_free_word(word: &str) -> bool {
    word != "gen" && syn::parse_str::<syn::Ident>(word).is_ok()
}

/// The module, feature and client method of an operation's group: its first tag in snake case.
pub fn group(operation: &Operation) -> String {
    let name = match operation.tags.first().map(|tag| snake(&tag.replace('&', " and "))) {
        Some(name) if !name.is_empty() => name,
        // `/api/v2/routing/queues` is of the group `routing`.
        _ => operation
            .path
            .split('/')
            .filter(|segment| !matches!(*segment, "api" | "v1" | "v2"))
            .map(snake)
            .find(|name| !name.is_empty())
            .unwrap_or_else(|| "other".to_owned()),
    };
    if RESERVED_GROUPS.contains(&name.as_str()) || !is_free_word(&name) {
        format!("group_{name}")
    } else {
        name
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
    let name = group.to_upper_camel_case();
    if RESERVED_TYPES.contains(&name.as_str()) { format!("{name}Group") } else { name }
}

/// The types that an operation may have.
pub struct CallTypes {
    /// The call, with its setters.
    pub call: String,
    /// The reply, where its form depends on the status.
    pub reply: String,
}

/// The types of a group's operations, in the order given.
pub fn call_types<'a>(
    group: &str,
    operations: impl Iterator<Item = &'a Operation>,
) -> Vec<CallTypes> {
    let group = group_type(group);
    let mut reserved: Vec<&str> = RESERVED_TYPES.into_iter().chain([group.as_str()]).collect();
    let types = |names: &[String], reserved: &[&str], word: &str| -> Vec<String> {
        distinct(names.iter().map(String::as_str), Case::Pascal, reserved, word)
            .iter()
            .map(|name| identifier(name, Case::Pascal))
            .collect()
    };
    let ids: Vec<String> = operations.map(|operation| operation.id.clone()).collect();
    let calls = types(&ids, &reserved, "call");
    let replies: Vec<String> = calls.iter().map(|call| format!("{call}_reply")).collect();
    reserved.extend(calls.iter().map(String::as_str));
    let replies = types(&replies, &reserved, "reply");
    calls.into_iter().zip(replies).map(|(call, reply)| CallTypes { call, reply }).collect()
}

/// The method name of each operation, in the order given.
///
/// A GET is its noun, a POST that reads a list is so too unless a GET has the name; every other
/// operation keeps its verb. The group's name in front is left out. `chosen` holds names that were
/// given by hand; with `strict` two operations of one name are an error, otherwise the later one gets
/// its operationId in full, with a number where that is taken too.
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
    let mut next: HashMap<(&str, String), usize> = HashMap::new();
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
            None => {
                let whole = method_name(&operation.id.to_snake_case());
                let number = next.entry((group.as_str(), whole.clone())).or_insert(1);
                let mut name = whole.clone();
                while taken.contains_key(&(group.as_str(), name.clone())) {
                    *number += 1;
                    name = format!("{whole}_{number}");
                }
                name
            }
        };
        taken.insert((group, name.clone()), operation);
        names[index] = Some(name);
    }
    if !clashes.is_empty() {
        bail!(
            "operations without a unique name; name them in openapi/operations.toml:\n{}",
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
    if is_free_word(name) && !RESERVED_METHODS.contains(&name) {
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
            at: String::new(),
            method,
            path: "/".to_owned(),
            tags: vec![tag.to_owned()],
            summary: None,
            description: None,
            deprecated: false,
            preview: false,
            permissions: Vec::new(),
            any_permission: false,
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

    #[test]
    fn names_of_one_identifier_are_told_apart() {
        let distinct =
            |names: &[&str], case| distinct(names.iter().copied(), case, &["Box"], "type");
        assert_eq!(distinct(&["a", "b"], Case::Snake), ["a", "b"]);
        // The first keeps its name, and no other takes one that the document has.
        assert_eq!(
            distinct(&["a-b", "a_b", "a_b_2", "aB"], Case::Snake),
            ["a-b", "a_b_3", "a_b_2", "aB_4"],
        );
        assert_eq!(
            distinct(&["Box", "box", "BoxType"], Case::Pascal),
            ["Box_type_2", "box_type_3", "BoxType"]
        );
    }

    #[test]
    fn an_identifier_is_what_rust_takes() {
        for (name, pascal, snake) in [
            ("queueId", "QueueId", "queue_id"),
            ("URL", "Url", "url"),
            ("type", "Type", "type_"),
            ("self", "Self_", "self_"),
            ("gen", "Gen", "gen_"),
            ("1st", "X1st", "x1st"),
            ("don't", "Dont", "dont"),
            ("", "X", "x"),
            ("$ref", "Ref", "ref_"),
            ("größe", "Größe", "größe"),
        ] {
            assert_eq!(identifier(name, Case::Pascal), pascal);
            assert_eq!(identifier(name, Case::Snake), snake);
        }
    }
}
