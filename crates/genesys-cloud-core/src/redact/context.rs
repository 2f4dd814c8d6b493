//! Credentials that are identified by their context.

use std::ops::Range;

/// Whether this character ends a URL or the value of a parameter.
fn is_end(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte.is_ascii_control() || b"\"'<>`{}|,;()[]".contains(&byte)
}

/// Finds the queries of URLs, and their user names and passwords.
pub(super) fn find_urls(text: &[u8], found: &mut Vec<Range<usize>>) {
    let mut at = 0;
    while let Some(colon) = text.get(at..).and_then(|rest| rest.iter().position(|it| *it == b':')) {
        let colon = at + colon;
        at = colon + 1;
        let mut host = colon + 1;
        let mut slashes = 0;
        // In JSON, slashes may be escaped.
        while let Some(byte @ (b'/' | b'\\')) = text.get(host) {
            slashes += usize::from(*byte == b'/');
            host += 1;
        }
        if slashes < 2 {
            continue;
        }
        let rest = text.get(host..).unwrap_or_default();
        let end = rest.iter().position(|byte| is_end(*byte)).unwrap_or(rest.len());
        let url = rest.get(..end).unwrap_or_default();
        let query = url.iter().position(|byte| *byte == b'?');
        let path = url.iter().position(|byte| matches!(byte, b'/' | b'\\' | b'?'));
        let authority = url.get(..path.unwrap_or(end)).unwrap_or_default();
        if let Some(user) = authority.iter().rposition(|byte| *byte == b'@').filter(|it| *it > 0) {
            found.push(host..host + user);
        }
        if let Some(query) = query.filter(|query| query + 1 < end) {
            found.push(host + query + 1..host + end);
        }
        at = host + end;
    }
}

/// HTTP authentication schemes, which are followed by a credential.
const SCHEMES: [&str; 2] = ["bearer", "basic"];

/// Parameters whose values are credentials.
const PARAMETERS: [&str; 12] = [
    "access_token",
    "refresh_token",
    "id_token",
    "client_secret",
    "client_assertion",
    "signature",
    "sig",
    "x-amz-signature",
    "x-amz-credential",
    "x-amz-security-token",
    "x-goog-signature",
    "x-goog-credential",
];

/// Finds the values after names of schemes and parameters.
pub(super) fn find_named(text: &[u8], found: &mut Vec<Range<usize>>) {
    let is_in_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let mut before: &[u8] = &[];
    for at in 0..text.len() {
        // A word may start after an escape such as `%26`.
        let begins = !before.last().is_some_and(is_in_word) || matches!(before, [.., b'%', _, _]);
        before = text.get(..=at).unwrap_or_default();
        let rest = text.get(at..).unwrap_or_default();
        if !begins || !rest.first().is_some_and(u8::is_ascii_alphabetic) {
            continue;
        }
        let is_here = |name: &&&str| {
            let word = rest.get(..name.len());
            word.is_some_and(|word| word.eq_ignore_ascii_case(name.as_bytes()))
        };
        let follows = |name: &str| rest.get(name.len()..).unwrap_or_default();
        let of_scheme = SCHEMES.iter().find(is_here);
        let of_scheme = of_scheme.and_then(|name| Some((name, credential(follows(name))?)));
        let of_parameter = || {
            let mut names = PARAMETERS.iter().filter(is_here);
            names.find_map(|name| Some((name, value(follows(name))?)))
        };
        if let Some((name, range)) = of_scheme.or_else(of_parameter) {
            let begin = at + name.len();
            found.push(begin + range.start..begin + range.end);
        }
    }
}

/// Returns the range of the credential after the name of a scheme.
fn credential(text: &[u8]) -> Option<Range<usize>> {
    let blanks = match text {
        [b' ' | b'+' | b':', ..] => text.iter().take_while(|byte| b" +:".contains(byte)).count(),
        [b'%', b'2', b'0', ..] => 3,
        _ => return None,
    };
    let value = text.get(blanks..)?;
    let is_in = |byte: &&u8| byte.is_ascii_alphanumeric() || b"._~+/=-%\\".contains(byte);
    let length = value.iter().take_while(is_in).count();
    // Excludes words of a sentence.
    let is_odd = |value: &[u8]| value.iter().any(|byte| byte.is_ascii_digit() || *byte == b'=');
    let is_credential = length >= 20 || length >= 8 && value.get(..length).is_some_and(is_odd);
    is_credential.then_some(blanks..blanks + length)
}

/// Returns the range of the value after the name of a parameter: in a query (`sig=..`), an encoded query (`sig%3D..`) or
/// JSON (`"sig":"..`).
fn value(text: &[u8]) -> Option<Range<usize>> {
    let begin = separator(text)?;
    let value = text.get(begin..)?;
    let is_over = |byte: &u8| is_end(*byte) || matches!(byte, b'&' | b'\\');
    let length = value.iter().position(is_over).unwrap_or(value.len());
    (length > 0).then_some(begin..begin + length)
}

/// Returns the length of the separator between the name of a parameter and its value.
fn separator(text: &[u8]) -> Option<usize> {
    match text {
        [b'=', ..] => return Some(1),
        [b'%', b'3', b'D' | b'd', ..] => return Some(3),
        [b'\\' | b'"' | b'\'', ..] => {}
        _ => return None,
    }
    let is_between = |byte: &&u8| byte.is_ascii_whitespace() || b"\\\"':".contains(byte);
    let length = text.iter().take_while(is_between).count();
    text.get(..length)?.contains(&b':').then_some(length)
}
