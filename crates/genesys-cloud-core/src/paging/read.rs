//! A page as it is read from the body of a reply: its items, and what it says.

use std::borrow::Cow;
use std::fmt;
use std::hash::{DefaultHasher, Hasher as _};
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess,
    Unexpected, Visitor,
};
use serde_json::value::RawValue;

use super::listing::{Listing, Motion, TokenOut};
use super::step::Facts;
use crate::reply::{DecodeError, RawReply};
use crate::wire::{Seed, Wire};

/// Reads a page of a list.
pub(super) type Read<T> = fn(&RawReply, &Listing) -> Result<(Vec<T>, Facts), DecodeError>;

/// Reads items the way the API writes them.
pub(super) fn wire<T: Wire>(
    reply: &RawReply,
    listing: &Listing,
) -> Result<(Vec<T>, Facts), DecodeError> {
    read(reply, listing, Seed::<Option<Vec<T>>>::new)
}

/// Reads items of any type that serde can read.
pub(super) fn serde<T: DeserializeOwned>(
    reply: &RawReply,
    listing: &Listing,
) -> Result<(Vec<T>, Facts), DecodeError> {
    read(reply, listing, || PhantomData::<Option<Vec<T>>>)
}

fn read<'de, T, S>(
    reply: &'de RawReply,
    listing: &Listing,
    list: fn() -> S,
) -> Result<(Vec<T>, Facts), DecodeError>
where
    S: DeserializeSeed<'de, Value = Option<Vec<T>>>,
{
    let mut facts = Facts::default();
    if reply.status() == 204 {
        return Ok((Vec::new(), facts));
    }
    // One check of the whole body, and none of each string in it.
    let body = std::str::from_utf8(reply.body())
        .map_err(|error| DecodeError::new(format!("the reply is not UTF-8: {error}")))?;
    if body.trim_ascii().is_empty() {
        return Err(DecodeError::new("the reply is empty"));
    }
    let motion = listing.scheme().way().motion;
    let token = listing.token_out().map(TokenOut::path);
    let mut json = serde_json::Deserializer::from_str(body);
    let (items, text) = if listing.items() == "[]" {
        (list().deserialize(&mut json)?.unwrap_or_default(), Some(body))
    } else {
        let mut text = None;
        let envelope = Envelope {
            body,
            items: Some(listing.items()),
            // In a window the token is a field of the last item.
            token: token.filter(|_| motion != Motion::Window),
            list,
            facts: &mut facts,
            text: &mut text,
        };
        (envelope.deserialize(&mut json)?, text)
    };
    json.end()?;
    facts.items = items.len() as u64;
    if let Some(text) = text.filter(|_| !items.is_empty() && !matches!(motion, Motion::Once(_))) {
        facts.fingerprint = Some(fingerprint(text));
        facts.edges = Edges::of(text);
        if let (Motion::Window, Some(path)) = (motion, token) {
            facts.token = last_key(text, path);
        }
    }
    Ok((items, facts))
}

/// Reads an object that holds the items or the token, or is on the way to them, and the counts that
/// stand beside them.
struct Envelope<'a, 'de, S> {
    body: &'de str,
    /// The way to the items from here, where they are below.
    items: Option<&'a str>,
    /// The way to the token from here, where it is below.
    token: Option<&'a str>,
    list: fn() -> S,
    facts: &'a mut Facts,
    /// The text that begins with the list; it may go on beyond it.
    text: &'a mut Option<&'de str>,
}

