//! Credentials in the encodings in which servers echo them.

use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};

use super::*;

const SECRET: &str = "hu+nt/er2\"%the \\client&secret=";

fn secrets() -> Secrets {
    let secrets = Secrets::new([SecretString::from(SECRET)]);
    secrets.add_token("token-of-today");
    secrets
}

/// A secret in all the ways in which a server may echo it.
fn encodings(secret: &str) -> Vec<String> {
    let each = |encode: &dyn Fn(char) -> String| secret.chars().map(encode).collect::<String>();
    let mut forms = vec![
        secret.to_owned(),
        each(&|it| format!("%{:02X}", it as u8)),
        each(&|it| format!("%{:02x}", it as u8)),
        each(&|it| format!("%25{:02x}", it as u8)),
        each(&|it| format!("\\u{:04x}", it as u32)),
        each(&|it| format!("\\u{:04X}", it as u32)),
        each(&|it| format!("\\\\u{:04X}", it as u32)),
        each(&|it| format!("\\x{:02x}", it as u32)),
        each(&|it| format!("&#{};", it as u32)),
        each(&|it| format!("&#x{:X};", it as u32)),
        each(&|it| format!("{:02x}", it as u32)),
        each(&|it| format!("{:02X}", it as u32)),
        url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
        percent_encoding::utf8_percent_encode(secret, percent_encoding::NON_ALPHANUMERIC)
            .to_string(),
        // Every other character.
        secret
            .chars()
            .enumerate()
            .map(|(n, it)| if n % 2 == 0 { format!("%{:02X}", it as u8) } else { it.into() })
            .collect(),
        secret.replace('\\', "\\\\").replace('/', "\\/").replace('"', "\\\""),
        secret.replace('&', "&amp;").replace('"', "&quot;"),
        serde_json::to_string(&serde_json::to_string(secret).expect("JSON"))
            .expect("JSON")
            .trim_matches(['"', '\\'])
            .to_owned(),
    ];
    for before in ["", "i", "id", "id:", "Authorization: Basic "] {
        for after in ["", "a", "ab", " and more"] {
            let whole = format!("{before}{secret}{after}");
            for engine in [&STANDARD, &URL_SAFE, &URL_SAFE_NO_PAD, &STANDARD_NO_PAD] {
                let encoded = engine.encode(&whole);
                let in_url: String =
                    url::form_urlencoded::byte_serialize(encoded.as_bytes()).collect();
                forms.extend([in_url, encoded.replace('/', "\\/"), encoded]);
            }
        }
    }
    forms
}

#[test]
fn a_credential_is_found_in_any_encoding() {
    let secrets = secrets();
    for secret in [SECRET, "token-of-today"] {
        for form in encodings(secret) {
            let text = format!("you sent <{form}>, sorry");
            let redacted = secrets.redact(&text);
            let rest = redacted.replace(REDACTED, "");
            let is_clean = rest.len() <= "you sent <>, sorry".len() + 2
                && rest.starts_with("you sent <")
                && rest.ends_with(">, sorry");
            assert!(is_clean, "{form}: {redacted}");
        }
    }
}

#[test]
fn text_without_credentials_stays_as_it_is() {
    let secrets = secrets();
    for text in [
        "",
        "No queue 7: 50% of the \\ names & addresses are \"too long\" (see https://help.example/a)",
        "Basic authentication is not supported; use Bearer authentication",
        "the bearer of the token",
        "the signature: it does not match",
        "a design=x",
        "token-of-toda and oken-of-today",
        "%",
        "\\",
        "%2",
        "\\u00",
        "&#;&",
        "http://",
        "日本 %E6",
    ] {
        assert!(matches!(secrets.redact(text), Cow::Borrowed(_)), "{}", secrets.redact(text));
    }
}

#[test]
fn what_looks_like_a_credential_is_redacted() {
    for (text, expected) in [
        (
            "at https://b.example/f?X-Amz-Signature=abc&x=1 it is",
            "at https://b.example/f?[redacted] it is",
        ),
        (
            r#"{"url":"https:\/\/b.example\/f?sig=a\/b"}"#,
            r#"{"url":"https:\/\/b.example\/f?[redacted]"}"#,
        ),
        ("http://user:pw@proxy.example:3128/", "http://[redacted]@proxy.example:3128/"),
        ("Authorization: bearer abc12345", "Authorization: bearer [redacted]"),
        ("Basic%20aWQ6c2VjcmV0", "Basic%20[redacted]"),
        ("f%3FX-Amz-Signature%3Dab1%26a%3D1", "f%3FX-Amz-Signature%3D[redacted]"),
        ("/f?a=1&sig=abc&b=2", "/f?a=1&sig=[redacted]&b=2"),
        (r#"{"access_token" : "abc","a":1}"#, r#"{"access_token" : "[redacted]","a":1}"#),
        (r#"{\"client_secret\":\"abc\"}"#, r#"{\"client_secret\":\"[redacted]\"}"#),
    ] {
        assert_eq!(Secrets::default().redact(text), expected);
    }
}

#[test]
fn a_few_tokens_are_remembered() {
    let secrets = Secrets::new([]);
    for number in 0..100 {
        secrets.add_token(&format!("token-{number:03}"));
    }
    let of = |number: usize| format!("token-{number:03}");
    assert_eq!(secrets.redact(&of(99)), REDACTED);
    assert_eq!(secrets.redact(&of(100 - TOKENS)), REDACTED);
    assert_eq!(secrets.0.as_ref().expect("secrets").tokens.read().expect("no panic").len(), TOKENS);
    // Too short to be told from words.
    secrets.add_token("abc");
    assert_eq!(secrets.redact("abc"), "abc");
}

/// Texts of what escapes and encodings are made of, the same on every run.
#[test]
fn no_text_of_any_kind_keeps_a_credential_or_breaks_the_search() {
    const PARTS: [&str; 24] = [
        "%",
        "\\",
        "&",
        "+",
        "/",
        "u00",
        "u0074",
        "%74",
        "%25",
        "25",
        "#116;",
        "x74",
        "=",
        "Bearer ",
        "https://",
        "?",
        "@",
        "sig=",
        "\"sig\":\"",
        "token-of-today",
        "dG9rZW4tb2YtdG9kYXk",
        "tok",
        "\u{202e}ä",
        " ",
    ];
    let secrets = secrets();
    let mut seed = 7_u64;
    let mut next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize
    };
    for _ in 0..20_000 {
        let text: String = (0..next() % 12).map(|_| PARTS[next() % PARTS.len()]).collect();
        let redacted = secrets.redact(&text);
        assert!(!redacted.contains("token-of-today"), "{text}: {redacted}");
        assert!(redacted.contains(REDACTED) || redacted == text, "{text}: {redacted}");
    }
}
