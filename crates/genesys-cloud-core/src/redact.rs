//! Removes credentials from text that a server sent: a gateway that reports an error may echo what it received.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use secrecy::{ExposeSecret, SecretString};

/// What takes the place of a credential.
const REDACTED: &str = "[redacted]";

/// A shorter text is not searched for: it would be found in ordinary words. Credentials are longer.
const SHORTEST: usize = 6;

/// How many tokens of a client are remembered: the current one, and those before it.
const TOKENS: usize = 8;

/// The credentials of a client. Clones share them.
#[derive(Clone, Default)]
pub struct Secrets(Option<Arc<Known>>);

#[derive(Default)]
struct Known {
    fixed: Vec<SecretString>,
    tokens: RwLock<VecDeque<SecretString>>,
}

impl Secrets {
    /// These credentials.
    pub fn new(fixed: impl IntoIterator<Item = SecretString>) -> Self {
        let fixed = fixed.into_iter().filter(|it| it.expose_secret().len() >= SHORTEST).collect();
        Self(Some(Arc::new(Known { fixed, tokens: RwLock::default() })))
    }

    /// Remembers an access token, and forgets the oldest one if there are many.
    pub(crate) fn add_token(&self, token: &str) {
        let Some(known) = self.0.as_ref().filter(|_| token.len() >= SHORTEST) else { return };
        let mut tokens = known.tokens.write().unwrap_or_else(PoisonError::into_inner);
        tokens.push_back(SecretString::from(token));
        if tokens.len() > TOKENS {
            tokens.pop_front();
        }
    }

    /// Removes the credentials from one text. For several, make one [`redactor`](Self::redactor).
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match text.len() < SHORTEST {
            true => Cow::Borrowed(text),
            false => self.redactor().redact(text),
        }
    }

    pub(crate) fn redactor(&self) -> Redactor {
        let Some(known) = &self.0 else { return Redactor::new([].into_iter()) };
        let tokens = known.tokens.read().unwrap_or_else(PoisonError::into_inner);
        Redactor::new(known.fixed.iter().chain(tokens.iter()).map(|it| it.expose_secret()))
    }
}

/// Finds the credentials of a client in texts.
pub(crate) struct Redactor {
    needles: Vec<Needle>,
    /// Which needles may begin with a byte, so that most places of a text are not looked at twice.
    by_first: Vec<Vec<usize>>,
}

impl Redactor {
    fn new<'a>(secrets: impl Iterator<Item = &'a str>) -> Self {
        let needles: Vec<Needle> = secrets.flat_map(Needle::of).collect();
        let mut by_first = vec![Vec::new(); 256];
        for (index, needle) in needles.iter().enumerate() {
            let first = needle.bytes.first().copied().unwrap_or_default();
            for (byte, list) in (0..=255).zip(&mut by_first) {
                if needle.is_same(byte, first) || is_escape(byte) {
                    list.push(index);
                }
            }
        }
        Self { needles, by_first }
    }

    /// Replaces each credential in a text by `[redacted]`: known ones in any encoding, and what looks like one: the
    /// query of a URL, which may be presigned, its user name and password, what follows `Bearer` or `Basic`, and
    /// the values of parameters such as `access_token`.
    pub(crate) fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let bytes = text.as_bytes();
        let mut found = Vec::new();
        self.find_known(bytes, &mut found);
        find_urls(bytes, &mut found);
        find_named(bytes, &mut found);
        if found.is_empty() {
            return Cow::Borrowed(text);
        }
        found.sort_unstable_by_key(|range| range.start);
        let mut redacted = Vec::with_capacity(text.len());
        let mut at = 0;
        for range in found {
            if range.start >= at {
                redacted.extend_from_slice(bytes.get(at..range.start).unwrap_or_default());
                redacted.extend_from_slice(REDACTED.as_bytes());
            }
            at = at.max(range.end);
        }
        redacted.extend_from_slice(bytes.get(at..).unwrap_or_default());
        Cow::Owned(String::from_utf8_lossy(&redacted).into_owned())
    }

    /// The same for a text that is kept.
    pub(crate) fn redact_in(&self, text: &mut String) {
        if let Cow::Owned(redacted) = self.redact(text) {
            *text = redacted;
        }
    }

    fn find_known(&self, text: &[u8], found: &mut Vec<Range<usize>>) {
        let mut at = 0;
        while let Some(byte) = text.get(at) {
            let here = self.by_first.get(usize::from(*byte)).into_iter().flatten();
            let here = here.filter_map(|index| self.needles.get(*index));
            let ends = here.filter_map(|needle| Some((needle.end_at(text, at, 0)?, needle.form)));
            // Where two are here, such as a token that begins like another, the longer one counts.
            let Some((end, form)) = ends.max_by_key(|(end, _)| *end) else {
                at += 1;
                continue;
            };
            let range = if form == Form::Base64 { around(text, at..end) } else { at..end };
            at = range.end;
            found.push(range);
        }
    }
}

