//! What is listed: by it a checkpoint knows whether it is of the same call.

use std::collections::BTreeMap;

use serde_json::Value;

use super::listing::{Listing, Place};
use crate::client::OrgIdentity;
use crate::digest::{Digest, from_hex, hex};
use crate::request::Request;

#[allow(unreachable_pub, reason = "records are public everywhere else")]
mod form {
    use std::collections::BTreeMap;

    use serde_json::Value;

    crate::record! {
        /// What is listed, as it is written.
        pub struct SubjectForm {
            pub org: Option<Value> = "org",
            pub operation: Option<String> = "operation",
            pub listing: Option<String> = "listing",
            pub parameters: Option<BTreeMap<String, String>> = "parameters",
        }
    }
}

pub(crate) use self::form::SubjectForm;

/// An operation and all that it is asked for, but for what leads from page to page. Of values, which may be
/// secret, hashes alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subject {
    /// Where it is asked for.
    pub(crate) org: OrgIdentity,
    pub(crate) operation: String,
    /// How it is paged.
    pub(crate) listing: u64,
    /// What it is asked for, by the name that errors show.
    pub(crate) parts: BTreeMap<String, u64>,
}

impl Subject {
    /// Of a request to an org, without what stands in these places.
    pub(super) fn new(
        request: &Request,
        org: OrgIdentity,
        listing: &Listing,
        without: &[&Place],
    ) -> Self {
        let operation = request.operation();
        let mut parts = BTreeMap::new();
        let mut add = |name: String, digest: &Digest| {
            parts.insert(name, digest.finish());
        };
        add(
            "the method or path".to_owned(),
            &texts([operation.method().as_str(), operation.path()]),
        );
        for (name, value) in request.path_values() {
            add(format!("the path parameter `{name}`"), &texts([value]));
        }
        let in_query =
            |name: &str| !without.iter().any(|place| !place.is_in_body() && place.name() == name);
        for (name, _) in request.query_pairs().filter(|(name, _)| in_query(name)) {
            let values = request.query_pairs().filter(|(known, _)| *known == name);
            add(format!("the query parameter `{name}`"), &texts(values.map(|(_, value)| value)));
        }
        match request.body().map(|body| serde_json::from_slice::<Value>(body)) {
            None => {}
            Some(Ok(Value::Object(mut body))) => {
                for place in without.iter().filter(|place| place.is_in_body()) {
                    remove(&mut body, place.name());
                }
                for (name, value) in body.iter().filter(|(_, value)| !is_nothing(value)) {
                    let mut digest = Digest::new();
                    write(value, &mut digest);
                    add(format!("the field `{name}` of the body"), &digest);
                }
            }
            Some(other) => {
                let mut digest = Digest::new();
                match other {
                    Ok(value) => write(&value, &mut digest),
                    Err(_) => digest.bytes(request.body().map_or(&[], |body| body)),
                }
                add("the body".to_owned(), &digest);
            }
        }
        let listing = hash_of(listing);
        Self { org, operation: operation.id().to_owned(), listing, parts }
    }

    /// As it is written.
    pub(crate) fn form(&self) -> SubjectForm {
        let Self { org, operation, listing, parts } = self;
        SubjectForm {
            org: serde_json::to_value(org).ok(),
            operation: Some(operation.clone()),
            listing: Some(hex(*listing)),
            parameters: Some(parts.iter().map(|(name, hash)| (name.clone(), hex(*hash))).collect()),
        }
    }

    /// The same, read.
    pub(crate) fn of_form(form: SubjectForm) -> Result<Self, String> {
        let lacks = |name: &str| format!("its call has no `{name}`");
        let hash = |text: &str| {
            from_hex(text).ok_or_else(|| "its call has a hash that is malformed".to_owned())
        };
        let parts = form.parameters.unwrap_or_default().into_iter();
        let org = form.org.ok_or_else(|| lacks("org"))?;
        Ok(Self {
            org: serde_json::from_value(org).map_err(|error| format!("its org: {error}"))?,
            operation: form.operation.ok_or_else(|| lacks("operation"))?,
            listing: hash(&form.listing.ok_or_else(|| lacks("listing"))?)?,
            parts: parts
                .map(|(name, text)| Ok((name, hash(&text)?)))
                .collect::<Result<_, String>>()?,
        })
    }

    /// The same, known to be asked for by something more.
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.parts.insert(name.to_owned(), texts([value]).finish());
        self
    }

    /// What differs in another one, in words.
    pub(crate) fn difference(&self, now: &Self) -> Option<String> {
        if self.operation != now.operation {
            return Some(format!("it is of {}", self.operation));
        }
        if let Some(difference) = self.org.difference(&now.org) {
            return Some(difference);
        }
        let mut differences = Vec::new();
        for (name, hash) in &self.parts {
            match now.parts.get(name) {
                None => differences.push(format!("{name} is no longer set")),
                Some(now) if now != hash => differences.push(format!("{name} is another")),
                Some(_) => {}
            }
        }
        let new = now.parts.keys().filter(|name| !self.parts.contains_key(*name));
        differences.extend(new.map(|name| format!("{name} was not set")));
        if differences.is_empty() && self.listing != now.listing {
            differences.push("the operation was paged in another way".to_owned());
        }
        (!differences.is_empty()).then(|| differences.join(", "))
    }
}

