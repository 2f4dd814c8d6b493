//! Requests as plain data, which can be cloned, inspected, changed and sent again.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use bytes::Bytes;
use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use url::form_urlencoded;

use crate::error::Error;
use crate::json;
use crate::operation::Operation;
use crate::param::Param;
use crate::wire::not_finite;

/// Encodes all but the unreserved characters of RFC 3986.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Maximum length of path and query in bytes. The API runs behind AWS load balancers, which reject longer request
/// lines.
pub(crate) const MAX_TARGET: usize = 16 << 10;

/// Headers that the client or the connection sets.
pub(crate) const OWN_HEADERS: [HeaderName; 5] =
    [AUTHORIZATION, HOST, CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION];

/// One call of an [`Operation`]: path parameters, query, headers and body.
///
/// Setters can't fail. An invalid value, such as an empty path parameter or a header with a line break, is reported when
/// the request is sent, before anything goes over the network.
#[derive(Clone)]
pub struct Request {
    operation: Operation,
    path: Vec<(Cow<'static, str>, String)>,
    query: Vec<(Cow<'static, str>, String)>,
    headers: HeaderMap,
    body: Option<Bytes>,
    fault: Option<String>,
    /// Maximum size of a successful response in bytes, if below the client's limit.
    max_body: Option<usize>,
}

impl Request {
    /// Creates a request with nothing set.
    pub fn new(operation: Operation) -> Self {
        Self {
            operation,
            path: Vec::new(),
            query: Vec::new(),
            headers: HeaderMap::new(),
            body: None,
            fault: None,
            max_body: None,
        }
    }

    /// Returns the operation.
    pub fn operation(&self) -> &Operation {
        &self.operation
    }

    /// Fills the placeholder `{name}` of the path. The value is percent-encoded.
    pub fn set_path(&mut self, name: impl Into<Cow<'static, str>>, value: impl Param) -> &mut Self {
        let name = name.into();
        let value = value.to_param().into_owned();
        if matches!(value.as_str(), "" | "." | "..") {
            // An empty value would address the collection, and URL parsers resolve dot segments even if they are
            // percent-encoded.
            self.fault(format!("path parameter `{name}` must not be {value:?}"));
        }
        self.path.retain(|(known, _)| *known != name);
        self.path.push((name, value));
        self
    }

    /// Adds a query parameter, and keeps existing ones with the same name.
    pub fn add_query(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Param,
    ) -> &mut Self {
        self.query.push((name.into(), value.to_param().into_owned()));
        self
    }

    /// Sets a query parameter, and removes existing ones with the same name.
    pub fn set_query(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Param,
    ) -> &mut Self {
        let name = name.into();
        self.query.retain(|(known, _)| *known != name);
        self.add_query(name, value)
    }

    /// Sets a list-valued query parameter as one pair per value (`expand=a&expand=b`).
    pub fn set_query_each<P: Param>(
        &mut self,
        name: &'static str,
        values: impl IntoIterator<Item = P>,
    ) -> &mut Self {
        self.query.retain(|(known, _)| *known != name);
        for value in values {
            self.add_query(name, value);
        }
        self
    }

    /// Sets a list-valued query parameter as one pair with joined values (`id=a,b`).
    pub fn set_query_joined<P: Param>(
        &mut self,
        name: &'static str,
        separator: char,
        values: impl IntoIterator<Item = P>,
    ) -> &mut Self {
        let mut joined = String::new();
        for (index, value) in values.into_iter().enumerate() {
            if index > 0 {
                joined.push(separator);
            }
            joined.push_str(&value.to_param());
        }
        self.set_query(name, joined)
    }

    /// Returns the first value of a query parameter, not encoded.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Sets a header. Headers that the client or the connection sets are rejected: `Authorization`, `Host`,
    /// `Content-Length`, `Transfer-Encoding` and `Connection`.
    pub fn set_header(&mut self, name: &str, value: impl Param) -> &mut Self {
        let value = value.to_param();
        match (HeaderName::try_from(name), HeaderValue::try_from(value.as_ref())) {
            (Ok(name), _) if OWN_HEADERS.contains(&name) => {
                self.fault(format!("header `{name}` is set by the client and can't be overridden"));
            }
            (Ok(name), Ok(value)) => {
                self.headers.insert(name, value);
            }
            // Omit the value, which may be secret.
            _ => self.fault(format!("header `{name}` has a character that HTTP does not allow")),
        }
        self
    }

    /// Removes a header.
    pub fn remove_header(&mut self, name: &str) -> &mut Self {
        self.headers.remove(name);
        self
    }

    /// Sets the body, serialized as JSON. Use a [`RawValue`](serde_json::value::RawValue) to send JSON text unchanged.
    ///
    /// NaN and infinite numbers are rejected: JSON cannot represent them, and `null` in their place would clear a field.
    pub fn set_body(&mut self, body: &(impl Serialize + ?Sized)) -> &mut Self {
        match json_of(body) {
            Ok(json) => self.body = Some(json.into()),
            Err(why) => self.fault(format!("the body can't be written as JSON: {why}")),
        }
        self
    }

    /// Removes the body.
    pub fn remove_body(&mut self) -> &mut Self {
        self.body = None;
        self
    }

    /// Sets a body that is not JSON, such as a file, and its `Content-Type`.
    pub fn set_body_bytes(&mut self, body: impl Into<Bytes>, content_type: &str) -> &mut Self {
        self.body = Some(body.into());
        self.set_header(CONTENT_TYPE.as_str(), content_type)
    }

    /// Sets one field of the body to JSON `null`, which clears the field in the API. The rest of the body is unchanged.
    ///
    /// `pointer` is a JSON pointer ([RFC 6901](https://www.rfc-editor.org/rfc/rfc6901)) such as
    /// `/manager` or `/mediaSettings/call/alertingTimeoutSeconds`. The body and the object that contains the field must
    /// already be set.
    pub fn set_null(&mut self, pointer: &str) -> &mut Self {
        if let Err(why) = self.edit_body(pointer, "null", false) {
            self.fault(format!("can't set `{pointer}` of the body to null: {why}"));
        }
        self
    }

    /// Sets one field of the body, and creates the body and the enclosing objects if they are missing. The rest is
    /// unchanged. `pointer` is a JSON pointer, such as `/paging/pageNumber`.
    pub fn set_body_field(&mut self, pointer: &str, value: impl Serialize) -> &mut Self {
        let edited = json_of(&value).and_then(|value| self.edit_body(pointer, &value, true));
        if let Err(why) = edited {
            self.fault(format!("can't set `{pointer}` of the body: {why}"));
        }
        self
    }

    fn edit_body(&mut self, pointer: &str, value: &str, create: bool) -> Result<(), String> {
        let body = match &self.body {
            Some(body) => std::str::from_utf8(body).map_err(|error| error.to_string())?,
            None if create => "{}",
            None => return Err("the request has no body".to_owned()),
        };
        self.body = Some(json::set(body, pointer, value, create)?.into());
        Ok(())
    }

    /// Returns a field of the body as JSON text. `None` if it is missing or null.
    pub(crate) fn body_field(&self, pointer: &str) -> Option<&str> {
        let body = std::str::from_utf8(self.body.as_ref()?).ok()?;
        json::get(body, pointer).filter(|value| *value != "null")
    }

    /// Returns the value of the placeholder `{name}` of the path, not encoded.
    pub(crate) fn path_value(&self, name: &str) -> Option<&str> {
        self.path.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Returns the placeholders of the path with their values.
    pub(crate) fn path_values(&self) -> impl Iterator<Item = (&str, &str)> {
        self.path.iter().map(|(name, value)| (&**name, value.as_str()))
    }

    /// Returns the query parameters in order, not encoded. A parameter with several values appears several times.
    pub fn query_pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.query.iter().map(|(name, value)| (&**name, value.as_str()))
    }

    /// Accepts redirects as responses.
    pub(crate) fn accept_redirects(&mut self) {
        self.operation = self.operation.clone().also_accepting(&[301, 302, 303, 307, 308]);
    }

    /// Marks the request as not repeatable.
    pub(crate) fn once(mut self) -> Self {
        self.operation = self.operation.once();
        self
    }

    /// Removes the body.
    pub(crate) fn without_body(mut self) -> Self {
        self.body = None;
        self
    }

    /// Returns the headers that were set.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the body.
    pub fn body(&self) -> Option<&Bytes> {
        self.body.as_ref()
    }

    /// Returns path and query of the request line, encoded, such as `/api/v2/routing/queues?pageSize=100`.
    ///
    /// # Errors
    /// If a setter got an invalid value, a path parameter is missing, or the target is longer than 16 KiB.
    pub fn target(&self) -> Result<String, Error> {
        if let Some(fault) = &self.fault {
            return Err(Error::invalid_request(&self.operation, fault.clone()));
        }
        let mut target = String::with_capacity(self.operation.path().len() + 64);
        let mut rest = self.operation.path();
        while let Some((before, after)) = rest.split_once('{') {
            target.push_str(before);
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            let Some((_, value)) = self.path.iter().find(|(known, _)| *known == name) else {
                let fault = format!("path parameter `{name}` is not set");
                return Err(Error::invalid_request(&self.operation, fault));
            };
            target.extend(utf8_percent_encode(value, ENCODED));
            rest = after;
        }
        target.push_str(rest);
        self.drop_replaced(&mut target);
        // The path of a custom operation may include a query.
        let mut separator = match target.find('?') {
            Some(_) if target.ends_with(['?', '&']) => None,
            Some(_) => Some('&'),
            None => Some('?'),
        };
        for (name, value) in &self.query {
            let (name, value) =
                (utf8_percent_encode(name, ENCODED), utf8_percent_encode(value, ENCODED));
            target.extend(separator);
            // Writing to a string cannot fail.
            let _ = write!(target, "{name}={value}");
            separator = Some('&');
        }
        self.check_length(&target)?;
        Ok(target)
    }

    /// Removes parameters from the query in the path that are also set by name, such as a page number, because a server
    /// might use either.
    fn drop_replaced(&self, target: &mut String) {
        let Some((path, query)) = target.split_once('?') else { return };
        let is_replaced = |pair: &&str| {
            let name = form_urlencoded::parse(pair.as_bytes()).next();
            name.is_some_and(|(name, _)| self.query.iter().any(|(known, _)| *known == name))
        };
        if !query.split('&').any(|pair| is_replaced(&pair)) {
            return;
        }
        let kept = query.split('&').filter(|pair| !is_replaced(pair)).collect::<Vec<_>>();
        *target = match kept[..] {
            [] => path.to_owned(),
            _ => format!("{path}?{}", kept.join("&")),
        };
    }

    /// Rejects a target that is too long. The error names the longest parameter without its value, which may be personal
    /// data.
    fn check_length(&self, target: &str) -> Result<(), Error> {
        if target.len() <= MAX_TARGET {
            return Ok(());
        }
        let parameters = self.query.iter().chain(&self.path);
        let longest = parameters.max_by_key(|(_, value)| value.len());
        let longest = longest.map(|(name, value)| format!(", {} of `{name}`", value.len()));
        let why = format!(
            "the URL is too long: path and query have {} bytes{}; the maximum is {MAX_TARGET}",
            target.len(),
            longest.unwrap_or_default(),
        );
        Err(Error::invalid_request(&self.operation, why))
    }

    /// Limits the size of a successful response in bytes, below the client's `max_body`.
    pub(crate) fn set_max_body(&mut self, bytes: usize) {
        self.max_body = Some(bytes);
    }

    pub(crate) const fn max_body(&self) -> Option<usize> {
        self.max_body
    }

    /// Records an error, to be reported when the request is sent.
    pub(crate) fn fault(&mut self, what: String) {
        self.fault.get_or_insert(what);
    }
}

/// Serializes a value as JSON, and rejects numbers that JSON cannot represent.
fn json_of(value: &(impl Serialize + ?Sized)) -> Result<String, String> {
    if let Some(number) = not_finite(value) {
        return Err(format!(
            "{number}, which JSON cannot represent; omit it, or set another number"
        ));
    }
    serde_json::to_string(value).map_err(|error| error.to_string())
}

/// Omits the body, which may contain personal data or a password.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("operation", &self.operation)
            .field("path", &self.path)
            .field("query", &self.query)
            .field("headers", &self.headers)
            .field("body_bytes", &self.body.as_ref().map(Bytes::len))
            .field("fault", &self.fault)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::Method;

    fn with_body(body: Option<&str>) -> Request {
        let mut request =
            Request::new(Operation::from_static("postThings", Method::Post, "/things"));
        request.body = body.map(|body| Bytes::copy_from_slice(body.as_bytes()));
        request
    }

    #[test]
    fn a_path_may_contain_a_query() {
        for (path, target) in [
            ("/things", "/things?page=2&a=b"),
            ("/things?", "/things?page=2&a=b"),
            ("/things?kind=x", "/things?kind=x&page=2&a=b"),
            ("/things?kind=x&", "/things?kind=x&page=2&a=b"),
            ("/things?page=1", "/things?page=2&a=b"),
            ("/things?kind=x+y&p%61ge=1&page=3&k", "/things?kind=x+y&k&page=2&a=b"),
            ("/things/{id}?kind={kind}", "/things/7?kind=x%26y&page=2&a=b"),
        ] {
            let operation = Operation::new("getThings", Method::Get, path);
            let mut request = Request::new(operation);
            request.set_path("id", "7").set_path("kind", "x&y");
            request.set_query("page", "2").set_query("a", "b");
            assert_eq!(request.target().expect(path), target, "{path}");
        }
        let operation = Operation::new("getThings", Method::Get, "/things?kind=x");
        assert_eq!(Request::new(operation).target().expect("a target"), "/things?kind=x");
    }

    #[test]
    fn sets_a_body_field_at_any_depth() {
        for (body, pointer, result) in [
            (None, "/a", r#"{"a":7}"#),
            (None, "/a/b", r#"{"a":{"b":7}}"#),
            (Some(r#"{"a":1,"b":2}"#), "/a", r#"{"a":7,"b":2}"#),
            (Some(r#"{"a":null}"#), "/a/b/c", r#"{"a":{"b":{"c":7}}}"#),
            (Some(r#"{"a":{"b":1,"c":2}}"#), "/a/b", r#"{"a":{"b":7,"c":2}}"#),
            (Some(r#"{"a":[{"b":1}]}"#), "/a/0/b", r#"{"a":[{"b":7}]}"#),
            (Some("{}"), "/a~1b", r#"{"a/b":7}"#),
        ] {
            let mut request = with_body(body);
            request.set_body_field(pointer, 7);
            assert_eq!(request.fault, None, "{pointer}");
            assert_eq!(
                request.body().map(|body| body.as_ref()),
                Some(result.as_bytes()),
                "{pointer}"
            );
            assert_eq!(request.body_field(pointer), Some("7"), "{pointer}");
        }
    }

    #[test]
    fn rejects_numbers_that_json_cannot_represent() {
        type Change = fn(&mut Request) -> &mut Request;
        let cases: [(Change, &str); 3] = [
            (|it| it.set_body(&[1.0, f64::NAN]), "the body can't be written as JSON: /1 is NaN"),
            (|it| it.set_body_field("/b", f64::INFINITY), "can't set `/b` of the body: it is inf"),
            (|it| it.set_body_field("/a", [f32::NAN]), "`/a` of the body: /0 is NaN"),
        ];
        for (change, why) in cases {
            let mut request = with_body(Some(r#"{"a":1}"#));
            change(&mut request);
            let error = request.target().expect_err(why).to_string();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn sends_raw_json_unchanged() {
        let text = r#"{"n": 31.245270191439438, "id": 12345678901234567890, "x":1.50, "x":1e400}"#;
        let body: &serde_json::value::RawValue = serde_json::from_str(text).expect("JSON");
        let mut request = with_body(None);
        request.set_body(body);
        assert_eq!(request.body().map(|body| body.as_ref()), Some(text.as_bytes()));
        request.set_null("/id").set_body_field("/p/q", 1);
        let edited = text.replacen("12345678901234567890", "null", 1);
        let edited = edited.replacen("1e400", r#"1e400,"p":{"q":1}"#, 1);
        assert_eq!(request.body().map(|body| body.as_ref()), Some(edited.as_bytes()));
        let mut request = with_body(None);
        request.set_body_bytes(&b"\xff\x00{}"[..], "application/octet-stream");
        assert_eq!(request.body().map(|body| body.as_ref()), Some(&b"\xff\x00{}"[..]));
        assert_eq!(request.headers()["content-type"], "application/octet-stream");
    }

    #[test]
    fn reports_a_body_field_that_cannot_be_set() {
        for (body, pointer, why) in [
            (Some("[]"), "/a", "`` is not an object"),
            (Some(r#"{"a":1}"#), "/a/b", "`/a` is not an object"),
            (Some(r#"{"a":[]}"#), "/a/0/b", "`/a/0` is not in the body"),
            (Some("{}"), "a", "a JSON pointer starts with `/`"),
            (Some("{"), "/a", "EOF"),
        ] {
            let mut request = with_body(body);
            request.set_body_field(pointer, 7);
            let error = request.target().expect_err(pointer).to_string();
            assert!(error.contains(why), "{error}");
        }
        assert_eq!(with_body(Some(r#"{"a":null}"#)).body_field("/a"), None);
    }

    #[test]
    fn sets_null_only_in_an_existing_object() {
        let mut request = with_body(Some(r#"{"a":{"b":1}}"#));
        request.set_null("/a/b").set_null("/c");
        assert_eq!(
            request.body().map(|body| body.as_ref()),
            Some(br#"{"a":{"b":null},"c":null}"#.as_slice())
        );
        for (body, pointer) in [(None, "/a"), (Some("{}"), "/a/b")] {
            let mut request = with_body(body);
            request.set_null(pointer);
            assert!(request.target().is_err(), "{pointer}");
        }
    }
}
