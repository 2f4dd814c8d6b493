//! Names of downloaded files, from untrusted values.

use std::fmt::Write as _;

use genesys_cloud_sinks::checksum::Checksum;

/// Maximum length of a name without its extension.
const LONGEST: usize = 150;

/// Number of digits of the checksum in a name that differs from the values.
const DIGITS: usize = 12;

/// Extensions by content type.
const TYPES: [(&str, &str); 27] = [
    ("application/gzip", "gz"),
    ("application/json", "json"),
    ("application/pdf", "pdf"),
    ("application/xml", "xml"),
    ("application/zip", "zip"),
    ("audio/aac", "aac"),
    ("audio/mp4", "m4a"),
    ("audio/mpeg", "mp3"),
    ("audio/mp3", "mp3"),
    ("audio/ogg", "ogg"),
    ("audio/opus", "opus"),
    ("audio/vnd.wave", "wav"),
    ("audio/wav", "wav"),
    ("audio/wave", "wav"),
    ("audio/webm", "webm"),
    ("audio/x-wav", "wav"),
    ("image/gif", "gif"),
    ("image/jpeg", "jpg"),
    ("image/png", "png"),
    ("message/rfc822", "eml"),
    ("text/csv", "csv"),
    ("text/html", "html"),
    ("text/plain", "txt"),
    ("text/xml", "xml"),
    ("video/mp4", "mp4"),
    ("video/ogg", "ogv"),
    ("video/webm", "webm"),
];

/// Returns the name of a file without its extension: the values of the key, and the path of the field.
///
/// Different inputs have different names, also on file systems that ignore case: a name that is not made of the inputs
/// unchanged ends with a checksum of them.
pub(super) fn stem(key: &[String], path: &str) -> String {
    let (mut name, mut is_exact) = (String::new(), true);
    for value in key {
        let is_plain =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        is_exact &= !value.is_empty() && value.bytes().all(is_plain);
        name.push_str(value);
        name.push('.');
    }
    name.push_str(path);
    let mut safe: String = name
        .chars()
        .map(|it| if it.is_ascii_alphanumeric() || ".-_".contains(it) { it } else { '_' })
        .collect();
    is_exact &= safe == name && safe.len() <= LONGEST && !safe.starts_with(['.', '-']);
    if !is_exact {
        let mut sum = Checksum::new();
        for part in key.iter().map(String::as_str).chain([path]) {
            sum.add(&(part.len() as u64).to_le_bytes());
            sum.add(part.as_bytes());
        }
        safe.truncate(LONGEST);
        let start = safe.trim_start_matches(['.', '-']);
        let start = if start.is_empty() { "file" } else { start };
        safe = start.to_owned();
        let _ = write!(safe, "~{}", &sum.text()[..DIGITS]);
    }
    safe
}

/// Returns the extension of a file by its content type, or else by the path of its URL.
pub(super) fn extension(content_type: Option<&str>, url: &str) -> String {
    let media = content_type.unwrap_or_default().split(';').next().unwrap_or_default();
    let media = media.trim().to_ascii_lowercase();
    if let Some((_, end)) = TYPES.iter().find(|(known, _)| *known == media) {
        return (*end).to_owned();
    }
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    let end = name.rsplit_once('.').map(|(_, end)| end.to_ascii_lowercase());
    let is_extension = |end: &String| {
        (1..=5).contains(&end.len()) && end.bytes().all(|it| it.is_ascii_alphanumeric())
    };
    end.filter(is_extension).unwrap_or_else(|| "bin".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(key: &[&str], path: &str) -> String {
        stem(&key.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>(), path)
    }

    #[test]
    fn a_name_has_the_key_and_the_field() {
        let id = "8f3a1b2c-0000-4000-8000-000000000001";
        assert_eq!(of(&[id], "mediaUris.S.mediaUri"), format!("{id}.mediaUris.S.mediaUri"));
        assert_eq!(of(&["c-1", "r-1"], "url"), "c-1.r-1.url");
    }

    #[test]
    fn a_name_is_safe_and_differs_for_different_keys() {
        let long = "x".repeat(500);
        let keys = [
            "a/b",
            "a_b",
            "a.b",
            "A.b",
            "a:b",
            "../../etc/passwd",
            "..",
            ".",
            "",
            "-rf",
            "a\0b",
            "a\nb",
            "\u{e9}",
            "e\u{301}",
            "CON",
            "con",
            &long,
            "~",
            "a~b",
            "a b",
        ];
        let mut names: Vec<String> = Vec::new();
        for key in keys {
            let name = of(&[key], "url");
            let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || b".-_~".contains(&byte);
            assert!(name.bytes().all(is_safe) && !name.starts_with(['.', '-']), "{name}");
            assert!(name.len() <= LONGEST + 1 + DIGITS, "{name}");
            names.push(name.to_ascii_lowercase());
        }
        // Values are not joined ambiguously.
        names.push(of(&["a", "b.c"], "url"));
        names.push(of(&["a.b", "c"], "url"));
        names.push(of(&["a"], "b.c.url"));
        names.sort();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count, "{names:?}");
    }

    #[test]
    fn the_extension_is_that_of_the_content() {
        for (media, url, end) in [
            (Some("audio/wav"), "https://h/a.mp3?x=.zip", "wav"),
            (Some("Audio/MPEG; charset=x"), "https://h/a", "mp3"),
            (Some("application/octet-stream"), "https://h/a.OGG?sig=1", "ogg"),
            (None, "https://h/a.tar/../x", "bin"),
            (None, "https://h/a.e%2F", "bin"),
            (None, "https://h/a.verylong", "bin"),
            (Some("x/../../etc"), "", "bin"),
        ] {
            assert_eq!(extension(media, url), end, "{media:?} {url}");
        }
    }
}