/// A form of a secret that is searched for.
struct Needle {
    bytes: Vec<u8>,
    form: Form,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Plain,
    /// The characters of a base64 text that depend on the secret alone, whatever is around it.
    Base64,
    Hex,
}

impl Needle {
    fn of(secret: &str) -> impl Iterator<Item = Self> {
        let plain = Self { bytes: secret.as_bytes().to_vec(), form: Form::Plain };
        let hex = secret.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
        let hex = Self { bytes: hex.into_bytes(), form: Form::Hex };
        let once = cores(secret.as_bytes());
        // Within a text that is encoded again.
        let twice = once.clone().into_iter().flat_map(|core| cores(&core));
        let base64 = once.into_iter().chain(twice).collect::<Vec<_>>();
        let base64 = base64.into_iter().map(|bytes| Self { bytes, form: Form::Base64 });
        [plain, hex].into_iter().chain(base64)
    }

    /// Whether a character of the text stands for one of the needle.
    fn is_same(&self, found: u8, wanted: u8) -> bool {
        match self.form {
            Form::Plain => found == wanted,
            Form::Hex => found.eq_ignore_ascii_case(&wanted),
            Form::Base64 => standard(found) == wanted,
        }
    }

    /// Where this ends if it is in the text at this place, from its `index`th byte on.
    fn end_at(&self, text: &[u8], mut at: usize, mut index: usize) -> Option<usize> {
        while let Some(&wanted) = self.bytes.get(index) {
            let &found = text.get(at)?;
            index += 1;
            let escapes = escapes(text, at);
            if self.is_same(found, wanted) {
                if escapes.iter().any(Option::is_some)
                    && let Some(end) = self.end_at(text, at + 1, index)
                {
                    return Some(end);
                }
                if escapes.iter().all(Option::is_none) {
                    at += 1;
                    continue;
                }
            }
            let fits =
                escapes.into_iter().flatten().filter(|(byte, _)| self.is_same(*byte, wanted));
            let mut lengths = fits.map(|(_, length)| length);
            return lengths.find_map(|length| self.end_at(text, at + length, index));
        }
        Some(at)
    }
}

/// What these bytes are in base64, as far as that does not depend on what is around them: what comes before shifts them
/// by zero, one or two bytes.
fn cores(bytes: &[u8]) -> [Vec<u8>; 3] {
    [0, 1, 2].map(|shift| {
        let mut shifted = vec![0; shift];
        shifted.extend_from_slice(bytes);
        let encoded = STANDARD_NO_PAD.encode(&shifted);
        let (begin, end) = ((shift * 8).div_ceil(6), shifted.len() * 8 / 6);
        encoded.as_bytes().get(begin..end).unwrap_or_default().to_vec()
    })
}

/// The character of the standard alphabet for one of the URL-safe alphabet.
const fn standard(char: u8) -> u8 {
    match char {
        b'-' => b'+',
        b'_' => b'/',
        _ => char,
    }
}

/// The whole base64 text that this range is a part of.
fn around(text: &[u8], range: Range<usize>) -> Range<usize> {
    // Some of its characters may be escaped.
    let is_in = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+/-_=%\\".contains(byte);
    let Range { start, end } = range;
    let before = text.get(..start).unwrap_or_default().iter().rev();
    let after = text.get(end..).unwrap_or_default().iter();
    start - before.take_while(is_in).count()..end + after.take_while(is_in).count()
}

const fn is_escape(byte: u8) -> bool {
    matches!(byte, b'%' | b'\\' | b'&' | b'+')
}

/// What an escape sequence at this place may stand for, and its length.
fn escapes(text: &[u8], at: usize) -> [Option<(u8, usize)>; 2] {
    let rest = text.get(at..).unwrap_or_default();
    match rest {
        [b'%', ..] => percent(rest),
        [b'\\', ..] => backslash(rest),
        [b'&', ..] => [entity(rest), None],
        // A space in a form.
        [b'+', ..] => [Some((b' ', 1)), None],
        _ => [None, None],
    }
}

