//! Names of the keys of child tables.

use std::collections::BTreeSet;

/// Returns the singular of the name of a list: `session` for `sessions`.
pub(super) fn singular(list: &str) -> String {
    if ["ss", "us", "is"].iter().any(|end| list.ends_with(end)) {
        return list.to_owned();
    }
    let plurals =
        [("ies", "y"), ("sses", "ss"), ("uses", "us"), ("xes", "x"), ("ches", "ch"), ("s", "")];
    let replaced = |(end, by): &(&str, &str)| Some(format!("{}{by}", list.strip_suffix(end)?));
    let singular = plurals.iter().find_map(replaced);
    singular.filter(|it| !it.is_empty()).unwrap_or_else(|| list.to_owned())
}

/// Returns the name of the ID of a type: `queueId` for `Queue`.
pub(super) fn id_of(kind: &str) -> String {
    let mut letters = kind.chars();
    let first = letters.next().map(|it| it.to_lowercase().to_string()).unwrap_or_default();
    format!("{first}{}Id", letters.as_str())
}

/// Returns the name of a key, other than the known keys and these fields, and makes it known.
pub(super) fn key(
    name: String,
    known: &mut BTreeSet<String>,
    is_field: impl Fn(&str) -> bool,
) -> String {
    let numbers = (2..).map(|number| format!("{name}{number}"));
    let mut names = std::iter::once(name.clone()).chain(numbers);
    // The numbers never end.
    let free = names.find(|it| !known.contains(it) && !is_field(it)).unwrap_or(name);
    known.insert(free.clone());
    free
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_a_singular() {
        for (list, expected) in [
            ("participants", "participant"),
            ("sessions", "session"),
            ("entries", "entry"),
            ("addresses", "address"),
            ("statuses", "status"),
            ("mailboxes", "mailbox"),
            ("branches", "branch"),
            ("analysis", "analysis"),
            ("media", "media"),
            ("s", "s"),
        ] {
            assert_eq!(singular(list), expected);
        }
        assert_eq!(id_of("Queue"), "queueId");
    }

    #[test]
    fn a_key_with_a_taken_name_gets_a_number() {
        let mut known = BTreeSet::from(["queueId".to_owned()]);
        let mut key = |name: &str| key(name.to_owned(), &mut known, |it| it == "queueId2");
        assert_eq!(key("queueId"), "queueId3");
        assert_eq!(key("queueId"), "queueId4");
        assert_eq!(key("id"), "id");
    }
}
