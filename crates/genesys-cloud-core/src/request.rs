//! A request as plain data: it can be cloned, looked at, changed and sent again.

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

/// All but the characters that RFC 3986 calls unreserved.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The maximum length of path and query in bytes. AWS load balancers, which the API runs behind, accept no longer
/// request line.
pub(crate) const MAX_TARGET: usize = 16 << 10;

/// The headers that the client or the connection sets.
pub(crate) const OWN_HEADERS: [HeaderName; 5] =
    [AUTHORIZATION, HOST, CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION];

/// One call of an [`Operation`]: path parameters, query, headers and body.
///
/// Setters can't fail. What is wrong with a value (an empty path parameter, a header that holds a line
/// break) is kept and reported when the request is sent, before anything goes over the network.
#[derive(Clone)]
pub struct Request {
    operation: Operation,
    path: Vec<(Cow<'static, str>, String)>,
    query: Vec<(Cow<'static, str>, String)>,
    headers: HeaderMap,
    body: Option<Bytes>,
    fault: Option<String>,
    /// The most bytes that a successful reply may have, if less than the client allows.
    max_body: Option<usize>,
}

impl Request {
    /// A call of this operation with nothing set.
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

    /// The operation that is called.
    pub fn operation(&self) -> &Operation {
        &self.operation
    }

    /// Fills the placeholder `{name}` of the path. The value is percent-encoded.
    pub fn set_path(&mut self, name: impl Into<Cow<'static, str>>, value: impl Param) -> &mut Self {
        let name = name.into();
        let value = value.to_param().into_owned();
        if matches!(value.as_str(), "" | "." | "..") {
            // An empty value would name the collection above, and URL parsers fold dot segments
            // even when they are percent-encoded.
            self.fault(format!("path parameter `{name}` must not be {value:?}"));
        }
        self.path.retain(|(known, _)| *known != name);
        self.path.push((name, value));
        self
    }

    /// Adds a query parameter; one that is there under the same name stays, and both are sent.
    pub fn add_query(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Param,
    ) -> &mut Self {
        self.query.push((name.into(), value.to_param().into_owned()));
        self
    }

    /// Sets a query parameter in the place of all that are there under the same name.
    pub fn set_query(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Param,
    ) -> &mut Self {
        let name = name.into();
        self.query.retain(|(known, _)| *known != name);
        self.add_query(name, value)
    }

    /// Sets a list-valued query parameter, one pair for each value (`expand=a&expand=b`).
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

    /// Sets a list-valued query parameter as one pair, its values joined (`id=a,b`).
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

    /// The first value of a query parameter, as it was set.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Sets a header. Those that the client or the connection sets itself (`Authorization`, `Host`,
    /// `Content-Length`, `Transfer-Encoding`, `Connection`) are refused.
    pub fn set_header(&mut self, name: &str, value: impl Param) -> &mut Self {
        let value = value.to_param();
        match (HeaderName::try_from(name), HeaderValue::try_from(value.as_ref())) {
            (Ok(name), _) if OWN_HEADERS.contains(&name) => {
                self.fault(format!("header `{name}` is set by the client and can't be overridden"));
            }
            (Ok(name), Ok(value)) => {
                self.headers.insert(name, value);
            }
            // The value is left out of the message: it may be a secret.
            _ => self.fault(format!("header `{name}` has a character that HTTP does not allow")),
        }
        self
    }

    /// Removes a header that was set.
    pub fn remove_header(&mut self, name: &str) -> &mut Self {
        self.headers.remove(name);
        self
    }

    /// Sets the body, as JSON. Use a [`RawValue`](serde_json::value::RawValue) to send a JSON text as it is.
    ///
    /// NaN and infinite numbers are refused: JSON has no form for them, and as `null` they would clear a field.
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

    /// Sets one field of the body to an explicit JSON `null`, which is how the API clears a field. All else stays as
    /// it is.
    ///
    /// `pointer` is a JSON pointer ([RFC 6901](https://www.rfc-editor.org/rfc/rfc6901)) such as
    /// `/manager` or `/mediaSettings/call/alertingTimeoutSeconds`; what holds the field must be in the
    /// body already. Set the body first.
    pub fn set_null(&mut self, pointer: &str) -> &mut Self {
        if let Err(why) = self.edit_body(pointer, "null", false) {
            self.fault(format!("can't set `{pointer}` of the body to null: {why}"));
        }
        self
    }

    /// Sets one field of the body, which is made if there is none, and so are the objects that hold the
    /// field. All else stays as it is. `pointer` is a JSON pointer, such as `/paging/pageNumber`.
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
            None => return Err("there is no body".to_owned()),
        };
        self.body = Some(json::set(body, pointer, value, create)?.into());
        Ok(())
    }