impl<'de, T, S> DeserializeSeed<'de> for Envelope<'_, 'de, S>
where
    S: DeserializeSeed<'de, Value = Option<Vec<T>>>,
{
    type Value = Vec<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<T>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T, S> Visitor<'de> for Envelope<'_, 'de, S>
where
    S: DeserializeSeed<'de, Value = Option<Vec<T>>>,
{
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with `{}`", self.items.or(self.token).unwrap_or_default())
    }

    fn visit_unit<E>(self) -> Result<Vec<T>, E> {
        Ok(Vec::new())
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Vec<T>, E> {
        self.no_object(Unexpected::Bool(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Vec<T>, E> {
        self.no_object(Unexpected::Unsigned(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Vec<T>, E> {
        self.no_object(Unexpected::Signed(value))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Vec<T>, E> {
        self.no_object(Unexpected::Float(value))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Vec<T>, E> {
        self.no_object(Unexpected::Str(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Vec<T>, A::Error> {
        let none = self.no_object(Unexpected::Seq)?;
        IgnoredAny.visit_seq(seq).map(|_| none)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<T>, A::Error> {
        let Self { body, items: items_path, token: token_path, list, facts, text } = self;
        let mut items = Vec::new();
        // Where the list begins in the body, once it has been read and until the field after it. Its
        // text is that between the two names: to borrow the list as raw text and then read it would be a
        // second pass.
        let mut list_begin = None;
        while let Some(name) = map.next_key_seed(Name)? {
            let at = offset(body, &name);
            if let Some(begin) = list_begin.take() {
                *text = at.and_then(|end| body.get(begin..end));
            }
            let (items_here, token_here) = (
                items_path.and_then(|path| below(path, &name)),
                token_path.and_then(|path| below(path, &name)),
            );
            match (items_here, token_here) {
                (Some(""), _) => {
                    items = map.next_value_seed(list())?.unwrap_or_default();
                    (list_begin, *text) = (at.map(|at| at + name.len()), None);
                }
                (_, Some("")) => facts.token = map.next_value::<Scalar<'_>>()?.token(),
                (None, None) => match facts.count(&name) {
                    Some(count) => *count = map.next_value::<Scalar<'_>>()?.count(),
                    None => {
                        map.next_value::<IgnoredAny>()?;
                    }
                },
                (items_below, token_below) => {
                    let (facts, text) = (&mut *facts, &mut *text);
                    let inner = Envelope {
                        body,
                        items: items_below,
                        token: token_below,
                        list,
                        facts,
                        text,
                    };
                    let found = map.next_value_seed(inner)?;
                    if items_below.is_some() {
                        items = found;
                    }
                }
            }
        }
        if let Some(begin) = list_begin {
            *text = body.get(begin..);
        }
        Ok(items)
    }
}

impl<S> Envelope<'_, '_, S> {
    /// What is no object has no items, which is an error where they were due, and no token.
    fn no_object<'de, T, E: de::Error>(self, found: Unexpected<'_>) -> Result<Vec<T>, E>
    where
        S: DeserializeSeed<'de, Value = Option<Vec<T>>>,
    {
        match self.items {
            Some(path) => {
                let expected = format!("an object with `{path}`");
                Err(E::invalid_type(found, &expected.as_str()))
            }
            None => Ok(Vec::new()),
        }
    }
}

/// What is left of a path below a field of this name: nothing if the path ends there. `None` where the
/// path does not lead there.
fn below<'a>(path: &'a str, name: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(name)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('.') }
}

impl Facts {
    /// The count that stands under this name.
    fn count(&mut self, name: &str) -> Option<&mut Option<u64>> {
        match name {
            "pageNumber" => Some(&mut self.page_number),
            "pageCount" => Some(&mut self.page_count),
            "pageSize" | "itemsPerPage" => Some(&mut self.page_size),
            "total" | "totalHits" | "totalResults" => Some(&mut self.total),
            "startIndex" => Some(&mut self.start_index),
            _ => None,
        }
    }
}

/// A fingerprint of the text of a list, which may go on beyond the bracket that closes it.
///
/// Of a long list it is that of the length, the beginning and the end: hashing all of it took 20 to 30 µs
/// for each 100 kB when measured, and lists that are alike in these have the same items.
fn fingerprint(text: &str) -> u64 {
    let list = text.split_once('[').map_or(text, |(_, list)| list);
    let list = list.trim_end_matches(|after| after != ']').as_bytes();
    let mut hasher = DefaultHasher::new();
    hasher.write_usize(list.len());
    match (list.first_chunk::<EDGE>(), list.last_chunk::<EDGE>()) {
        (Some(beginning), Some(end)) if list.len() > 2 * EDGE => {
            hasher.write(beginning);
            hasher.write(end);
        }
        _ => hasher.write(list),
    }
    hasher.finish()
}

/// A field of the last item of a list. The list is read once more, which only lists need whose next page
/// is asked for by an item.
fn last_key(text: &str, path: &str) -> Option<String> {
    let list = text.get(text.find('[')?..)?;
    let mut lists = serde_json::Deserializer::from_str(list).into_iter::<Vec<&RawValue>>();
    let last = lists.next()?.ok()?.pop()?;
    let (mut facts, mut none) = (Facts::default(), None);
    let item = Envelope {
        body: last.get(),
        items: None,
        token: Some(path),
        list: || PhantomData::<Option<Vec<IgnoredAny>>>,
        facts: &mut facts,
        text: &mut none,
    };
    item.deserialize(&mut serde_json::Deserializer::from_str(last.get())).ok()?;
    facts.token
}

/// The first item of a page and the end of its list, as text: enough to see that a record has moved from
/// one page to the next, which is how lists that change while they are read show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edges {
    first: Box<str>,
    /// The last bytes of the list, and whatever follows it.
    tail: Box<str>,
}

/// How much of the end of a list is kept, in bytes: some records of usual size. Of a page whose first
/// item is longer nothing is told.
const EDGE: usize = 8 << 10;

impl Edges {
    fn of(text: &str) -> Option<Self> {
        let list = text.get(text.find('[')? + 1..)?.trim_ascii_start();
        // Objects alone: other items are too short to be told apart.
        let first = list.starts_with('{').then(|| elements(list).next()).flatten()?;
        let from =
            (list.len().saturating_sub(EDGE)..=list.len()).find(|at| list.is_char_boundary(*at));
        let tail = list.get(from?..)?;
        (first.len() <= EDGE).then(|| Self { first: first.into(), tail: tail.into() })
    }

    /// How many of the last items of this page stand at the beginning of the next.
    pub(super) fn shared_with(&self, next: &Self) -> u64 {
        // To look at each brace is quicker than to search for the item: few go on as it does.
        let objects = self.tail.match_indices('{').map(|(at, _)| &self.tail[at..]);
        objects
            .filter(|text| text.starts_with(&*next.first))
            .find_map(|text| {
                // From an item on there is nothing but items up to the end of the list, whose bracket is
                // the last. What is found within an item ends elsewhere.
                let mut items = elements(text);
                let count = items.by_ref().count() as u64;
                (items.closed && !items.rest.contains(']')).then_some(count)
            })
            .unwrap_or(0)
    }
}

/// The elements of a list, from a text that begins with one.
fn elements(text: &str) -> Elements<'_> {
    Elements { rest: text, closed: false }
}

struct Elements<'a> {
    rest: &'a str,
    /// Whether the bracket that closes the list has been reached.
    closed: bool,
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if self.closed {
            return None;
        }
        let text = self.rest.trim_ascii_start();
        let (mut depth, mut quoted, mut escaped) = (0_u32, false, false);
        for (at, byte) in text.bytes().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                _ if quoted => {}
                b'{' | b'[' => depth += 1,
                b',' | b']' if depth == 0 => {
                    self.closed = byte == b']';
                    self.rest = &text[at + 1..];
                    return Some(text[..at].trim_ascii_end());
                }
                b'}' | b']' if depth > 0 => depth -= 1,
                b'}' => break,
                _ => {}
            }
        }
        self.rest = "";
        None
    }
}

/// Where a part of the body begins in it. A name that is written with escapes was copied out of it, and
/// is no part of it.
fn offset(body: &str, part: &str) -> Option<usize> {
    let offset = part.as_ptr().addr().checked_sub(body.as_ptr().addr())?;
    body.get(offset..)?.starts_with(part).then_some(offset)
}

/// Reads the name of a field.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

/// What stands beside the items. It is read whatever it is: a count that makes no sense is one that is
/// missing, and no reason to lose the page.
enum Scalar<'de> {
    Integer(u64),
    Number(f64),
    Text(Cow<'de, str>),
    Other,
}

impl Scalar<'_> {
    /// A count, which may be written as `25`, `25.0` or `"25"`.
    fn count(&self) -> Option<u64> {
        /// Beyond this a double no longer tells neighbouring integers apart.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        match self {
            Self::Integer(number) => Some(*number),
            // Exact by the condition.
            Self::Number(number) if number.fract() == 0.0 && (0.0..=EXACT).contains(number) => {
                Some(*number as u64)
            }
            Self::Text(text) => text.trim().parse().ok(),
            Self::Number(_) | Self::Other => None,
        }
    }

    /// A token or a link. An empty one is none.
    fn token(self) -> Option<String> {
        match self {
            Self::Text(text) if !text.trim().is_empty() => Some(text.into_owned()),
            Self::Integer(number) => Some(number.to_string()),
            Self::Text(_) | Self::Number(_) | Self::Other => None,
        }
    }
}

impl<'de> Deserialize<'de> for Scalar<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Scalar<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
                Ok(Scalar::Integer(number))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
                Ok(Scalar::Number(number as f64))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
                Ok(Scalar::Number(number))
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Scalar::Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Scalar::Text(Cow::Owned(text.to_owned())))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                Ok(Scalar::Other)
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Scalar::Other)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
                IgnoredAny.visit_seq(seq).map(|_| Scalar::Other)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                IgnoredAny.visit_map(map).map(|_| Scalar::Other)
            }
        }

        deserializer.deserialize_any(Any)
    }
}

