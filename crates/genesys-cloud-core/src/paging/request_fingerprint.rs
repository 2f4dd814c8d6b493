//! The fingerprint of a request, by which a checkpoint resumes only the same call.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::list_spec::{ListSpec, ParamLocation};
use crate::client::OrgIdentity;
use crate::digest::{Digest, from_hex, hex};
use crate::lenient;
use crate::request::Request;

/// Depth to which a body is parsed. Anything deeper is compared as text.
const DEEPEST: usize = 64;

#[allow(unreachable_pub, reason = "records are public everywhere else")]
mod form {
    use std::collections::BTreeMap;

    use serde_json::Value;

    crate::record! {
        /// The stored form of a fingerprint.
        pub struct FingerprintForm {
            pub org: Option<Value> = "org",
            pub operation: Option<String> = "operation",
            pub spec: Option<String> = "listing",
            pub parameters: Option<BTreeMap<String, String>> = "parameters",
        }
    }
}

pub(crate) use self::form::FingerprintForm;

/// An operation and its parameters, except those that select a page. Values may be secret and are kept as hashes only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestFingerprint {
    /// The organization.
    pub(crate) org: OrgIdentity,
    pub(crate) operation: String,
    /// A hash of the list spec.
    pub(crate) spec: u64,
    /// Hashes of the parameters, by the name shown in errors.
    pub(crate) parts: BTreeMap<String, u64>,
}

impl RequestFingerprint {
    /// The fingerprint of a request to an organization, without the values at these locations.
    pub(crate) fn new(
        request: &Request,
        org: OrgIdentity,
        spec: &ListSpec,
        without: &[&ParamLocation],
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
        let without: Vec<&str> =
            without.iter().filter(|place| place.is_in_body()).map(|place| place.name()).collect();
        let body = request.body().map(|body| String::from_utf8_lossy(body));
        let body = body.as_deref().map(str::trim_ascii);
        match body.map(|body| (body, lenient::fields(body))) {
            None => {}
            Some((body, Some(_))) => {
                for Field { name, json, without } in fields(body, &without) {
                    if !is_nothing(json, &without, DEEPEST) {
                        let mut digest = Digest::new();
                        write(json, &without, DEEPEST, &mut digest);
                        add(format!("the field `{name}` of the body"), &digest);
                    }
                }
            }
            Some((body, None)) => {
                let mut digest = Digest::new();
                write(body, &[], DEEPEST, &mut digest);
                add("the body".to_owned(), &digest);
            }
        }
        let spec = hash_of(spec);
        Self { org, operation: operation.id().to_owned(), spec, parts }
    }

    /// Converts to the stored form.
    pub(crate) fn form(&self) -> FingerprintForm {
        let Self { org, operation, spec, parts } = self;
        FingerprintForm {
            org: serde_json::to_value(org).ok(),
            operation: Some(operation.clone()),
            spec: Some(hex(*spec)),
            parameters: Some(parts.iter().map(|(name, hash)| (name.clone(), hex(*hash))).collect()),
            ..FingerprintForm::default()
        }
    }

    /// Parses the stored form.
    pub(crate) fn of_form(form: FingerprintForm) -> Result<Self, String> {
        let lacks = |name: &str| format!("its call has no `{name}`");
        let hash =
            |text: &str| from_hex(text).ok_or_else(|| "its call has a malformed hash".to_owned());
        let parts = form.parameters.unwrap_or_default().into_iter();
        let org = form.org.ok_or_else(|| lacks("org"))?;
        Ok(Self {
            org: serde_json::from_value(org).map_err(|error| format!("its org: {error}"))?,
            operation: form.operation.ok_or_else(|| lacks("operation"))?,
            spec: hash(&form.spec.ok_or_else(|| lacks("listing"))?)?,
            parts: parts
                .map(|(name, text)| Ok((name, hash(&text)?)))
                .collect::<Result<_, String>>()?,
        })
    }

    /// Adds a parameter.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.parts.insert(name.to_owned(), texts([value]).finish());
        self
    }

    /// Describes how another request differs from this one. `None` if it does not.
    pub(crate) fn difference(&self, now: &Self) -> Option<String> {
        if self.operation != now.operation {
            return Some(format!("it belongs to {}", self.operation));
        }
        if let Some(difference) = self.org.difference(&now.org) {
            return Some(difference);
        }
        let mut differences = Vec::new();
        for (name, hash) in &self.parts {
            match now.parts.get(name) {
                None => differences.push(format!("{name} is no longer set")),
                Some(now) if now != hash => differences.push(format!("{name} has changed")),
                Some(_) => {}
            }
        }
        let new = now.parts.keys().filter(|name| !self.parts.contains_key(*name));
        differences.extend(new.map(|name| format!("{name} was not set")));
        if differences.is_empty() && self.spec != now.spec {
            differences.push("the operation paged in another way".to_owned());
        }
        (!differences.is_empty()).then(|| differences.join(", "))
    }
}

