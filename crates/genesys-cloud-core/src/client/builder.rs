//! Settings of a client.

mod build;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use super::Client;
use super::hooks::{CallEnded, Hooks, RequestHead};
use crate::auth::TokenProvider;
use crate::error::Error;
use crate::tls::ClientCertificate;
use crate::wait::{Wait, WaitObserver};

const REGION: &str = "GENESYS_CLOUD_REGION";
const CLIENT_ID: &str = "GENESYS_CLOUD_CLIENT_ID";
const CLIENT_SECRET: &str = "GENESYS_CLOUD_CLIENT_SECRET";
const ACCESS_TOKEN: &str = "GENESYS_CLOUD_ACCESS_TOKEN";
const API_URL: &str = "GENESYS_CLOUD_API_URL";
const LOGIN_URL: &str = "GENESYS_CLOUD_LOGIN_URL";

/// Variables that configure a system proxy. Their URLs may contain a password.
const PROXIES: [&str; 6] =
    ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/// Configures a [`Client`], or a client of another crate that wraps one.
///
/// Setters can't fail. [`build`](Self::build) reports all missing and invalid settings at once.
#[must_use = "a builder does nothing until `build` is called"]
pub struct ClientBuilder<C = Client> {
    region: Option<String>,
    api_url: Option<String>,
    login_url: Option<String>,
    client_id: Option<String>,
    client_secret: Option<SecretString>,
    access_token: Option<SecretString>,
    token_provider: Option<Arc<dyn TokenProvider>>,
    no_auth: bool,
    insecure_hosts: Vec<String>,
    root_certificates: Vec<Vec<u8>>,
    client_certificate: Option<ClientCertificate>,
    timeout: Duration,
    connect_timeout: Duration,
    read_timeout: Duration,
    max_body: usize,
    max_page_items: usize,
    reserve: u64,
    max_requests_per_second: Option<f64>,
    max_concurrent_requests: usize,
    max_retries: u32,
    max_rate_limit_wait: Duration,
    wait_observer: WaitObserver,
    hooks: Hooks,
    proxy: Option<SecretString>,
    user_agent: Option<String>,
    built: PhantomData<fn() -> C>,
}

impl<C> ClientBuilder<C> {
    /// Creates a builder with default settings.
    pub fn new() -> Self {
        Self {
            region: None,
            api_url: None,
            login_url: None,
            client_id: None,
            client_secret: None,
            access_token: None,
            token_provider: None,
            no_auth: false,
            insecure_hosts: Vec::new(),
            root_certificates: Vec::new(),
            client_certificate: None,
            timeout: Duration::from_secs(120),
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(60),
            max_body: 256 << 20,
            max_page_items: 250_000,
            reserve: 10,
            max_requests_per_second: None,
            max_concurrent_requests: 64,
            max_retries: 5,
            max_rate_limit_wait: Duration::from_secs(180),
            wait_observer: WaitObserver::default(),
            hooks: Hooks::default(),
            proxy: None,
            user_agent: None,
            built: PhantomData,
        }
    }

    /// Creates a builder from environment variables. Later setters override them.
    ///
    /// - `GENESYS_CLOUD_REGION`: the region, such as `eu-west-1` or `mypurecloud.ie`
    /// - `GENESYS_CLOUD_CLIENT_ID`, `GENESYS_CLOUD_CLIENT_SECRET`: an OAuth client with the grant type
    ///   Client Credentials
    /// - `GENESYS_CLOUD_ACCESS_TOKEN`: an access token, instead of client credentials
    /// - `GENESYS_CLOUD_API_URL`, `GENESYS_CLOUD_LOGIN_URL`: a gateway, instead of the region's hosts
    ///
    /// Blank variables are ignored.
    pub fn from_env() -> Self {
        Self::from_vars(|name| std::env::var(name).ok())
    }

    fn from_vars(var: impl Fn(&str) -> Option<String>) -> Self {
        let var = |name| var(name).map(|value| value.trim().to_owned());
        Self {
            region: var(REGION),
            api_url: var(API_URL),
            login_url: var(LOGIN_URL),
            client_id: var(CLIENT_ID),
            client_secret: var(CLIENT_SECRET).map(SecretString::from),
            access_token: var(ACCESS_TOKEN).map(SecretString::from),
            ..Self::new()
        }
    }

    /// Sets the region of the organization: a [`Region`](crate::Region), or its name or domain (`eu-west-1`,
    /// `mypurecloud.ie`).
    pub fn region(mut self, region: impl AsRef<str>) -> Self {
        self.region = Some(region.as_ref().to_owned());
        self
    }

    /// Logs in as an OAuth client with the grant type Client Credentials. If several settings for authentication are
    /// made, the last one applies.
    pub fn credentials(
        mut self,
        client_id: impl Into<String>,
        client_secret: impl Into<String>,
    ) -> Self {
        self.client_id = Some(client_id.into());
        self.client_secret = Some(SecretString::from(client_secret.into()));
        (self.access_token, self.token_provider, self.no_auth) = (None, None, false);
        self
    }

