//! A call of one operation.

use std::borrow::Cow;
use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures::future::BoxFuture;

use crate::client::Client;
use crate::error::Error;
use crate::operation::Operation;
use crate::param::Param;
use crate::pipeline::failed;
use crate::request::Request;
use crate::response::{Decode, RawResponse, Response};

/// One call of an operation that returns a `T`. Awaiting it sends it, and so does [`send`](Call::send).
#[must_use = "a call does nothing until it is awaited or sent"]
pub struct Call<T> {
    client: Client,
    request: Request,
    output: PhantomData<fn() -> T>,
}

impl<T> Call<T> {
    /// Creates a call of an operation that the bindings lack, with nothing set.
    pub fn new(client: &impl AsRef<Client>, operation: Operation) -> Self {
        let (client, request) = (client.as_ref().clone(), Request::new(operation));
        Self { client, request, output: PhantomData }
    }

    /// Returns the request.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// Returns the request, to change it.
    pub fn request_mut(&mut self) -> &mut Request {
        &mut self.request
    }

    /// Returns the client and the request.
    pub fn into_parts(self) -> (Client, Request) {
        (self.client, self.request)
    }

    /// Changes the request, for example to set headers and parameters that the API document does not list.
    pub fn with(self, change: impl FnOnce(&mut Request)) -> Self {
        OperationCall::with(self, change)
    }

    /// Sets a header; see [`Request::set_header`].
    pub fn header(self, name: &str, value: impl Param) -> Self {
        OperationCall::header(self, name, value)
    }

    /// Sets a query parameter that the API document does not list; see [`Request::set_query`].
    pub fn query(self, name: impl Into<Cow<'static, str>>, value: impl Param) -> Self {
        OperationCall::query(self, name, value)
    }

    /// Sets one field of the body to an explicit JSON `null`; see [`Request::set_null`].
    pub fn set_null(self, pointer: &str) -> Self {
        OperationCall::set_null(self, pointer)
    }
}

/// Methods that all calls share, in addition to the setters of their operation. They set headers and parameters that
/// the API document does not list. Code that is generic over calls uses this trait as a bound.
///
/// ```no_run
/// # async fn example(call: genesys_cloud_core::Call<()>) -> Result<(), genesys_cloud_core::Error> {
/// use genesys_cloud_core::OperationCall as _;
///
/// call.header("X-Trace", "t-1").query("expand", "groups").await?;
/// # Ok(())
/// # }
/// ```
pub trait OperationCall: Sized {
    /// The type that the operation returns.
    type Output;

    /// Returns the request, to change it.
    fn request_mut(&mut self) -> &mut Request;

    /// Returns the call without the setters of its operation.
    fn into_call(self) -> Call<Self::Output>;

    /// Changes the request.
    #[must_use = "a call does nothing until it is awaited or sent"]
    fn with(mut self, change: impl FnOnce(&mut Request)) -> Self {
        change(self.request_mut());
        self
    }

    /// Sets a header; see [`Request::set_header`].
    #[must_use = "a call does nothing until it is awaited or sent"]
    fn header(mut self, name: &str, value: impl Param) -> Self {
        self.request_mut().set_header(name, value);
        self
    }

    /// Sets a query parameter that the API document does not list; see [`Request::set_query`].
    #[must_use = "a call does nothing until it is awaited or sent"]
    fn query(mut self, name: impl Into<Cow<'static, str>>, value: impl Param) -> Self {
        self.request_mut().set_query(name, value);
        self
    }

    /// Sets one field of the body to an explicit JSON `null`; see [`Request::set_null`].
    #[must_use = "a call does nothing until it is awaited or sent"]
    fn set_null(mut self, pointer: &str) -> Self {
        self.request_mut().set_null(pointer);
        self
    }
}

impl<T> OperationCall for Call<T> {
    type Output = T;

    fn request_mut(&mut self) -> &mut Request {
        &mut self.request
    }

    fn into_call(self) -> Self {
        self
    }
}

impl<T: Decode> Call<T> {
    /// Sends the call. Awaiting the call itself does the same.
    ///
    /// # Errors
    /// The future returns the errors of [`Client::execute`], and [`ErrorKind::Decode`](crate::ErrorKind::Decode) if the
    /// response can't be decoded as a `T`.
    pub fn send(self) -> Sending<T> {
        Sending { attempts: Attempts::new(self.client, self.request), output: PhantomData }
    }
}

impl<T: Decode> IntoFuture for Call<T> {
    type Output = Result<Response<T>, Error>;
    type IntoFuture = Sending<T>;

    fn into_future(self) -> Sending<T> {
        self.send()
    }
}

impl<T> Clone for Call<T> {
    fn clone(&self) -> Self {
        Self { client: self.client.clone(), request: self.request.clone(), output: PhantomData }
    }
}

impl<T> fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("request", &self.request).finish_non_exhaustive()
    }
}

/// A call in flight: a future of its [`Response`]. If it is dropped, the API may or may not have received the request.
#[must_use = "a call does nothing until it is awaited"]
pub struct Sending<T> {
    attempts: Attempts,
    output: PhantomData<fn() -> T>,
}

impl<T: Decode> Future for Sending<T> {
    type Output = Result<Response<T>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match ready!(self.attempts.poll(cx))?.decode() {
                Err(error) if error.is_passing() => self.attempts.repeat(error),
                Err(error) => return Poll::Ready(Err(failed(error))),
                Ok(response) => {
                    self.attempts.client.usable_after(self.attempts.repeated);
                    return Poll::Ready(Ok(response));
                }
            }
        }
    }
}

impl<T> fmt::Debug for Sending<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending").finish_non_exhaustive()
    }
}

/// Sends a call until its response can be decoded. Not generic, so that only decoding is compiled per operation.
struct Attempts {
    client: Client,
    request: Arc<Request>,
    execution: BoxFuture<'static, Result<RawResponse, Error>>,
    repeated: u32,
}

impl Attempts {
    fn new(client: Client, request: Request) -> Self {
        let request = Arc::new(request);
        let execution = {
            let (client, request) = (client.clone(), request.clone());
            Box::pin(async move { client.execute(&request).await })
        };
        Self { client, request, execution, repeated: 0 }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<RawResponse, Error>> {
        self.execution.as_mut().poll(cx)
    }

    /// Retries after a response that could not be decoded, if retries allow it.
    fn repeat(&mut self, error: Error) {
        let (client, request) = (self.client.clone(), self.request.clone());
        let repeated = self.repeated;
        self.repeated += 1;
        self.execution =
            Box::pin(async move { client.execute_on(&request, repeated, error).await });
    }
}