/// A hash of the parts of a list spec that determine the meaning of a checkpoint.
fn hash_of(spec: &ListSpec) -> u64 {
    let place = |place: &ParamLocation| format!("{} {}", place.is_in_body(), place.name());
    let mut parts = vec![spec.scheme().name().to_owned(), spec.items().to_owned()];
    parts.push(spec.page_size().map_or(String::new(), |size| place(size.place())));
    parts.extend(spec.token_in().iter().map(place));
    parts.push(spec.token_out().map_or(String::new(), |out| format!("out {}", out.path())));
    texts(parts.iter().map(String::as_str)).finish()
}

fn texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Digest {
    let mut digest = Digest::new();
    texts.into_iter().for_each(|text| digest.bytes(text.as_bytes()));
    digest
}

/// A field of a body.
struct Field<'a, 'w> {
    name: String,
    json: &'a str,
    /// The paths below it that are left out.
    without: Vec<&'w str>,
}

/// The fields of an object in the order of their names, except those at these paths.
fn fields<'a, 'w>(json: &'a str, without: &[&'w str]) -> Vec<Field<'a, 'w>> {
    let mut all = lenient::fields(json).unwrap_or_default();
    all.retain(|(name, _)| !without.contains(&name.as_str()));
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    let field = |(name, json): (String, &'a str)| {
        let below = |path: &&'w str| path.strip_prefix(name.as_str())?.strip_prefix('.');
        let without = without.iter().filter_map(below).collect();
        Field { name, json, without }
    };
    all.into_iter().map(field).collect()
}

/// Whether a field is equivalent to a missing one.
fn is_nothing(json: &str, without: &[&str], depth: usize) -> bool {
    let within = |it: &Field<'_, '_>| is_nothing(it.json, &it.without, depth - 1);
    json == "null" || depth > 0 && json.starts_with('{') && fields(json, without).iter().all(within)
}

/// Hashes a value independently of the order of its fields. Numbers are hashed as written.
fn write(json: &str, without: &[&str], depth: usize, digest: &mut Digest) {
    match json.as_bytes().first() {
        Some(b'"') => {
            digest.word(1);
            let text = lenient::text(json, false);
            digest.bytes(text.map_or(Cow::Borrowed(json), |(text, _)| text).as_bytes());
        }
        Some(b'[') if depth > 0 => {
            let values: Vec<&RawValue> = serde_json::from_str(json).unwrap_or_default();
            digest.word(2);
            digest.word(values.len() as u64);
            values.iter().for_each(|value| write(value.get(), &[], depth - 1, digest));
        }
        Some(b'{') if depth > 0 => {
            let fields = fields(json, without);
            digest.word(3);
            digest.word(fields.len() as u64);
            for field in fields {
                digest.bytes(field.name.as_bytes());
                write(field.json, &field.without, depth - 1, digest);
            }
        }
        _ => digest.bytes(json.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::{Method, Operation};
    use crate::paging::{PageSize, Scheme};

    fn of(query: &[(&'static str, &str)], body: &str) -> RequestFingerprint {
        let operation =
            Operation::from_static("postThings", Method::Post, "/shops/{shopId}/things");
        let mut request = Request::new(operation);
        request.set_path("shopId", "s1");
        for (name, value) in query {
            request.add_query(*name, *value);
        }
        let body: &RawValue = serde_json::from_str(body).expect("JSON");
        request.set_body(body);
        let spec = ListSpec::new(Scheme::BodyPagingTotalHits, "things")
            .with_page_size(PageSize::integer("paging.pageSize").in_body());
        let places: Vec<&ParamLocation> =
            spec.token_in().iter().chain(spec.page_size().map(PageSize::place)).collect();
        RequestFingerprint::new(
            &request,
            OrgIdentity::of("https://api.example.com"),
            &spec,
            &places,
        )
    }

    #[test]
    fn names_what_differs() {
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
                    "the query parameter `expand` has changed, the query parameter `name` has changed",
                ),
            ),
            (
                &[("name", "Support*")],
                r#"{"interval":"a/c","filters":[{"name":"x","value":"secret"}],"order":"asc"}"#,
                Some(
                    "the field `interval` of the body has changed, \
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
        // Values that `serde_json::Value` cannot hold are distinguished too, and the page number is left out.
        let exact = |n: &str, page: u32| {
            of(same, &format!(r#"{{"n":{n},"t":"\ud83d","paging":{{"pageNumber":{page}}}}}"#))
        };
        let long = exact("12345678901234567890", 1);
        assert_eq!(long.difference(&exact("12345678901234567890", 2)), None);
        for other in ["12345678901234567891", "1e400"] {
            let difference = long.difference(&exact(other, 1));
            assert_eq!(difference.as_deref(), Some("the field `n` of the body has changed"));
        }
        let other = RequestFingerprint { operation: "getThings".to_owned(), ..saved.clone() };
        assert_eq!(other.difference(&saved).as_deref(), Some("it belongs to getThings"));
        let paged = RequestFingerprint { spec: 1, ..saved.clone() };
        let difference = paged.difference(&saved).expect("a difference");
        assert_eq!(difference, "the operation paged in another way");
        let text = format!("{saved:?}");
        assert!(!text.contains("secret") && !text.contains("Support"), "{text}");
    }
}