    /// One field of the body, as its JSON text. `None` where it is not there, or null.
    pub(crate) fn body_field(&self, pointer: &str) -> Option<&str> {
        let body = std::str::from_utf8(self.body.as_ref()?).ok()?;
        json::get(body, pointer).filter(|value| *value != "null")
    }

    /// What fills the placeholder `{name}` of the path, as it was set.
    pub(crate) fn path_value(&self, name: &str) -> Option<&str> {
        self.path.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The placeholders of the path that are filled, with what fills them.
    pub(crate) fn path_values(&self) -> impl Iterator<Item = (&str, &str)> {
        self.path.iter().map(|(name, value)| (&**name, value.as_str()))
    }

    /// The query parameters in their order, as they were set; one that has several values comes several times.
    pub fn query_pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.query.iter().map(|(name, value)| (&**name, value.as_str()))
    }

    /// Takes redirects for answers too.
    pub(crate) fn accept_redirects(&mut self) {
        self.operation = self.operation.clone().also_accepting(&[301, 302, 303, 307, 308]);
    }

    /// The same request, not to be repeated where that may do it twice.
    pub(crate) fn once(mut self) -> Self {
        self.operation = self.operation.once();
        self
    }

    /// The same request without its body.
    pub(crate) fn without_body(mut self) -> Self {
        self.body = None;
        self
    }

    /// The headers that were set.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body, as it will be sent.
    pub fn body(&self) -> Option<&Bytes> {
        self.body.as_ref()
    }

    /// Path and query as in the request line, encoded, such as
    /// `/api/v2/routing/queues?pageSize=100`.
    ///
    /// # Errors
    /// When a setter was given something that can't be sent, a path parameter is missing, or the target is longer
    /// than 16 KiB.
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
        // A custom path may include a query.
        let mut separator = match target.find('?') {
            Some(_) if target.ends_with(['?', '&']) => None,
            Some(_) => Some('&'),
            None => Some('?'),
        };
        for (name, value) in &self.query {
            let (name, value) =
                (utf8_percent_encode(name, ENCODED), utf8_percent_encode(value, ENCODED));
            target.extend(separator);
            // Writing to a string can't fail.
            let _ = write!(target, "{name}={value}");
            separator = Some('&');
        }
        self.check_length(&target)?;
        Ok(target)
    }

    /// Removes the parameters of a query in the path that are set by name as well, such as the number of a page: a
    /// server may read either.
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

    /// Refuses a target that is too long for a request line. The error names the longest parameter, but not its value,
    /// which may be personal data.
    fn check_length(&self, target: &str) -> Result<(), Error> {
        if target.len() <= MAX_TARGET {
            return Ok(());
        }
        let parameters = self.query.iter().chain(&self.path);
        let longest = parameters.max_by_key(|(_, value)| value.len());
        let longest = longest.map(|(name, value)| format!(", {} of `{name}`", value.len()));
        let why = format!(
            "the URL is too long: path and query have {} bytes{}, the maximum is {MAX_TARGET}",
            target.len(),
            longest.unwrap_or_default(),
        );
        Err(Error::invalid_request(&self.operation, why))
    }

    /// Limits the size of a successful reply, in bytes, below the client's `max_body`.
    pub(crate) fn set_max_body(&mut self, bytes: usize) {
        self.max_body = Some(bytes);
    }

    pub(crate) const fn max_body(&self) -> Option<usize> {
        self.max_body
    }

    /// Notes what is wrong with a value, to be reported when the request is sent.
    pub(crate) fn fault(&mut self, what: String) {
        self.fault.get_or_insert(what);
    }
}

/// A value as JSON, all of whose numbers JSON can hold.
fn json_of(value: &(impl Serialize + ?Sized)) -> Result<String, String> {
    if let Some(number) = not_finite(value) {
        return Err(format!(
            "{number}, which JSON has no form for; leave it out, or set another number"
        ));
    }
    serde_json::to_string(value).map_err(|error| error.to_string())
}

/// Shows how long the body is, and not what it holds: it may be personal data or a password.
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
    fn a_path_may_have_a_query() {
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
    fn a_field_of_the_body_is_set_wherever_it_stands() {
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
    fn numbers_that_json_can_not_hold_are_faults() {
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
    fn a_json_text_is_sent_as_it_is() {
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
    fn a_field_that_can_not_be_set_is_a_fault() {
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
    fn null_is_set_only_where_its_holder_is() {
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
