//! The names of groups and operations: `client.<group>().<operation>()`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::{Result, bail};
use heck::{ToSnakeCase as _, ToUpperCamelCase as _};

use crate::document::{Method, Operation};

/// Type names that generated code uses: those of the crate's prelude and of Rust's.
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

/// Setters that would shadow the methods of every call.
pub const RESERVED_PARAMETERS: [&str; 6] =
    ["body", "clone", "into_call", "paginate", "send", "with"];

/// Fields that every record has.
pub const RESERVED_FIELDS: [&str; 1] = ["unknown_fields"];

/// The variant that every enum has for a value that the document does not list.
pub const RESERVED_VARIANTS: [&str; 1] = ["Unrecognized"];

/// Modules, features and client methods that a group would shadow.
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

/// The case of an identifier.
#[derive(Clone, Copy)]
pub enum Case {
    /// A type or a variant.
    Pascal,
    /// A field or an argument.
    Snake,
}

/// Returns the identifier that progenitor makes of a name.
///
/// The rule is duplicated here to rename collisions before progenitor sees them: it panics on some of them and emits
/// others twice.
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

/// Returns each name, changed where its identifier would collide with another.
///
/// The first name keeps its identifier and the others get a number, so a name added at the end of the document changes
/// none. A name in `reserved` gets the word as a suffix.
pub fn distinct<'a>(
    names: impl IntoIterator<Item = &'a str>,
    case: Case,
    reserved: &[&str],
    word: &str,
) -> Vec<String> {
    let mut taken: BTreeSet<String> = reserved.iter().map(|name| (*name).to_owned()).collect();
    let names: Vec<(&str, bool)> = names
        .into_iter()
        // Progenitor writes these two in lower case, even for types.
        .map(|name| match name {
            "+1" => "plus-1",
            "-1" => "minus-1",
            name => name,
        })
        .map(|name| (name, taken.insert(identifier(name, case))))
        .collect();
    // The next number to try, by identifier.
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

/// Whether a word is not a keyword. `gen` is a keyword since edition 2024.
pub fn is_free_word(word: &str) -> bool {
    word != "gen" && syn::parse_str::<syn::Ident>(word).is_ok()
}

/// The module, feature and client method of an operation's group: its first tag in snake case.
pub fn group(operation: &Operation) -> String {
    let name = match operation.tags.first().map(|tag| snake(&tag.replace('&', " and "))) {
        Some(name) if !name.is_empty() => name,
        // `/api/v2/routing/queues` is in the group `routing`.
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

/// The type with the operations of a group.
pub fn group_type(group: &str) -> String {
    let name = group.to_upper_camel_case();
    if RESERVED_TYPES.contains(&name.as_str()) { format!("{name}Group") } else { name }
}

/// The types of an operation.
pub struct CallTypes {
    /// The call, with its setters.
    pub call: String,
    /// The response, if its type depends on the status.
    pub reply: String,
}

/// The types of a group's operations, in their order.
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

/// Returns the method name of each operation, in their order.
///
/// A GET is a noun, and so is a POST that reads a list unless a GET has the name; other operations keep their verb. The
/// name of the group is removed from the front. `chosen` has the names set by hand. With `strict`, two operations with
/// the same name are an error; otherwise the later one gets its full operationId, with a number if that is taken too.
pub fn methods(
    operations: &[(&Operation, String, bool)],
    chosen: &BTreeMap<String, String>,
    strict: bool,
) -> Result<Vec<String>> {
    let mut names: Vec<Option<String>> = vec![None; operations.len()];
    let mut taken: BTreeMap<(&str, String), &Operation> = BTreeMap::new();
    // First names set by hand, then nouns of GETs, then names with verbs, then POSTs that read.
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

/// The candidates for the name of an operation, best first.
fn candidates(operation: &Operation, group: &str, reads: bool) -> Vec<String> {
    let snake = operation.id.to_snake_case();
    let words: Vec<&str> = snake.split('_').collect();
    let verb = operation.method.as_str().to_lowercase();
    let (verb, words) = match words.split_first() {
        Some((first, rest)) if *first == verb && !rest.is_empty() => (verb, rest),
        // The operationId does not start with its method.
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

/// The words without the name of the group; at least one word is left.
fn without_group<'a>(words: &'a [&'a str], group: &str) -> &'a [&'a str] {
    let whole = group.replace('_', "");
    for count in (1..words.len()).rev() {
        if words[..count].concat() == whole {
            return &words[count..];
        }
    }
    // `telephony_providers_edge` has operations named `telephony_providers_edges_..`.
    let shared =
        words.iter().zip(group.split('_')).take_while(|(word, part)| *word == part).count();
    if shared >= 2 && shared < words.len() { &words[shared..] } else { words }
}

/// A valid method name.
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
    fn a_name_omits_the_group() {
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
    fn names_with_the_same_identifier_get_numbers() {
        let distinct =
            |names: &[&str], case| distinct(names.iter().copied(), case, &["Box"], "type");
        assert_eq!(distinct(&["a", "b"], Case::Snake), ["a", "b"]);
        // The first keeps its name, and the others avoid names of the document.
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
    fn identifiers_are_valid_rust() {
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
