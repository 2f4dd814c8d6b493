//! Credentials in the encodings in which servers echo them.

use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};

use super::*;

const SECRET: &str = "hu+nt/er2\"%the \\client&secret=";

fn secrets() -> Secrets {
    let secrets = Secrets::new([SecretString::from(SECRET)]);
    secrets.add_token("token-of-today");
    secrets
}

/// Encodings in which a server may echo a secret.
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
fn redacts_a_credential_in_any_encoding() {
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
fn leaves_text_without_credentials_unchanged() {
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
fn redacts_credentials_identified_by_context() {
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
fn remembers_recent_tokens() {
    let secrets = Secrets::new([]);
    for number in 0..100 {
        secrets.add_token(&format!("token-{number:03}"));
    }
    let of = |number: usize| format!("token-{number:03}");
    assert_eq!(secrets.redact(&of(99)), REDACTED);
    assert_eq!(secrets.redact(&of(100 - TOKENS)), REDACTED);
    assert_eq!(secrets.0.as_ref().expect("secrets").tokens.read().expect("no panic").len(), TOKENS);
    // Short tokens are redacted too, but only as whole values.
    secrets.add_token("abc");
    assert_eq!(secrets.redact("abc, abcd"), "[redacted], abcd");
}

#[test]
fn redacts_a_short_credential_as_a_whole_value_only() {
    let secrets = Secrets::new(["s3k".into(), "a/b".into(), "x".into(), "".into()]);
    for (text, expected) in [
        ("s3k", "[redacted]"),
        ("FATAL: password \"s3k\" is wrong", "FATAL: password \"[redacted]\" is wrong"),
        ("WRONGPASS 's3k'.", "WRONGPASS '[redacted]'."),
        ("password=s3k host=db", "password=[redacted] host=db"),
        ("AUTH default s3k\r\n", "AUTH default [redacted]\r\n"),
        ("user:s3k@db, s3k.", "user:[redacted]@db, [redacted]."),
        (r#"{"password":"s3k"}"#, r#"{"password":"[redacted]"}"#),
        (r#"{\"password\":\"s3k\"}"#, r#"{\"password\":\"[redacted]\"}"#),
        (r"line\ns3k\tend", r"line\n[redacted]\tend"),
        ("user%3As3k%40db", "user%3A[redacted]%40db"),
        ("user&#58;&#115;3k&quot;", "user&#58;[redacted]&quot;"),
        ("a a%2Fb a/b c", "a [redacted] [redacted] c"),
        // base64 and hexadecimal, once and twice.
        ("czNr", "[redacted]"),
        ("token=dXNlcjpzM2s= end", "token=[redacted]= end"),
        ("/f/dXNlcjpzM2s/x-y", "/f/[redacted]/x-y"),
        ("757365723a73336b", "[redacted]"),
        ("ZFhObGNqcHpNMnM9", "[redacted]"),
        // Parts of words.
        ("s3ks as3k s3k_a ä s3kä", "s3ks as3k s3k_a ä s3kä"),
        ("x-s3k-y us.s3k.example s3k's", "x-s3k-y us.s3k.example s3k's"),
        ("%41s3k s3k%41", "%41s3k s3k%41"),
        ("relation \"boxes\" does not exist: ax, xa", "relation \"boxes\" does not exist: ax, xa"),
        (
            "password is wrong; timeout after 30 seconds",
            "password is wrong; timeout after 30 seconds",
        ),
    ] {
        assert_eq!(secrets.redact(text), expected, "{text}");
    }
}

#[test]
fn never_shows_a_short_credential_as_a_value() {
    const AROUND: [&str; 12] =
        ["", " ", "\"", "'", "=", ":", "@", "/", "%3A", "\\\"", "&quot;", "\\u0027"];
    for secret in ["z", "pw", "k-9", "p@ss", "ä1", "12345"] {
        let secrets = Secrets::new([secret.into()]);
        for before in AROUND {
            for after in AROUND {
                let text = format!("Q{before}{before}{secret}{after}{after}Q");
                if !before.is_empty() && !after.is_empty() {
                    assert!(
                        !secrets.redact(&text).contains(secret),
                        "{text}: {}",
                        secrets.redact(&text)
                    );
                }
            }
        }
    }
}

/// Random texts of fragments of escapes and encodings, the same on every run.
#[test]
fn random_texts_never_show_a_credential() {
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
