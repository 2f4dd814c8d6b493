//! Static descriptions of API operations.

use std::borrow::Cow;
use std::fmt;

/// An HTTP method that the API uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Method {
    /// `DELETE`
    Delete,
    /// `GET`
    Get,
    /// `HEAD`
    Head,
    /// `PATCH`
    Patch,
    /// `POST`
    Post,
    /// `PUT`
    Put,
}

impl Method {
    /// Returns the method as in the request line, such as `GET`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "DELETE",
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Patch => "PATCH",
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<Method> for http::Method {
    fn from(method: Method) -> Self {
        match method {
            Method::Delete => Self::DELETE,
            Method::Get => Self::GET,
            Method::Head => Self::HEAD,
            Method::Patch => Self::PATCH,
            Method::Post => Self::POST,
            Method::Put => Self::PUT,
        }
    }
}

/// The description of an API operation that is needed to call it.
///
/// Generated code has one for each operation. Create your own with [`Operation::new`] for an endpoint that the bindings
/// lack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    id: Cow<'static, str>,
    method: Method,
    path: Cow<'static, str>,
    also_accepts: &'static [u16],
    reads: bool,
    once: bool,
}

impl Operation {
    /// Creates an operation. The id appears in errors and traces; the path is below the API's host, such as
    /// `/api/v2/routing/queues/{queueId}`.
    pub fn new(
        id: impl Into<Cow<'static, str>>,
        method: Method,
        path: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            id: id.into(),
            method,
            path: path.into(),
            also_accepts: &[],
            reads: false,
            once: false,
        }
    }

    /// Creates an operation in a constant.
    pub const fn from_static(id: &'static str, method: Method, path: &'static str) -> Self {
        Self {
            id: Cow::Borrowed(id),
            method,
            path: Cow::Borrowed(path),
            also_accepts: &[],
            reads: false,
            once: false,
        }
    }

    /// Accepts these statuses outside 2xx as success, such as the 304 of a conditional read.
    #[must_use]
    pub const fn also_accepting(mut self, statuses: &'static [u16]) -> Self {
        self.also_accepts = statuses;
        self
    }

    /// Marks an operation as changing nothing, such as a POST that only queries, so that the client may retry it after
    /// failures with an unknown outcome. See [`is_repeatable`](Self::is_repeatable).
    #[must_use]
    pub const fn reads(mut self) -> Self {
        self.reads = true;
        self
    }

    /// Marks an operation as not idempotent, such as a DELETE that submits a job. An operation that only reads stays
    /// repeatable.
    #[must_use]
    pub const fn once(mut self) -> Self {
        self.once = true;
        self
    }

    /// Returns whether repeating the operation has no further effect. True for GET, HEAD, PUT and DELETE, unless marked
    /// with [`once`](Self::once), and for operations that [only read](Self::reads).
    pub const fn is_repeatable(&self) -> bool {
        match self.method {
            Method::Get | Method::Head => true,
            Method::Delete | Method::Put => !self.once,
            Method::Patch | Method::Post => self.reads,
        }
    }

    /// Returns the operationId of the API document, such as `getRoutingQueues`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the HTTP method.
    pub const fn method(&self) -> Method {
        self.method
    }

    /// Returns the path template, such as `/api/v2/routing/queues/{queueId}`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The path template without its query, for traces: query values can be personal data.
    pub(crate) fn template(&self) -> &str {
        self.path.split('?').next().unwrap_or_default()
    }

    /// Returns whether this status is a success: any 2xx, in the document or not, and the additionally accepted
    /// statuses.
    pub fn accepts(&self, status: u16) -> bool {
        (200..300).contains(&status) || self.also_accepts.contains(&status)
    }
}

/// Prints `GET /api/v2/routing/queues (getRoutingQueues)`.
impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.method, self.path, self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeatable_methods() {
        for (method, repeatable) in [
            (Method::Delete, true),
            (Method::Get, true),
            (Method::Head, true),
            (Method::Patch, false),
            (Method::Post, false),
            (Method::Put, true),
        ] {
            let operation = Operation::from_static("anOperation", method, "/things");
            assert_eq!(operation.is_repeatable(), repeatable, "{method}");
            assert!(operation.reads().is_repeatable(), "{method}");
        }
    }
}
