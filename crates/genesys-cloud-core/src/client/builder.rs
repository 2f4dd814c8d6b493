//! How a client is set up, in code or by environment variables.

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

/// Where systems are set up with a proxy. A URL there may have a password.
const PROXIES: [&str; 6] =
    ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/// Sets up a [`Client`], or a client of another crate that is made from one.
///
/// Setters can't fail; what is wrong or missing is told by [`build`](Self::build), all of it at once.
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
    /// A client of which nothing is set yet.
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

    /// A client as environment variables set it up. Setters called afterwards replace what they say.
    ///
    /// - `GENESYS_CLOUD_REGION`: the region, such as `eu-west-1` or `mypurecloud.ie`
    /// - `GENESYS_CLOUD_CLIENT_ID`, `GENESYS_CLOUD_CLIENT_SECRET`: an OAuth client with the grant type
    ///   Client Credentials
    /// - `GENESYS_CLOUD_ACCESS_TOKEN`: a token to use as it is, in the place of client credentials
    /// - `GENESYS_CLOUD_API_URL`, `GENESYS_CLOUD_LOGIN_URL`: a gateway, in the place of the region's hosts
    ///
    /// A blank variable is taken as one that is not set.
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

    /// The region of the organization: a [`Region`](crate::Region), or its name or domain (`eu-west-1`, `mypurecloud.ie`).
    pub fn region(mut self, region: impl AsRef<str>) -> Self {
        self.region = Some(region.as_ref().to_owned());
        self
    }

    /// Logs in as an OAuth client with the grant type Client Credentials. Of the settings for authentication, the last
    /// one counts.
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

    /// Uses a token as it is, without logging in.
    pub fn access_token(mut self, token: impl Into<String>) -> Self {
        self.access_token = Some(SecretString::from(token.into()));
        (self.token_provider, self.no_auth) = (None, false);
        self
    }

    /// Gets tokens from the program, instead of logging in.
    pub fn token_provider(mut self, provider: impl TokenProvider + 'static) -> Self {
        self.token_provider = Some(Arc::new(provider));
        self.no_auth = false;
        self
    }

    /// Sends requests without a token, for a gateway that adds one, or for a fake org.
    pub fn no_auth(mut self) -> Self {
        self.no_auth = true;
        self
    }

    /// Sends API calls to a gateway instead of the region's host, such as `https://gw.example.com/genesys`.
    ///
    /// `https`, or `http` on this machine or a host of [`allow_insecure_host`](Self::allow_insecure_host). A path is kept
    /// as a prefix.
    pub fn api_url(mut self, url: impl Into<String>) -> Self {
        self.api_url = Some(url.into());
        self
    }

    /// Logs in at a gateway instead of the region's host. See [`api_url`](Self::api_url).
    pub fn login_url(mut self, url: impl Into<String>) -> Self {
        self.login_url = Some(url.into());
        self
    }

    /// Allows plain http to this host, such as `mock` for `http://mock:8080`, on any port. Without this, `http` is for
    /// this machine only. Can be called for several hosts.
    ///
    /// **Credentials and tokens go to that host unencrypted**: name only hosts of a private network, such as a container
    /// beside this one.
    pub fn allow_insecure_host(mut self, host: impl Into<String>) -> Self {
        self.insecure_hosts.push(host.into());
        self
    }

    /// Trusts the root certificates in this PEM text too, besides those of the system. Can be called several times.
    ///
    /// Needs the feature `rustls` or `native-tls`.
    pub fn add_root_certificate(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.root_certificates.push(pem.as_ref().to_owned());
        self
    }

    /// Presents this certificate to hosts that ask for one (mutual TLS). Certificate chain and PKCS #8 key are PEM texts.
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

    /// How long a request may take until the last byte of its reply is here. 120 seconds unless set.
    ///
    /// Each repetition and each login has as much; waits for the rate limit are not counted. To bound a
    /// call as a whole, put it into a timeout of your own: dropping it gives it up.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long it may take to open a connection. 10 seconds unless set.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long a host may keep silent before or within a reply. 60 seconds unless set.
    pub fn read_timeout(mut self, timeout: Duration) -> Self {
        self.read_timeout = timeout;
        self
    }

    /// The size of a reply body, decompressed and in bytes, above which the call is an error. 256 MiB
    /// unless set.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// How many items a page of a list may hold; one with more is an error. 250,000 unless set, which is more
    /// than the API is known to list at once.
    ///
    /// It bounds what a page takes in memory, where a few bytes of a reply make a whole record. A list that
    /// is not paged is one page.
    pub fn max_page_items(mut self, items: usize) -> Self {
        self.max_page_items = items;
        self
    }

    /// How many calls of each window of the rate limit are left to other programs with the same token. 10
    /// unless set, and never more than half of what is allowed.
    ///
    /// The API counts the calls of a token in windows of a minute, and tells in each reply how many have
    /// been made and how many are allowed (300 as a rule). The client stops short of that by the reserve,
    /// waits for the next window, and from then on spreads its calls evenly for as long as more are
    /// wanted than are allowed.
    pub fn reserve(mut self, calls: u64) -> Self {
        self.reserve = calls;
        self
    }

    /// The most requests to send in a second, on average; `0.5` is one every two seconds. Unless set,
    /// the rate limit of the API alone decides.
    pub fn max_requests_per_second(mut self, requests: f64) -> Self {
        self.max_requests_per_second = Some(requests);
        self
    }

    /// The most requests to have under way at a time. 64 unless set.
    pub fn max_concurrent_requests(mut self, requests: usize) -> Self {
        self.max_concurrent_requests = requests;
        self
    }

    /// How often a call is repeated after failures that may pass. 5 unless set; 0 turns it off.
    ///
    /// Repeated are: calls answered with 408, 502, 503, 504, or the 500 that says that the database is too
    /// busy; calls that time out or whose connection breaks; and calls whose successful reply is not valid JSON. Only
    /// operations that [may be repeated](crate::Operation::is_repeatable) are, others only if no connection came
    /// about.
    /// A DELETE that was done, but whose reply was lost, may so end with a 404.
    /// The waits before it grow: up to 1, 2, 4, .. 30 seconds, or what `Retry-After` asks for. All calls
    /// of a client share a quota of repetitions, which an outage uses up; successes fill it again.
    ///
    /// Rate limits are not counted here: see [`max_rate_limit_wait`](Self::max_rate_limit_wait).
    pub fn max_retries(mut self, retries: u32) -> Self {
        self.max_retries = retries;
        self
    }

    /// How long the API may have one call wait, by `Retry-After`, in all. 180 seconds unless set.
    ///
    /// A call that is answered with 429 was not done, so it is sent again after that time, whatever it
    /// is. Where the API asks for more, as it does for limits of a day, the call ends with an error that
    /// tells how long ([`Error::retry_after`]). Until that time is over (a day at most), no call with the same limit is
    /// sent: those that would have to wait longer than this get the same error at once, with the time that is left.
    pub fn max_rate_limit_wait(mut self, wait: Duration) -> Self {
        self.max_rate_limit_wait = wait;
        self
    }

    /// Calls this function whenever a call begins to wait: for the rate limit, for one of the client's
    /// own bounds, or before it is repeated. It should return at once.
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

    /// Calls this function for each request to the API before it is sent, to add headers such as `traceparent`. It is not
    /// called for logins, nor for files at other hosts. It should return at once.
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

    /// Calls this function whenever a call has ended, with all its attempts: for metrics or logs. It should return at
    /// once.
    ///
    /// Calls that are dropped before they end are left out. A reply that can't be decoded is a call that succeeded.
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

    /// Sends requests through this HTTP proxy, such as `http://user:password@proxy.example.com:3128`, instead of the one
    /// that the system is set up with. Plain http and what stays on this machine never goes through a proxy.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Some(SecretString::from(url.into()));
        self
    }

    /// Names the program that calls, such as `nightly-export/1.2`, after this SDK in `User-Agent`.
    pub fn user_agent(mut self, product: impl Into<String>) -> Self {
        self.user_agent = Some(product.into());
        self
    }

    /// Makes the client. Nothing is sent yet.
    ///
    /// # Errors
    /// When settings are missing or wrong ([`ErrorKind::Config`](crate::ErrorKind::Config)); the error tells all of
    /// them.
    pub fn build(self) -> Result<C, Error>
    where
        C: From<Client>,
    {
        #[cfg(feature = "metrics")]
        crate::spans::metric::describe();
        match self.transport() {
            Ok(transport) => Ok(Client(Arc::new(transport)).into()),
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

/// Shows no secret, and no URL: one that is wrong may hold a password.
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