    /// Uses this access token and does not log in.
    pub fn access_token(mut self, token: impl Into<String>) -> Self {
        self.access_token = Some(SecretString::from(token.into()));
        (self.token_provider, self.no_auth) = (None, false);
        self
    }

    /// Gets tokens from the program instead of logging in.
    pub fn token_provider(mut self, provider: impl TokenProvider + 'static) -> Self {
        self.token_provider = Some(Arc::new(provider));
        self.no_auth = false;
        self
    }

    /// Sends requests without a token, for a gateway that adds one or for a fake org.
    pub fn no_auth(mut self) -> Self {
        self.no_auth = true;
        self
    }

    /// Sends API calls to a gateway instead of the region's host, such as `https://gw.example.com/genesys`.
    ///
    /// The URL must be `https`, or `http` on this machine or a host set with
    /// [`allow_insecure_host`](Self::allow_insecure_host). Its path is kept as a prefix.
    pub fn api_url(mut self, url: impl Into<String>) -> Self {
        self.api_url = Some(url.into());
        self
    }

    /// Logs in at a gateway instead of the region's host. See [`api_url`](Self::api_url).
    pub fn login_url(mut self, url: impl Into<String>) -> Self {
        self.login_url = Some(url.into());
        self
    }

    /// Allows plain HTTP to this host on any port, such as `mock` for `http://mock:8080`. By default, only this machine
    /// is allowed. Can be called several times.
    ///
    /// **Credentials and tokens are sent to the host unencrypted.** Only allow hosts of a private network, such as a
    /// neighboring container.
    pub fn allow_insecure_host(mut self, host: impl Into<String>) -> Self {
        self.insecure_hosts.push(host.into());
        self
    }

    /// Trusts the root certificates in this PEM text, in addition to those of the system. Can be called several times.
    ///
    /// Needs the feature `rustls` or `native-tls`.
    pub fn add_root_certificate(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.root_certificates.push(pem.as_ref().to_owned());
        self
    }

    /// Presents this certificate to hosts that request one (mutual TLS). The certificate chain and the PKCS #8 key are
    /// PEM texts.
    ///
    /// Needs the feature `rustls` or `native-tls`.
    pub fn client_certificate(
        mut self,
        certificate_pem: impl AsRef<[u8]>,
        key_pem: impl Into<String>,
    ) -> Self {
        let certificate = certificate_pem.as_ref().to_owned();
        self.client_certificate =
            Some(ClientCertificate { certificate, key: SecretString::from(key_pem.into()) });
        self
    }

    /// Sets the timeout of a request, including its response. The default is 120 seconds.
    ///
    /// It applies to each attempt and each login. Waits for the rate limiter are not included. To limit a whole call,
    /// wrap it in your own timeout: dropping a call cancels it.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets the timeout to open a connection. The default is 10 seconds.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets how long a host may send nothing before or during a response. The default is 60 seconds.
    pub fn read_timeout(mut self, timeout: Duration) -> Self {
        self.read_timeout = timeout;
        self
    }

    /// Sets the maximum size of a response body in bytes, after decompression. The default is 256 MiB.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// Sets the maximum number of items per page. The default is 250,000, more than the API is known to return at once.
    /// A page with more items is an error.
    ///
    /// This bounds memory, since a few bytes of a response can become a whole record. A list without pages is one page.
    pub fn max_page_items(mut self, items: usize) -> Self {
        self.max_page_items = items;
        self
    }

    /// Sets the number of calls in each rate limit window that are left to other programs with the same token. The
    /// default is 10. At most half of the window is reserved.
    ///
    /// The API counts the calls of a token in windows of one minute. Each response reports how many were made and how
    /// many are allowed, usually 300. When only the reserve is left, the client waits for the next window. From then on
    /// it spreads its calls evenly, as long as it has more calls than the limit allows.
    pub fn reserve(mut self, calls: u64) -> Self {
        self.reserve = calls;
        self
    }

    /// Sets the maximum average number of requests per second; `0.5` is one every two seconds. By default, only the
    /// API's rate limit applies.
    pub fn max_requests_per_second(mut self, requests: f64) -> Self {
        self.max_requests_per_second = Some(requests);
        self
    }

    /// Sets the maximum number of concurrent requests. The default is 64.
    pub fn max_concurrent_requests(mut self, requests: usize) -> Self {
        self.max_concurrent_requests = requests;
        self
    }

    /// Sets the maximum number of retries per call after temporary failures. The default is 5; 0 disables retries.
    ///
    /// The client retries responses with status 408, 502, 503 or 504, the 500 "database too busy", timeouts, broken
    /// connections, and successful responses that are not valid JSON. It retries only
    /// [repeatable operations](crate::Operation::is_repeatable); other operations are retried only if no connection was
    /// made. A retried DELETE may end with a 404, if the first attempt succeeded but its response was lost.
    ///
    /// The backoff is random, up to 1, 2, 4, and finally 30 seconds, or as long as `Retry-After` asks for. All calls of
    /// a client share a retry quota, which an outage uses up and successes refill.
    ///
    /// Rate limits are not counted: see [`max_rate_limit_wait`](Self::max_rate_limit_wait).
    pub fn max_retries(mut self, retries: u32) -> Self {
        self.max_retries = retries;
        self
    }

