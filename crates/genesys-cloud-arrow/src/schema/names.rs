//! Names of columns.

use std::collections::HashSet;

/// Returns a name in snake case: `selfUri` is `self_uri`, `metadataURL` is `metadata_url`.
pub(super) fn snake_case(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut snake = String::with_capacity(name.len() + 4);
    for (at, letter) in letters.iter().enumerate() {
        if !letter.is_alphanumeric() {
            if !snake.is_empty() && !snake.ends_with('_') {
                snake.push('_');
            }
            continue;
        }
        let before = at.checked_sub(1).and_then(|at| letters.get(at));
        let is_word = letter.is_uppercase()
            && before.is_some_and(|before| {
                let next = letters.get(at + 1);
                before.is_lowercase()
                    || before.is_numeric()
                    || (before.is_uppercase() && next.is_some_and(|next| next.is_lowercase()))
            });
        if is_word && !snake.ends_with('_') {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    let end = snake.trim_end_matches('_').len();
    snake.truncate(end);
    match snake.is_empty() {
        true => name.to_owned(),
        false => snake,
    }
}

/// Makes a name unique among the fields of a struct.
pub(super) fn unique(name: String, known: &mut HashSet<String>) -> String {
    let mut candidate = name.clone();
    let mut number = 2;
    while !known.insert(candidate.clone()) {
        candidate = format!("{name}_{number}");
        number += 1;
    }
    candidate
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_at_words() {
        for (name, expected) in [
            ("id", "id"),
            ("selfUri", "self_uri"),
            ("metadataURL", "metadata_url"),
            ("issuerURIName", "issuer_uri_name"),
            ("acwTimeoutMs", "acw_timeout_ms"),
            ("oAuthScopes", "o_auth_scopes"),
            ("q64", "q64"),
            ("line1Text", "line1_text"),
            ("already_snake", "already_snake"),
            ("edge-id", "edge_id"),
            ("$ref", "ref"),
            ("urn:ietf:params:scim:2.0:User", "urn_ietf_params_scim_2_0_user"),
            ("$", "$"),
        ] {
            assert_eq!(snake_case(name), expected, "{name}");
        }
    }

    #[test]
    fn the_second_of_two_equal_names_has_a_number() {
        let mut known = HashSet::new();
        let names = ["uri", "uri", "uri_2", "uri"].map(|it| unique(it.to_owned(), &mut known));
        assert_eq!(names, ["uri", "uri_2", "uri_2_2", "uri_3"]);
    }
}