#[cfg(test)]
#[allow(unreachable_pub, reason = "a record is made as generated code makes it")]
mod tests {
    use super::*;
    use crate::operation::{Method, Operation};
    use crate::paging::listing::Scheme;
    use crate::reply::Head;
    use bytes::Bytes;
    use http::{HeaderMap, StatusCode};

    crate::record! {
        pub struct Queue {
            pub id: Option<String> = "id",
            pub member_count: Option<i64> = "memberCount",
        }
    }

    fn reply(status: StatusCode, body: &str) -> RawReply {
        RawReply {
            operation: Operation::known("getRoutingQueues", Method::Get, "/api/v2/routing/queues"),
            head: Head { status, headers: HeaderMap::new() },
            body: Bytes::copy_from_slice(body.as_bytes()),
        }
    }

    fn list(path: &str) -> Listing {
        Listing::new(Scheme::PageNumber, path.to_owned())
    }

    fn read(path: &str, body: &str) -> Result<(Vec<String>, Facts), String> {
        read_as(&list(path), body)
    }

    fn read_as(listing: &Listing, body: &str) -> Result<(Vec<String>, Facts), String> {
        let queues = wire::<Queue>(&reply(StatusCode::OK, body), listing);
        let (queues, facts) = queues.map_err(|error| error.to_string())?;
        Ok((queues.into_iter().map(|queue| queue.id.unwrap_or_default()).collect(), facts))
    }

