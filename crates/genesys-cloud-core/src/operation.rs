//! The static facts of one API operation.

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
    /// The method as it stands in a request line, such as `GET`.
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

/// What the API document says of one operation, as far as sending it goes.
///
/// Generated code holds one per operation; make your own with [`Operation::new`] to call or page an
/// endpoint that the bindings do not know.
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
    /// An operation of a name that errors and traces show, and a path below the API's host, such as
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

    /// The same for generated code, which knows all of it when it is compiled.
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

    /// Statuses outside 2xx that are an answer rather than an error for this operation, such as the 304
    /// of a conditional read.
    #[must_use]
    pub const fn also_accepting(mut self, statuses: &'static [u16]) -> Self {
        self.also_accepts = statuses;
        self
    }

    /// The same operation, known to change nothing whatever its method, such as a POST that only
    /// queries. The client then repeats it after a failure that leaves open whether it was done; see
    /// [`is_repeatable`](Self::is_repeatable).
    #[must_use]
    pub const fn reads(mut self) -> Self {
        self.reads = true;
        self
    }

    /// The same operation, known to do more when it is done twice, such as a DELETE that submits a job. One that
    /// reads can be repeated all the same.
    #[must_use]
    pub const fn once(mut self) -> Self {
        self.once = true;
        self
    }

    /// Whether doing it twice comes to the same as doing it once: true of GET, HEAD, PUT and DELETE, and
    /// of operations that [only read](Self::reads), unless it is said [otherwise](Self::once).
    pub const fn is_repeatable(&self) -> bool {
        match self.method {
            Method::Get | Method::Head => true,
            Method::Delete | Method::Put => !self.once,
            Method::Patch | Method::Post => self.reads,
        }
    }

    /// The operationId of the API document, such as `getRoutingQueues`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The HTTP method.
    pub const fn method(&self) -> Method {
        self.method
    }

    /// The path template, such as `/api/v2/routing/queues/{queueId}`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The path template without a query, for traces: query values can be personal data.
    pub(crate) fn template(&self) -> &str {
        self.path.split('?').next().unwrap_or_default()
    }

    /// Whether a reply of this status is an answer rather than an error: any 2xx, listed in the
    /// document or not, and what the operation accepts beyond.
    pub fn accepts(&self, status: u16) -> bool {
        (200..300).contains(&status) || self.also_accepts.contains(&status)
    }
}

/// `GET /api/v2/routing/queues (getRoutingQueues)`
impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.method, self.path, self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_repeated() {
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
