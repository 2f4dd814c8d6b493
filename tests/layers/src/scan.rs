//! Finds the modules that a source file imports.

/// A path that starts at the root of the crate, without `crate`.
#[derive(Debug, PartialEq, Eq)]
pub struct Import {
    pub line: usize,
    pub path: Vec<String>,
}

/// An identifier or symbol of a source, with its line. `::` is one symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Token<'a> {
    text: &'a str,
    line: usize,
}

/// Returns the paths by which a file names items of the same crate through `crate`, `super` and `self`, in `use`
/// lines and elsewhere. `module` is the path of the file's module.
///
/// Ignores paths in comments and strings, and those with `$crate`, which belong to the crate that expands the
/// macro.
pub fn imports(module: &[String], source: &str) -> Vec<Import> {
    let tokens = tokens(source);
    let mut found = Vec::new();
    // Modules within the file, with the brace depth at which each ends.
    let mut inner: Vec<(String, usize)> = Vec::new();
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate() {
        let before = at.checked_sub(1).map_or("", |before| tokens[before].text);
        match token.text {
            "{" => {
                depth += 1;
                if at >= 2 && tokens[at - 2].text == "mod" {
                    inner.push((before.to_owned(), depth));
                }
            }
            "}" => {
                inner.retain(|(_, inside)| *inside < depth);
                depth = depth.saturating_sub(1);
            }
            "crate" | "super" | "self"
                if !matches!(before, "::" | "$" | "in") && next(&tokens, at + 1) == "::" =>
            {
                let here = module.iter().chain(inner.iter().map(|(name, _)| name)).cloned();
                let here: Vec<String> =
                    if token.text == "crate" { Vec::new() } else { here.collect() };
                tree(&tokens, at, here, &mut found);
            }
            _ => {}
        }
    }
    found
}

fn next<'a>(tokens: &[Token<'a>], at: usize) -> &'a str {
    tokens.get(at).map_or("", |token| token.text)
}

/// Follows a path, which may branch in braces, and returns the position after it.
fn tree(
    tokens: &[Token<'_>],
    mut at: usize,
    mut path: Vec<String>,
    found: &mut Vec<Import>,
) -> usize {
    loop {
        let Some(token) = tokens.get(at) else { return at };
        match token.text {
            "crate" | "self" => {}
            "super" => {
                path.pop();
            }
            "{" => {
                at += 1;
                while !matches!(next(tokens, at), "}" | "") {
                    at = tree(tokens, at, path.clone(), found);
                    while !matches!(next(tokens, at), "," | "}" | "") {
                        at += 1;
                    }
                    if next(tokens, at) == "," {
                        at += 1;
                    }
                }
                return at + 1;
            }
            name => path.push(name.to_owned()),
        }
        if next(tokens, at + 1) != "::" {
            found.push(Import { line: token.line, path });
            return at + 1;
        }
        at += 2;
    }
}

fn tokens(source: &str) -> Vec<Token<'_>> {
    let is_word = |sign: char| sign.is_alphanumeric() || sign == '_';
    let (mut tokens, mut rest, mut line) = (Vec::new(), source, 1);
    while let Some(sign) = rest.chars().next() {
        let raw = rest.trim_start_matches(['b', 'r', 'c']);
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        let prefix = &rest[..rest.len() - raw.len()];
        let (length, is_token) = if rest.starts_with("//") {
            (rest.find('\n').unwrap_or(rest.len()), false)
        } else if rest.starts_with("/*") {
            (comment(rest), false)
        } else if matches!(prefix, "r" | "br" | "cr") && raw[hashes..].starts_with('"') {
            let start = prefix.len() + hashes + 1;
            let end = format!("\"{}", "#".repeat(hashes));
            (rest[start..].find(&end).map_or(rest.len(), |at| start + at + end.len()), false)
        } else if sign == '"' {
            (quoted(rest, '"'), false)
        } else if sign == '\'' && is_char(rest) {
            (quoted(rest, '\''), false)
        } else if is_word(sign) {
            (rest.find(|sign| !is_word(sign)).unwrap_or(rest.len()), true)
        } else if rest.starts_with("::") {
            (2, true)
        } else {
            (sign.len_utf8(), !sign.is_whitespace())
        };
        let (text, after) = rest.split_at(length);
        if is_token {
            tokens.push(Token { text, line });
        }
        line += text.matches('\n').count();
        rest = after;
    }
    tokens
}

/// The length of a `/* */` comment, which may be nested.
fn comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_u32, 0);
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest.starts_with(b"*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                break;
            }
        } else {
            at += 1;
        }
    }
    at
}

/// The length of a quoted string.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, sign) in text.char_indices().skip(1) {
        match sign {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            sign if sign == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Whether an apostrophe begins a character instead of a lifetime.
fn is_char(text: &str) -> bool {
    let mut signs = text.chars().skip(1);
    match signs.next() {
        Some('\\') => true,
        Some(_) => signs.next() == Some('\''),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(module: &str, source: &str) -> Vec<String> {
        let module: Vec<String> =
            module.split("::").filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let text = |import: Import| format!("{} {}", import.line, import.path.join("::"));
        imports(&module, source).into_iter().map(text).collect()
    }

    #[test]
    fn resolves_paths_from_the_crate_root() {
        for (module, source, expected) in [
            ("a", "use crate::b::C;", &["1 b::C"][..]),
            (
                "a",
                "use crate::{b::{self, C as D}, e::*};\nuse std::fmt;",
                &["1 b", "1 b::C", "1 e::*"],
            ),
            ("a", "use super::b::C;\nuse self::d::E;", &["1 b::C", "2 a::d::E"]),
            (
                "a::f",
                "use super::{b, d::E};\nuse super::super::c;",
                &["1 a::b", "1 a::d::E", "2 c"],
            ),
            ("a", "fn f() -> crate::b::C {\n    crate::d::e()\n}", &["1 b::C", "2 d::e"]),
            ("a", "pub(crate) fn f() {}\npub(in crate::b) fn g() {}\nuse other::crate_x;", &[]),
            (
                "a",
                "mod tests {\n use super::*;\n use super::super::b;\n}\nuse super::c;",
                &["2 a::*", "3 b", "5 c"],
            ),
            ("a", "crate::record! { x }\n$crate::record!{}", &["1 record"]),
        ] {
            assert_eq!(found(module, source), expected, "{source}");
        }
    }

    #[test]
    fn ignores_comments_and_strings() {
        for source in [
            "// use crate::b;",
            "/* crate::b /* */ crate::c */",
            "/// [`b`](crate::b)",
            "const B: &str = \"crate::b \\\" crate::c\";",
            "const B: &str = r#\"crate::b \" crate::c\"#;",
            "const B: &[u8] = br\"crate::b\\\";",
        ] {
            assert_eq!(found("a", &format!("{source}\nuse crate::z;")), ["2 z"], "{source}");
        }
        assert_eq!(found("a", "fn f<'a>(x: &'a crate::b::C, y: '\"', z: '\\'') {}"), ["1 b::C"]);
    }
}
