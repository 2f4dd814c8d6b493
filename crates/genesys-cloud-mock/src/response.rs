use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use serde_json::{Value, json};

use crate::connection::ResponseBody;

/// A custom response, for [`MockOrg::respond_next`](crate::MockOrg::respond_next) or a [`Fault`](crate::Fault).
///
/// ```
/// use genesys_cloud_mock::CannedResponse;
///
/// let limited = CannedResponse::rate_limited(2);
/// let gateway = CannedResponse { status: 502, headers: vec![], body: "<html>".into() };
/// let odd = CannedResponse::json(200, &serde_json::json!({ "entities": null })).header("x-odd", "1");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CannedResponse {
    /// The HTTP status.
    pub status: u16,
    /// The headers, in addition to those of every response.
    pub headers: Vec<(String, String)>,
    /// The body as sent over the wire.
    pub body: Bytes,
}

impl CannedResponse {
    /// Creates a response with a JSON body.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::raw_json(status, body.to_string())
    }

    /// Creates a response without a body.
    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new() }
    }

    /// Creates an error in the format of the service.
    pub fn error(status: u16, code: &str, message: &str) -> Self {
        Self::json(
            status,
            &json!({
                "message": message,
                "code": code,
                "status": status,
                "details": [],
                "errors": [],
            }),
        )
    }

    /// Creates a 429 with this `Retry-After`, in seconds.
    pub fn rate_limited(retry_after: u64) -> Self {
        let message = format!(
            "Rate limit exceeded the maximum. Retry the request in [{retry_after}] seconds"
        );
        Self::error(429, "too.many.requests.retry.after", &message)
            .header(RETRY_AFTER.as_str(), &retry_after.to_string())
    }

    /// Creates a 401, as if the token were no longer valid.
    pub fn unauthorized() -> Self {
        Self::error(401, "bad.credentials", "Invalid login credentials.")
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn raw_json(status: u16, body: impl Into<Bytes>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
            .header(CONTENT_TYPE.as_str(), "application/json")
    }

    pub(crate) fn bad_request(message: &str) -> Self {
        Self::error(400, "bad.request", message)
    }

    pub(crate) fn not_found() -> Self {
        Self::error(404, "not.found", "The requested resource was not found.")
    }

    pub(crate) fn bad_token() -> Self {
        Self::bad_request("The cursor is not valid for this query, or has expired.")
    }

    /// Adds the request id to the body of an error, where the service puts it.
    pub(crate) fn with_context(mut self, correlation_id: &str) -> Self {
        if self.status < 400 {
            return self;
        }
        if let Ok(Value::Object(mut body)) = serde_json::from_slice(&self.body)
            && body.contains_key("code")
        {
            body.entry("contextId").or_insert_with(|| correlation_id.into());
            self.body = Value::Object(body).to_string().into();
        }
        self
    }

    pub(crate) fn into_response(self) -> Response<ResponseBody> {
        let mut response = Response::builder().status(self.status);
        for (name, value) in &self.headers {
            response = response.header(name, value);
        }
        response.body(ResponseBody::whole(self.body)).unwrap_or_else(|error| {
            let mut response =
                Response::new(ResponseBody::whole(format!("canned response: {error}").into()));
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
            response
        })
    }
}