/// How a list is read, as far as it decides what a checkpoint means.
fn hash_of(listing: &Listing) -> u64 {
    let place = |place: &Place| format!("{} {}", place.is_in_body(), place.name());
    let mut parts = vec![listing.scheme().name().to_owned(), listing.items().to_owned()];
    parts.push(listing.page_size().map_or(String::new(), |size| place(size.place())));
    parts.extend(listing.token_in().iter().map(place));
    parts.push(listing.token_out().map_or(String::new(), |out| format!("out {}", out.path())));
    texts(parts.iter().map(String::as_str)).finish()
}

fn texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Digest {
    let mut digest = Digest::new();
    texts.into_iter().for_each(|text| digest.bytes(text.as_bytes()));
    digest
}

/// Removes a field by its path, and what held nothing else.
fn remove(object: &mut serde_json::Map<String, Value>, path: &str) {
    match path.split_once('.') {
        None => {
            object.remove(path);
        }
        Some((name, rest)) => {
            if let Some(inner) = object.get_mut(name).and_then(Value::as_object_mut) {
                remove(inner, rest);
            }
        }
    }
}

/// Whether a field says no more than one that is left out.
fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_object().is_some_and(|object| object.values().all(is_nothing))
}

/// The value whatever the order of its fields.
fn write(value: &Value, digest: &mut Digest) {
    match value {
        Value::Null => digest.bytes(b"null"),
        Value::Bool(_) | Value::Number(_) => digest.bytes(value.to_string().as_bytes()),
        Value::String(text) => {
            digest.word(1);
            digest.bytes(text.as_bytes());
        }
        Value::Array(values) => {
            digest.word(2);
            digest.word(values.len() as u64);
            values.iter().for_each(|value| write(value, digest));
        }
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            digest.word(3);
            digest.word(fields.len() as u64);
            for (name, value) in fields {
                digest.bytes(name.as_bytes());
                write(value, digest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::{Method, Operation};
    use crate::paging::{PageSize, Scheme};

    fn of(query: &[(&'static str, &str)], body: &str) -> Subject {
        let operation = Operation::known("postThings", Method::Post, "/shops/{shopId}/things");
        let mut request = Request::new(operation);
        request.set_path("shopId", "s1");
        for (name, value) in query {
            request.add_query(*name, *value);
        }
        let body: Value = serde_json::from_str(body).expect("JSON");
        request.set_body(&body);
        let listing = Listing::new(Scheme::BodyPagingTotalHits, "things")
            .with_page_size(PageSize::integer("paging.pageSize").in_body());
        let places: Vec<&Place> =
            listing.token_in().iter().chain(listing.page_size().map(PageSize::place)).collect();
        Subject::new(&request, OrgIdentity::of("https://api.example.com"), &listing, &places)
    }

    #[test]
    fn what_differs_is_named() {
        let body = r#"{"interval":"a/b","filters":[{"name":"x","value":"secret"}]}"#;
        let saved = of(&[("expand", "a"), ("expand", "b"), ("name", "Support*")], body);
        let same = &[("name", "Support*"), ("expand", "a"), ("expand", "b")][..];
        let paged = r#"{"paging":{"pageNumber":3,"pageSize":9},"filters":[{"value":"secret","name":"x"}],
            "order":null,"interval":"a/b"}"#;
        for (query, body, difference) in [
            (same, body, None),
            (same, paged, None),
            (
                &[("name", "Sales*"), ("expand", "b"), ("expand", "a")],
                body,
                Some(
                    "the query parameter `expand` is another, the query parameter `name` is another",
                ),
            ),
            (
                &[("name", "Support*")],
                r#"{"interval":"a/c","filters":[{"name":"x","value":"secret"}],"order":"asc"}"#,
                Some(
                    "the field `interval` of the body is another, \
                     the query parameter `expand` is no longer set, \
                     the field `order` of the body was not set",
                ),
            ),
            (
                same,
                "[1]",
                Some(
                    "the field `filters` of the body is no longer set, \
                 the field `interval` of the body is no longer set, the body was not set",
                ),
            ),
        ] {
            assert_eq!(saved.difference(&of(query, body)).as_deref(), difference, "{body}");
        }
        let other = Subject { operation: "getThings".to_owned(), ..saved.clone() };
        assert_eq!(other.difference(&saved).as_deref(), Some("it is of getThings"));
        let paged = Subject { listing: 1, ..saved.clone() };
        let difference = paged.difference(&saved).expect("a difference");
        assert_eq!(difference, "the operation was paged in another way");
        let text = format!("{saved:?}");
        assert!(!text.contains("secret") && !text.contains("Support"), "{text}");
    }
}
