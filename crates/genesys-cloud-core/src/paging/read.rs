//! A page as it is read from the body of a reply: its items, and what it says.

use std::borrow::Cow;
use std::fmt;
use std::hash::{DefaultHasher, Hasher as _};
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

use super::step::Facts;
use crate::reply::{DecodeError, RawReply};
use crate::wire::{Seed, Wire};

/// Reads a page whose items stand at a path, as [`Listing`](super::Listing) gives it.
pub(super) type Read<T> = fn(&RawReply, &str) -> Result<(Vec<T>, Facts), DecodeError>;

/// Reads items the way the API writes them.
pub(super) fn wire<T: Wire>(reply: &RawReply, path: &str) -> Result<(Vec<T>, Facts), DecodeError> {
    read(reply, path, Seed::<Option<Vec<T>>>::new)
}

/// Reads items of any type that serde can read.
pub(super) fn serde<T: DeserializeOwned>(
    reply: &RawReply,
    path: &str,
) -> Result<(Vec<T>, Facts), DecodeError> {
    read(reply, path, || PhantomData::<Option<Vec<T>>>)
}

fn read<'de, T, S>(
    reply: &'de RawReply,
    path: &str,
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
    let mut json = serde_json::Deserializer::from_str(body);
    let items = if path == "[]" {
        facts.fingerprint = Some(fingerprint(body));
        list().deserialize(&mut json)?.unwrap_or_default()
    } else {
        Envelope { body, path, list, facts: &mut facts }.deserialize(&mut json)?
    };
    json.end()?;
    facts.items = items.len() as u64;
    if items.is_empty() {
        facts.fingerprint = None;
    }
    Ok((items, facts))
}

/// Reads the object that holds the items, or one on the way to it, and the counts that stand beside
/// them.
struct Envelope<'a, S> {
    body: &'a str,
    path: &'a str,
    list: fn() -> S,
    facts: &'a mut Facts,
}

impl<'de, T, S> DeserializeSeed<'de> for Envelope<'_, S>
where
    S: DeserializeSeed<'de, Value = Option<Vec<T>>>,
{
    type Value = Vec<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<T>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T, S> Visitor<'de> for Envelope<'_, S>
where
    S: DeserializeSeed<'de, Value = Option<Vec<T>>>,
{
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with `{}`", self.path)
    }

    fn visit_unit<E>(self) -> Result<Vec<T>, E> {
        Ok(Vec::new())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<T>, A::Error> {
        let Self { body, path, list, facts } = self;
        let (items_field, below) = path.split_once('.').unwrap_or((path, ""));
        let mut items = Vec::new();
        // Where the list begins in the body, once it has been read and until the field after it. The
        // fingerprint is taken from the text between the two names: to borrow the list as raw text and
        // then read it would be a second pass.
        let mut list_begin = None;
        while let Some(name) = map.next_key_seed(Name)? {
            let at = offset(body, &name);
            if let Some(begin) = list_begin.take() {
                facts.fingerprint = at.and_then(|end| body.get(begin..end)).map(fingerprint);
            }
            if name != items_field {
                if let Some(count) = facts.count(&name) {
                    *count = map.next_value::<Scalar<'_>>()?.count();
                } else if name == "nextUri" {
                    facts.next_uri = map.next_value::<Scalar<'_>>()?.is_link();
                } else {
                    map.next_value::<IgnoredAny>()?;
                }
            } else if below.is_empty() {
                items = map.next_value_seed(list())?.unwrap_or_default();
                (list_begin, facts.fingerprint) = (at, None);
            } else {
                items = map.next_value_seed(Envelope { body, path: below, list, facts })?;
            }
        }
        if let Some(begin) = list_begin {
            facts.fingerprint = body.get(begin..).map(fingerprint);
        }
        Ok(items)
    }
}

impl Facts {
    /// The count that stands under this name.
    fn count(&mut self, name: &str) -> Option<&mut Option<u64>> {
        match name {
            "pageNumber" => Some(&mut self.page_number),
            "pageCount" => Some(&mut self.page_count),
            "pageSize" => Some(&mut self.page_size),
            "total" => Some(&mut self.total),
            _ => None,
        }
    }
}

/// A fingerprint of the text of a list, which may go on beyond the bracket that closes it.
fn fingerprint(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(text.trim_end_matches(|after| after != ']').as_bytes());
    hasher.finish()
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
            // Exact by the condition.
            Self::Number(number) if number.fract() == 0.0 && (0.0..=EXACT).contains(number) => {
                Some(*number as u64)
            }
            Self::Text(text) => text.trim().parse().ok(),
            Self::Number(_) | Self::Other => None,
        }
    }

    fn is_link(&self) -> bool {
        matches!(self, Self::Text(uri) if !uri.trim().is_empty())
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
                Ok(Scalar::Number(number as f64))
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
    use bytes::Bytes;
    use http::{HeaderMap, StatusCode};
    use serde_json::value::RawValue;

    use super::*;
    use crate::operation::{Method, Operation};
    use crate::reply::Head;

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

    fn read(path: &str, body: &str) -> Result<(Vec<String>, Facts), String> {
        let queues = wire::<Queue>(&reply(StatusCode::OK, body), path);
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
            next_uri: true,
            fingerprint: None,
        };
        assert_eq!(Facts { fingerprint: None, ..facts }, told);
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
        let none = wire::<Queue>(&reply(StatusCode::NO_CONTENT, ""), "entities").expect("a page");
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
            assert_eq!(facts(&format!(r#"{{"nextUri":{json}}}"#)).next_uri, linked, "{json}");
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
        let (raw, facts) = serde::<Box<RawValue>>(&reply, "entities").expect("a page");
        let texts: Vec<&str> = raw.iter().map(|item| item.get()).collect();
        assert_eq!(texts, [r#"{"id": 1,  "more":[ ]}"#, "2"]);
        assert_eq!(facts.items, 2);
        let (values, _) = serde::<serde_json::Value>(&reply, "entities").expect("a page");
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
}