/// A percent-encoded byte, encoded once or several times: `%2F`, `%252f`.
fn percent(text: &[u8]) -> [Option<(u8, usize)>; 2] {
    let once = text.get(1..3).and_then(hex).map(|byte| (byte, 3));
    let mut at = 1;
    while text.get(at..at + 2) == Some(b"25") {
        at += 2;
    }
    let last = text.get(at..at + 2).and_then(hex).map(|byte| (byte, at + 2));
    // Or the last of them is the percent sign itself.
    let deepest = last.filter(|_| at > 1).or((at > 3).then_some((b'%', at)));
    [once, deepest]
}

/// An escape of JSON or of a string literal, within any number of such strings: `\/`, `\u002f`, `\\u002F`, `\x2f`.
fn backslash(text: &[u8]) -> [Option<(u8, usize)>; 2] {
    let slashes = text.iter().take_while(|byte| **byte == b'\\').count();
    let digits = |from: usize, count: usize| text.get(slashes + from..slashes + from + count);
    let one = match text.get(slashes) {
        Some(b'u') => digits(1, 4)
            .and_then(|digits| digits.strip_prefix(b"00").and_then(hex))
            .map(|byte| (byte, slashes + 5)),
        Some(b'x') => digits(1, 2).and_then(hex).map(|byte| (byte, slashes + 3)),
        Some(byte @ (b'/' | b'"' | b'\'')) => Some((*byte, slashes + 1)),
        _ => None,
    };
    match one {
        Some(_) => [one, None],
        // Backslashes themselves, escaped once or several times.
        None => [(slashes > 1).then_some((b'\\', 2)), (slashes > 2).then_some((b'\\', slashes))],
    }
}

/// A character of HTML or XML: `&amp;`, `&#43;`, `&#x2B;`.
fn entity(text: &[u8]) -> Option<(u8, usize)> {
    let end = text.iter().take(10).position(|byte| *byte == b';')?;
    let name = text.get(1..end)?;
    let byte = match name {
        b"amp" => b'&',
        b"lt" => b'<',
        b"gt" => b'>',
        b"quot" => b'"',
        b"apos" => b'\'',
        [b'#', b'x' | b'X', digits @ ..] => number(digits, 16)?,
        [b'#', digits @ ..] => number(digits, 10)?,
        _ => return None,
    };
    Some((byte, end + 1))
}

fn hex(digits: &[u8]) -> Option<u8> {
    digits.iter().all(u8::is_ascii_hexdigit).then(|| number(digits, 16)).flatten()
}

fn number(digits: &[u8], radix: u32) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok()
}

/// Whether a URL or the value of a parameter ends with this character.
fn is_end(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte.is_ascii_control() || b"\"'<>`{}|,;()[]".contains(&byte)
}

/// The queries of URLs, and their user names and passwords.
fn find_urls(text: &[u8], found: &mut Vec<Range<usize>>) {
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

/// HTTP authentication schemes, which a credential follows.
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

/// What follows the names of schemes and parameters.
fn find_named(text: &[u8], found: &mut Vec<Range<usize>>) {
    let is_in_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let mut before: &[u8] = &[];
    for at in 0..text.len() {
        // After an escape such as `%26`, a word follows a digit.
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

/// Where a credential is in what follows the name of a scheme.
fn credential(text: &[u8]) -> Option<Range<usize>> {
    let blanks = match text {
        [b' ' | b'+' | b':', ..] => text.iter().take_while(|byte| b" +:".contains(byte)).count(),
        [b'%', b'2', b'0', ..] => 3,
        _ => return None,
    };
    let value = text.get(blanks..)?;
    let is_in = |byte: &&u8| byte.is_ascii_alphanumeric() || b"._~+/=-%\\".contains(byte);
    let length = value.iter().take_while(is_in).count();
    // Not a word of a sentence.
    let is_odd = |value: &[u8]| value.iter().any(|byte| byte.is_ascii_digit() || *byte == b'=');
    let is_credential = length >= 20 || length >= 8 && value.get(..length).is_some_and(is_odd);
    is_credential.then_some(blanks..blanks + length)
}

/// Where the value of a parameter is in what follows its name: in a query (`sig=..`), an encoded query (`sig%3D..`) or
/// JSON (`"sig":"..`).
fn value(text: &[u8]) -> Option<Range<usize>> {
    let begin = separator(text)?;
    let value = text.get(begin..)?;
    let is_over = |byte: &u8| is_end(*byte) || matches!(byte, b'&' | b'\\');
    let length = value.iter().position(is_over).unwrap_or(value.len());
    (length > 0).then_some(begin..begin + length)
}

/// The length of what is between the name of a parameter and its value.
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

#[cfg(test)]
mod tests;