    /// Sets the maximum total time that the API may make one call wait with `Retry-After`. The default is 180 seconds.
    ///
    /// A call answered with 429 had no effect, so it is always retried after that time. If the API asks for a longer
    /// wait, as it does for daily limits, the call fails with an error that says how long ([`Error::retry_after`]). Until
    /// then (at most a day), calls under the same limit are not sent: those that would have to wait longer than this
    /// setting fail immediately with the same error and the remaining time.
    pub fn max_rate_limit_wait(mut self, wait: Duration) -> Self {
        self.max_rate_limit_wait = wait;
        self
    }

    /// Calls this function when a call begins to wait: for the rate limit, for one of the client's own limits, or before
    /// a retry. The function should return quickly.
    ///
    /// ```
    /// use genesys_cloud_core::{Client, ClientBuilder};
    ///
    /// let builder: ClientBuilder = Client::builder().on_wait(|wait| {
    ///     eprintln!("{} waits {:?} ({})", wait.operation, wait.expected, wait.reason);
    /// });
    /// ```
    pub fn on_wait(mut self, on_wait: impl Fn(&Wait<'_>) + Send + Sync + 'static) -> Self {
        self.wait_observer = WaitObserver::new(on_wait);
        self
    }

    /// Calls this function before each request to the API, to add headers such as `traceparent`. It is not called for
    /// logins and for files on other hosts. The function should return quickly.
    ///
    /// ```
    /// use genesys_cloud_core::{Client, ClientBuilder};
    /// use http::HeaderValue;
    ///
    /// let builder: ClientBuilder = Client::builder().on_request(|request| {
    ///     request.headers.insert("x-team", HeaderValue::from_static("billing"));
    /// });
    /// ```
    pub fn on_request(
        mut self,
        on_request: impl Fn(&mut RequestHead<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.hooks.on_request = Some(Arc::new(on_request));
        self
    }

    /// Calls this function when a call has ended, after all attempts, for metrics or logs. The function should return
    /// quickly.
    ///
    /// Calls that are dropped are not reported. A response that cannot be decoded counts as a success.
    ///
    /// ```
    /// use genesys_cloud_core::{Client, ClientBuilder};
    ///
    /// let builder: ClientBuilder = Client::builder().on_call(|call| {
    ///     println!("{} {:?} {:?} {:?}", call.operation, call.status, call.duration, call.error);
    /// });
    /// ```
    pub fn on_call(mut self, on_call: impl Fn(&CallEnded<'_>) + Send + Sync + 'static) -> Self {
        self.hooks.on_call = Some(Arc::new(on_call));
        self
    }

    /// Sends requests through this HTTP proxy, such as `http://user:password@proxy.example.com:3128`, instead of the
    /// system's proxy. Plain HTTP and loopback traffic bypasses proxies.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Some(SecretString::from(url.into()));
        self
    }

    /// Adds the name of the program to `User-Agent`, such as `nightly-export/1.2`.
    pub fn user_agent(mut self, product: impl Into<String>) -> Self {
        self.user_agent = Some(product.into());
        self
    }

    /// Builds the client. Sends nothing.
    ///
    /// # Errors
    /// If settings are missing or invalid ([`ErrorKind::Config`](crate::ErrorKind::Config)); the error lists all of
    /// them.
    pub fn build(self) -> Result<C, Error>
    where
        C: From<Client>,
    {
        #[cfg(feature = "metrics")]
        crate::spans::metric::describe();
        match self.pipeline() {
            Ok(pipeline) => Ok(Client(Arc::new(pipeline)).into()),
            Err(problems) => {
                let list = problems.join("\n- ");
                Err(Error::config(format!("the client can't be built:\n- {list}")))
            }
        }
    }
}

impl<C> Default for ClientBuilder<C> {
    fn default() -> Self {
        Self::new()
    }
}

/// Omits secrets and URLs: an invalid URL may contain a password.
impl<C> fmt::Debug for ClientBuilder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("region", &self.region)
            .field("client_id", &self.client_id)
            .field("timeout", &self.timeout)
            .field("connect_timeout", &self.connect_timeout)
            .field("read_timeout", &self.read_timeout)
            .field("max_body", &self.max_body)
            .field("max_page_items", &self.max_page_items)
            .field("reserve", &self.reserve)
            .field("max_requests_per_second", &self.max_requests_per_second)
            .field("max_concurrent_requests", &self.max_concurrent_requests)
            .field("max_retries", &self.max_retries)
            .field("max_rate_limit_wait", &self.max_rate_limit_wait)
            .field("user_agent", &self.user_agent)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
