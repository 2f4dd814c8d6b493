//! Hooks of the program for requests and calls.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;

use crate::error::ErrorKind;
use crate::operation::{Method, Operation};
use crate::request::OWN_HEADERS;

/// A request about to be sent, passed to [`ClientBuilder::on_request`](crate::ClientBuilder::on_request).
#[derive(Debug)]
#[non_exhaustive]
pub struct RequestHead<'a> {
    /// The operationId, such as `getRoutingQueue`.
    pub operation: &'a str,
    /// The HTTP method.
    pub method: Method,
    /// The path template, such as `/api/v2/routing/queues/{queueId}`.
    pub template: &'a str,
    /// The number of the attempt, from 1.
    pub attempt: u32,
    /// The headers, which can be changed. The client sets `Authorization`, `Host`, `Content-Length`, `Transfer-Encoding`
    /// and `Connection` itself and ignores values for them.
    pub headers: &'a mut HeaderMap,
}

/// The outcome of a call, passed to [`ClientBuilder::on_call`](crate::ClientBuilder::on_call).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CallEnded<'a> {
    /// The operationId, such as `getRoutingQueue`.
    pub operation: &'a str,
    /// The HTTP method.
    pub method: Method,
    /// The path template, such as `/api/v2/routing/queues/{queueId}`.
    pub template: &'a str,
    /// The status of the last response. `None` if there was none.
    pub status: Option<u16>,
    /// The number of requests sent.
    pub attempts: u32,
    /// The duration of the call, including waits.
    pub duration: Duration,
    /// How long the call waited, for the rate limiter and before retries.
    pub waited: Duration,
    /// The kind of error. `None` if the call succeeded.
    pub error: Option<ErrorKind>,
    /// The id of the call in the logs of Genesys.
    pub correlation_id: Option<&'a str>,
}

type OnRequest = dyn Fn(&mut RequestHead<'_>) + Send + Sync;
type OnCall = dyn Fn(&CallEnded<'_>) + Send + Sync;

/// The hooks of a client.
#[derive(Clone, Default)]
pub(crate) struct Hooks {
    pub(super) on_request: Option<Arc<OnRequest>>,
    pub(super) on_call: Option<Arc<OnCall>>,
}

impl Hooks {
    /// Lets the program change the headers of a request, except those that the client sets.
    pub(crate) fn request(&self, operation: &Operation, attempt: u32, headers: &mut HeaderMap) {
        let Some(on_request) = &self.on_request else { return };
        on_request(&mut RequestHead {
            operation: operation.id(),
            method: operation.method(),
            template: operation.template(),
            attempt,
            headers,
        });
        for name in &OWN_HEADERS {
            headers.remove(name);
        }
    }

    /// Whether the program observes the outcome of calls.
    pub(crate) const fn has_on_call(&self) -> bool {
        self.on_call.is_some()
    }

    pub(crate) fn call(&self, ended: &CallEnded<'_>) {
        if let Some(on_call) = &self.on_call {
            on_call(ended);
        }
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks")
            .field("on_request", &self.on_request.is_some())
            .field("on_call", &self.on_call.is_some())
            .finish()
    }
}