    fn ids(path: &str, body: &str) -> Vec<String> {
        read(path, body).expect("a page").0
    }

    fn facts(body: &str) -> Facts {
        read("entities", body).expect("a page").1
    }

    #[test]
    fn a_page_as_the_api_sends_it() {
        let body = r#"{
            "entities": [
                {"id": "q1", "name": "Support", "division": {"id": "d", "total": 9}, "memberCount": 3.0},
                {"id": "q2", "name": null, "pageNumber": 8}
            ],
            "pageSize": 2, "pageNumber": 3, "total": 12, "pageCount": 6,
            "firstUri": "/api/v2/routing/queues?pageNumber=1",
            "nextUri": "/api/v2/routing/queues?pageNumber=4",
            "facets": [{"entities": []}], "partialResults": false
        }"#;
        let (ids, facts) = read("entities", body).expect("a page");
        assert_eq!(ids, ["q1", "q2"]);
        assert!(facts.fingerprint.is_some());
        let told = Facts {
            items: 2,
            page_number: Some(3),
            page_count: Some(6),
            page_size: Some(2),
            total: Some(12),
            token: Some("/api/v2/routing/queues?pageNumber=4".to_owned()),
            ..Facts::default()
        };
        assert_eq!(Facts { fingerprint: None, edges: None, ..facts }, told);
    }

    #[test]
    fn items_are_found_wherever_they_stand() {
        assert_eq!(ids("[]", r#"[{"id":"a"},{"id":"b"}]"#), ["a", "b"]);
        assert_eq!(ids("results", r#"{"total":1,"results":[{"id":"a"}]}"#), ["a"]);
        let nested =
            r#"{"results":{"pageCount":4,"entities":[{"id":"a"}],"total":7},"types":["x"]}"#;
        let (items, facts) = read("results.entities", nested).expect("a page");
        assert_eq!(items, ["a"]);
        assert_eq!((facts.page_count, facts.total), (Some(4), Some(7)));
        // Escapes in the names change nothing.
        assert_eq!(ids("entities", r#"{"\u0065ntities":[{"id":"a"}],"p\u0061geSize":1}"#), ["a"]);
        // Of a field that stands there twice, the last counts, as everywhere.
        assert_eq!(ids("entities", r#"{"entities":[{"id":"a"}],"entities":[{"id":"b"}]}"#), ["b"]);
        // A missing item is an empty one, as in every list of the API.
        assert_eq!(ids("entities", r#"{"entities":[null,{"id":"a"}]}"#), ["", "a"]);
    }

    #[test]
    fn a_page_without_items_is_empty() {
        for body in
            ["{}", r#"{"entities":null}"#, r#"{"entities":[]}"#, r#"{"pageNumber":2}"#, "null"]
        {
            let (items, facts) = read("entities", body).expect(body);
            assert!(items.is_empty(), "{body}");
            assert_eq!((facts.items, facts.fingerprint), (0, None), "{body}");
        }
        assert!(ids("results.entities", r#"{"results":null}"#).is_empty());
        assert!(ids("[]", "null").is_empty());
        let none =
            wire::<Queue>(&reply(StatusCode::NO_CONTENT, ""), &list("entities")).expect("a page");
        assert!(none.0.is_empty());
    }

    #[test]
    fn counts_are_read_in_every_form_or_not_at_all() {
        for (json, count) in [
            ("25", Some(25)),
            ("25.0", Some(25)),
            ("2.5e1", Some(25)),
            (r#""25""#, Some(25)),
            ("0", Some(0)),
            ("null", None),
            ("-1", None),
            ("2.5", None),
            ("1e300", None),
            (r#""many""#, None),
            (r#""""#, None),
            ("true", None),
            (r#"{"value":25}"#, None),
            ("[25]", None),
        ] {
            let body = format!(r#"{{"total":{json},"entities":[{{"id":"a"}}]}}"#);
            let (items, facts) = read("entities", &body).expect("a page");
            assert_eq!((items.len(), facts.total), (1, count), "{json}");
        }
        for (json, linked) in
            [(r#""/next""#, true), ("null", false), (r#""""#, false), ("{}", false)]
        {
            let token = facts(&format!(r#"{{"nextUri":{json}}}"#)).token;
            assert_eq!(token.is_some(), linked, "{json}");
        }
    }

    #[test]
    fn what_is_no_page_is_an_error_that_holds_nothing_of_it() {
        for (body, told) in [
            ("", "the reply is empty"),
            (" ", "the reply is empty"),
            ("<html>", "expected value at line 1 column 1"),
            (r#"{"entities":[{"id":"a"}"#, "EOF while parsing"),
            (r#"{"entities":[]} {}"#, "trailing characters"),
            (r#"[{"id":"a"}]"#, "expected an object with `entities`"),
            (r#""Jane Roe""#, "expected an object with `entities`"),
            (r#"{"entities":[{"memberCount":"Jane Roe"}]}"#, "expected a 64-bit integer"),
            (r#"{"entities":{"id":"Jane Roe"}}"#, "expected a list"),
        ] {
            let error = read("entities", body).expect_err(body);
            assert!(error.contains(told), "{body}: {error}");
            assert!(!error.contains("Jane"), "{body}: {error}");
        }
    }

    #[test]
    fn any_type_that_serde_reads_can_be_the_item() {
        let reply = reply(StatusCode::OK, r#"{"entities":[{"id": 1,  "more":[ ]},2]}"#);
        let (raw, facts) = serde::<Box<RawValue>>(&reply, &list("entities")).expect("a page");
        let texts: Vec<&str> = raw.iter().map(|item| item.get()).collect();
        assert_eq!(texts, [r#"{"id": 1,  "more":[ ]}"#, "2"]);
        assert_eq!(facts.items, 2);
        let (values, _) = serde::<serde_json::Value>(&reply, &list("entities")).expect("a page");
        assert_eq!(values[1], 2);
    }

    #[test]
    fn the_fingerprint_is_that_of_the_items_alone() {
        let print = |body| facts(body).fingerprint.expect("a fingerprint");
        let page = print(r#"{"entities":[{"id":"a"}],"pageNumber":1,"nextUri":"/2"}"#);
        for same in [
            r#"{"entities":[{"id":"a"}],"pageNumber":2}"#,
            r#"{"pageNumber":2,"entities":[{"id":"a"}]}"#,
            r#"{"entities":[{"id":"a"}]}"#,
            r#"{"entities":[{"id":"a"}] , "total":3, "facets":[]}"#,
        ] {
            assert_eq!(print(same), page, "{same}");
        }
        for other in [
            r#"{"entities":[{"id":"b"}],"pageNumber":1,"nextUri":"/2"}"#,
            r#"{"entities":[{"id":"a"},{"id":"b"}],"pageNumber":1,"nextUri":"/2"}"#,
        ] {
            assert_ne!(print(other), page, "{other}");
        }
        // Where escapes hide the place of the items, two pages can't be told to be the same.
        assert_eq!(facts(r#"{"\u0065ntities":[{"id":"a"}]}"#).fingerprint, None);
    }

    #[test]
    fn the_token_is_found_wherever_it_stands() {
        let listing = |items: &'static str, path: &'static str| {
            Listing::new(Scheme::ContinuationToken, items).with_token_out(TokenOut::field(path))
        };
        for (items, path, body, token, total) in [
            ("items", "next", r#"{"items":[{"id":"a"}],"next":"t"}"#, Some("t"), None),
            ("items", "next", r#"{"next":"t","items":[{"id":"a"}]}"#, Some("t"), None),
            (
                "items",
                "next",
                r#"{"next":12345678901234567890,"items":[{"id":"a"}]}"#,
                Some("12345678901234567890"),
                None,
            ),
            (
                "items",
                "p.next",
                r#"{"items":[{"id":"a"}],"p":{"total":7,"next":"t"}}"#,
                Some("t"),
                Some(7),
            ),
            (
                "items",
                "p.q.next",
                r#"{"p":{"q":{"next":"t"}},"items":[{"id":"a"}]}"#,
                Some("t"),
                None,
            ),
            (
                "p.items",
                "p.next",
                r#"{"p":{"items":[{"id":"a"}],"next":"t"},"next":"u"}"#,
                Some("t"),
                None,
            ),
            (
                "p.items",
                "next",
                r#"{"p":{"items":[{"id":"a"}],"next":"t"},"next":"u"}"#,
                Some("u"),
                None,
            ),
            // None, an empty one, or something else in its place.
            ("items", "p.next", r#"{"items":[{"id":"a"}]}"#, None, None),
            ("items", "p.next", r#"{"items":[{"id":"a"}],"p":{"next":""}}"#, None, None),
            ("items", "p.next", r#"{"items":[{"id":"a"}],"p":{"next":null}}"#, None, None),
            ("items", "p.next", r#"{"items":[{"id":"a"}],"p":null}"#, None, None),
            ("items", "p.next", r#"{"items":[{"id":"a"}],"p":"x"}"#, None, None),
            ("items", "p.next", r#"{"items":[{"id":"a"}],"p":[{"next":"t"}]}"#, None, None),
            ("items", "next", r#"{"items":[{"id":"a"}],"next":{"next":"t"}}"#, None, None),
        ] {
            let (ids, facts) = read_as(&listing(items, path), body).expect(body);
            assert_eq!(
                (ids.len(), facts.token.as_deref(), facts.total),
                (1, token, total),
                "{body}"
            );
        }
    }

    #[test]
    fn the_token_of_a_window_is_a_field_of_the_last_item() {
        let listing = Listing::new(Scheme::IdOrDateWindow, "entities");
        for (body, key) in [
            (r#"{"entities":[{"id":"a"},{"x":["]"],"id":"b"}],"id":"c"}"#, Some("b")),
            (r#"{"entities":[{"id":"a"},{"name":"b"}]}"#, None),
            (r#"{"entities":[]}"#, None),
        ] {
            assert_eq!(read_as(&listing, body).expect(body).1.token.as_deref(), key, "{body}");
        }
        let deeper = listing.with_token_out(TokenOut::field("user.id"));
        let body = r#"{"entities":[{"id":"a","user":{"id":"u"}}]}"#;
        assert_eq!(read_as(&deeper, body).expect(body).1.token.as_deref(), Some("u"));
    }

    #[test]
    fn long_lists_are_told_apart() {
        let list = |ids: std::ops::Range<u32>| {
            let items: Vec<String> = ids.map(|id| format!(r#"{{"id":"{id:08}"}}"#)).collect();
            facts(&format!(r#"{{"entities":[{}]}}"#, items.join(",")))
        };
        let page = list(0..5000);
        assert_eq!(page.fingerprint, list(0..5000).fingerprint);
        assert_ne!(page.fingerprint, list(5000..10_000).fingerprint);
        assert_ne!(page.fingerprint, list(0..5001).fingerprint);
        let shared = |next: Facts| {
            page.edges.as_ref().zip(next.edges.as_ref()).map(|(page, next)| page.shared_with(next))
        };
        assert_eq!(shared(list(4997..9997)), Some(3));
        assert_eq!(shared(list(5000..9997)), Some(0));
        // Further back than is kept.
        assert_eq!(shared(list(1000..6000)), Some(0));
    }

    #[test]
    fn items_that_have_moved_to_the_next_page_are_noticed() {
        let page = |items: &str| facts(&format!(r#"{{"entities":[{items}],"total":9}}"#));
        for (before, after, shared) in [
            (r#"{"id":"a"},{"id":"b"}"#, r#"{"id":"c"}"#, 0),
            (r#"{"id":"a"},{"id":"b"}"#, r#"{"id":"b"},{"id":"c"}"#, 1),
            (r#"{"id":"a"},{"id":"b"} , {"id":"c"}"#, r#"{"id":"b"}"#, 2),
            (r#"{"id":"a"},{"id":"b"}"#, r#"{"id":"a"}"#, 2),
            // Within an item it is none.
            (r#"{"id":"a","memberCount":1,"of":{"id":"b"}}"#, r#"{"id":"b"}"#, 0),
            (r#"{"id":"a","of":[{"id":"b"}]}"#, r#"{"id":"b"}"#, 0),
            (r#"{"id":"a","of":"{\"id\":1}"},{"id":"]"}"#, r#"{"id":"]"}"#, 1),
        ] {
            let (before, after) =
                (page(before).edges.expect("items"), page(after).edges.expect("items"));
            assert_eq!(before.shared_with(&after), shared, "{before:?} {after:?}");
        }
    }
}
