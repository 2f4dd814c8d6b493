//! Redacts credentials in text from servers: a gateway that reports an error may echo what it received.
//!
//! A known credential is redacted in plain text and in every encoding in which servers echo it: percent encoding, escapes
//! of JSON and HTML, hexadecimal and base64. Credentials of at least 6 bytes are redacted wherever they occur.
//! Shorter ones, such as the password `abc`, may also be parts of ordinary words. They are redacted only as a whole value,
//! in plain text, with escapes, or inside decoded base64 or hexadecimal text: `"abc"`, `password=abc` and `user:abc@host`
//! are redacted, `abcd` and `x-abc-y` are not. So no credential appears as a value, and messages stay readable.
//!
//! Unknown credentials are redacted where their context identifies them; see `Redactor::redact`.

mod context;
mod short;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use secrecy::{ExposeSecret, SecretString};

/// Replaces a credential.
const REDACTED: &str = "[redacted]";

/// Minimum length in bytes of a credential that is redacted inside longer words.
const LONG: usize = 6;

/// Maximum number of tokens remembered per client: the current one and earlier ones.
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
    /// Creates a set of credentials. Empty ones are ignored.
    pub fn new(fixed: impl IntoIterator<Item = SecretString>) -> Self {
        let fixed = fixed.into_iter().filter(|it| !it.expose_secret().is_empty()).collect();
        Self(Some(Arc::new(Known { fixed, tokens: RwLock::default() })))
    }

    /// Adds an access token, and forgets the oldest one beyond the maximum.
    pub(crate) fn add_token(&self, token: &str) {
        let Some(known) = self.0.as_ref().filter(|_| !token.is_empty()) else { return };
        let mut tokens = known.tokens.write().unwrap_or_else(PoisonError::into_inner);
        tokens.push_back(SecretString::from(token));
        if tokens.len() > TOKENS {
            tokens.pop_front();
        }
    }

    /// Redacts one text. For several, create one [`redactor`](Self::redactor).
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match text.is_empty() {
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

/// Redacts the credentials of a client in texts.
pub(crate) struct Redactor {
    needles: Vec<Needle>,
    /// The needles that may start with a byte, so that most positions of a text are checked once.
    by_first: Vec<Vec<usize>>,
    /// Credentials that are redacted only as whole values.
    short: Vec<Needle>,
}

impl Redactor {
    fn new<'a>(secrets: impl Iterator<Item = &'a str>) -> Self {
        let (long, short): (Vec<_>, Vec<_>) = secrets.partition(|secret| secret.len() >= LONG);
        let needles: Vec<Needle> = long.into_iter().flat_map(Needle::of).collect();
        let short = short.into_iter().map(Needle::plain).collect();
        let mut by_first = vec![Vec::new(); 256];
        for (index, needle) in needles.iter().enumerate() {
            let first = needle.bytes.first().copied().unwrap_or_default();
            for (byte, list) in (0..=255).zip(&mut by_first) {
                if needle.is_same(byte, first) || is_escape(byte) {
                    list.push(index);
                }
            }
        }
        Self { needles, by_first, short }
    }

    /// Replaces each credential in a text by `[redacted]`. Apart from known ones, these are the query of a URL, which may
    /// be presigned, its user name and password, the value after `Bearer` or `Basic`, and the values of parameters such
    /// as `access_token`.
    pub(crate) fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let bytes = text.as_bytes();
        let mut found = Vec::new();
        self.find_known(bytes, &mut found);
        short::find(&self.short, bytes, &mut found);
        context::find_urls(bytes, &mut found);
        context::find_named(bytes, &mut found);
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

    /// Redacts a text in place.
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
            // If several match, such as a token that starts with another one, the longest counts.
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

/// One encoding of a secret.
struct Needle {
    bytes: Vec<u8>,
    form: Form,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Plain,
    /// The base64 characters that depend only on the secret, whatever surrounds it.
    Base64,
    Hex,
}

impl Needle {
    fn plain(secret: &str) -> Self {
        Self { bytes: secret.as_bytes().to_vec(), form: Form::Plain }
    }

    fn of(secret: &str) -> impl Iterator<Item = Self> {
        let plain = Self::plain(secret);
        let hex = secret.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
        let hex = Self { bytes: hex.into_bytes(), form: Form::Hex };
        let once = cores(secret.as_bytes());
        // Inside a text that is encoded twice.
        let twice = once.clone().into_iter().flat_map(|core| cores(&core));
        let base64 = once.into_iter().chain(twice).collect::<Vec<_>>();
        let base64 = base64.into_iter().map(|bytes| Self { bytes, form: Form::Base64 });
        [plain, hex].into_iter().chain(base64)
    }

    /// Whether a character of the text matches one of the needle.
    fn is_same(&self, found: u8, wanted: u8) -> bool {
        match self.form {
            Form::Plain => found == wanted,
            Form::Hex => found.eq_ignore_ascii_case(&wanted),
            Form::Base64 => standard(found) == wanted,
        }
    }

    /// Returns the end of a match at `at`, of the needle from its byte `index` on.
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

/// Returns the base64 characters that depend only on these bytes, for each of the three alignments.
fn cores(bytes: &[u8]) -> [Vec<u8>; 3] {
    [0, 1, 2].map(|shift| {
        let mut shifted = vec![0; shift];
        shifted.extend_from_slice(bytes);
        let encoded = STANDARD_NO_PAD.encode(&shifted);
        let (begin, end) = ((shift * 8).div_ceil(6), shifted.len() * 8 / 6);
        encoded.as_bytes().get(begin..end).unwrap_or_default().to_vec()
    })
}

/// Converts a character of the URL-safe alphabet to the standard one.
const fn standard(char: u8) -> u8 {
    match char {
        b'-' => b'+',
        b'_' => b'/',
        _ => char,
    }
}

/// Extends a range to the whole base64 text around it.
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

/// Returns the bytes that an escape sequence at this position may encode, with its length.
fn escapes(text: &[u8], at: usize) -> [Option<(u8, usize)>; 2] {
    let rest = text.get(at..).unwrap_or_default();
    match rest {
        [b'%', ..] => percent(rest),
        [b'\\', ..] => backslash(rest),
        [b'&', ..] => [entity(rest), None],
        // A form-encoded space.
        [b'+', ..] => [Some((b' ', 1)), None],
        _ => [None, None],
    }
}

/// Decodes a byte that was percent-encoded once or several times: `%2F`, `%252f`.
fn percent(text: &[u8]) -> [Option<(u8, usize)>; 2] {
    let once = text.get(1..3).and_then(hex).map(|byte| (byte, 3));
    let mut at = 1;
    while text.get(at..at + 2) == Some(b"25") {
        at += 2;
    }
    let last = text.get(at..at + 2).and_then(hex).map(|byte| (byte, at + 2));
    // The byte may be a percent sign.
    let deepest = last.filter(|_| at > 1).or((at > 3).then_some((b'%', at)));
    [once, deepest]
}

/// Decodes an escape of JSON or a string literal, nested in any number of strings: `\/`, `\u002f`, `\\u002F`, `\x2f`.
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
        // Backslashes, escaped once or several times.
        None => [(slashes > 1).then_some((b'\\', 2)), (slashes > 2).then_some((b'\\', slashes))],
    }
}

/// Decodes an HTML or XML entity: `&amp;`, `&#43;`, `&#x2B;`.
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

#[cfg(test)]
mod tests;
