//! How a client is set up, in code or by environment variables.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::OnceCell;
use url::Url;

use super::Client;
use crate::auth::{Auth, Login, Token};
use crate::base_url::BaseUrl;
use crate::budget::{Budget, Caps};
use crate::error::Error;
use crate::exchange::{Connections, Exchange, Http};
use crate::redact::Secrets;
use crate::region::Region;
use crate::retry::{Policy, Retries};
use crate::transport::Transport;
use crate::wait::{Herald, Wait};

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
    herald: Herald,
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
            herald: Herald::default(),
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

    /// The region of the organization: a [`Region`], or its name or domain (`eu-west-1`, `mypurecloud.ie`).
    pub fn region(mut self, region: impl AsRef<str>) -> Self {
        self.region = Some(region.as_ref().to_owned());
        self
    }

    /// Logs in as an OAuth client with the grant type Client Credentials, in the place of an access token.
    pub fn credentials(
        mut self,
        client_id: impl Into<String>,
        client_secret: impl Into<String>,
    ) -> Self {
        self.client_id = Some(client_id.into());
        self.client_secret = Some(SecretString::from(client_secret.into()));
        self.access_token = None;
        self
    }

    /// Uses a token as it is, without logging in, in the place of client credentials.
    pub fn access_token(mut self, token: impl Into<String>) -> Self {
        self.access_token = Some(SecretString::from(token.into()));
        self
    }

    /// Sends API calls to a gateway instead of the region's host, such as `https://gw.example.com/genesys`.
    ///
    /// `https`, or `http` on this machine. A path is kept as a prefix.
    pub fn api_url(mut self, url: impl Into<String>) -> Self {
        self.api_url = Some(url.into());
        self
    }

    /// Logs in at a gateway instead of the region's host. See [`api_url`](Self::api_url).
    pub fn login_url(mut self, url: impl Into<String>) -> Self {
        self.login_url = Some(url.into());
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
        self.herald = Herald::new(on_wait);
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
    /// When settings are missing or wrong ([`Error::is_config`]); the error tells all of them.
    pub fn build(self) -> Result<C, Error>
    where
        C: From<Client>,
    {
        match self.transport() {
            Ok(transport) => Ok(Client(Arc::new(transport)).into()),
            Err(problems) => {
                let list = problems.join("\n- ");
                Err(Error::config(format!("the client can't be built:\n- {list}")))
            }
        }
    }

    fn transport(&self) -> Result<Transport, Vec<String>> {
        let mut problems = Problems::default();
        let region = problems.note(self.region_named()).flatten();
        let api = region.map(Region::api_url);
        let api = problems.note(base_url(API_URL, "api_url", &self.api_url, api)).flatten();
        let login = region.map(Region::login_url);
        let login =
            problems.note(base_url(LOGIN_URL, "login_url", &self.login_url, login)).flatten();
        let http = problems.note(self.http());
        let exchange = http.clone().and_then(|http| {
            let http = Connections::new(http);
            // What can't be connected to is reported now.
            let logs_in = self.logs_in();
            let mut urls = api.iter().chain(login.iter().filter(|_| logs_in)).map(BaseUrl::url);
            problems.note(urls.try_for_each(|url| http.to(url).map(drop)))?;
            Some(Exchange::new(http, self.max_body, self.timeout, self.secrets()))
        });
        let files = http.map(Connections::for_files);
        let caps = problems.note(self.caps());
        let policy =
            Policy { max_retries: self.max_retries, max_rate_limit_wait: self.max_rate_limit_wait };
        let retries = Arc::new(Retries::new(policy));
        let auth = self.auth(exchange.as_ref(), login.as_ref(), &retries);
        let auth = problems.note(auth).flatten();
        match (exchange, files, api, auth, caps, problems.0) {
            (Some(exchange), Some(files), Some(api), Some(auth), Some(caps), problems)
                if problems.is_empty() =>
            {
                let budget = Budget::new(caps, self.herald.clone());
                Ok(Transport {
                    exchange,
                    files,
                    api,
                    auth,
                    budget,
                    retries,
                    max_page_items: self.max_page_items,
                    learned: OnceCell::new(),
                    #[cfg(feature = "test-util")]
                    responder: None,
                })
            }
            (.., problems) => Err(problems),
        }
    }

    /// What the client takes of the rate limit.
    fn caps(&self) -> Result<Caps, String> {
        if self.max_concurrent_requests == 0 {
            return Err("`max_concurrent_requests` must be more than zero".to_owned());
        }
        let spacing = match self.max_requests_per_second {
            Some(rate) if rate.is_nan() || rate <= 0.0 => None,
            // A day at most: what is more comes to none at all.
            Some(rate) => Some((1.0 / rate).min(86_400.0)),
            None => Some(0.0),
        };
        let spacing = spacing.ok_or("`max_requests_per_second` must be more than zero")?;
        Ok(Caps {
            reserve: self.reserve,
            spacing: Some(Duration::from_secs_f64(spacing)).filter(|spacing| !spacing.is_zero()),
            concurrent: self.max_concurrent_requests as u64,
        })
    }

    /// What is never to be shown.
    fn secrets(&self) -> Secrets {
        let mut secrets = Vec::new();
        let mut with_password = |name: &str, password: &str| {
            secrets.push(SecretString::from(password));
            // As it is sent.
            secrets.push(STANDARD.encode(format!("{name}:{password}")).into());
        };
        if let (Some(id), Some(secret)) =
            (given(self.client_id.as_deref()), secret(&self.client_secret))
        {
            with_password(id, secret);
        }
        let set = secret(&self.proxy).map(str::to_owned);
        let system = PROXIES.iter().filter_map(|name| std::env::var(name).ok());
        for url in set.into_iter().chain(system).filter_map(|url| Url::parse(&url).ok()) {
            if let Some(password) = url.password() {
                let decoded = |text| percent_decode_str(text).decode_utf8_lossy().into_owned();
                with_password(&decoded(url.username()), &decoded(password));
            }
        }
        let secrets = Secrets::new(secrets);
        if let Some(token) = secret(&self.access_token) {
            secrets.add_token(token);
        }
        secrets
    }

    fn logs_in(&self) -> bool {
        secret(&self.access_token).is_none()
    }

    /// The region. It may be missing where URLs are given in its place.
    fn region_named(&self) -> Result<Option<Region>, String> {
        let choices = Region::choices();
        if let Some(name) = given(self.region.as_deref()) {
            let wrong = |_| {
                format!(
                    "{REGION} (or `region`) is {name:?}, which is no region; they are {choices}"
                )
            };
            return name.parse().map(Some).map_err(wrong);
        }
        let missing = given(self.api_url.as_deref()).is_none()
            || (self.logs_in() && given(self.login_url.as_deref()).is_none());
        if missing {
            return Err(format!(
                "the region is missing or blank: set {REGION} (or call `region`) to one of {choices}"
            ));
        }
        Ok(None)
    }

    /// How connections are made.
    fn http(&self) -> Result<Http, String> {
        let timeouts = [
            ("timeout", self.timeout),
            ("connect_timeout", self.connect_timeout),
            ("read_timeout", self.read_timeout),
        ];
        if let Some((name, _)) = timeouts.iter().find(|(_, timeout)| timeout.is_zero()) {
            return Err(format!("`{name}` must be more than zero"));
        }
        let mut user_agent = concat!("genesys-cloud-rust/", env!("CARGO_PKG_VERSION")).to_owned();
        if let Some(product) = given(self.user_agent.as_deref()) {
            user_agent = format!("{user_agent} {product}");
        }
        let user_agent = HeaderValue::try_from(user_agent)
            .map_err(|_| "`user_agent` has a character that HTTP does not allow")?;
        let proxy = secret(&self.proxy).map(proxy).transpose();
        let proxy = proxy.map_err(|why| format!("the URL of `proxy`: {why}"))?;
        let (connect_timeout, read_timeout) = (self.connect_timeout, self.read_timeout);
        Ok(Http { connect_timeout, read_timeout, user_agent, proxy })
    }

    /// The credentials. `None` if what a login needs is missing, which has been noted already.
    fn auth(
        &self,
        exchange: Option<&Exchange>,
        login: Option<&BaseUrl>,
        retries: &Arc<Retries>,
    ) -> Result<Option<Auth>, String> {
        if let Some(token) = secret(&self.access_token) {
            let token = Token::new(token).ok_or_else(|| {
                format!("{ACCESS_TOKEN} (or `access_token`) has a character that no token has")
            })?;
            return Ok(Some(Auth::Ready(token)));
        }
        let (id, secret) = match (given(self.client_id.as_deref()), secret(&self.client_secret)) {
            (Some(id), Some(secret)) => (id, secret),
            (None, None) => {
                return Err(format!(
                    "the credentials are missing or blank: set {CLIENT_ID} and {CLIENT_SECRET} (or \
                     call `credentials`), or {ACCESS_TOKEN} (or call `access_token`)"
                ));
            }
            (None, Some(_)) => return Err(missing("client id", CLIENT_ID)),
            (Some(_), None) => return Err(missing("client secret", CLIENT_SECRET)),
        };
        let (Some(exchange), Some(login)) = (exchange, login) else { return Ok(None) };
        let login = Login::new(
            exchange.clone(),
            login,
            id.to_owned(),
            SecretString::from(secret),
            retries.clone(),
            self.herald.clone(),
        )?;
        Ok(Some(Auth::Login(Box::new(login))))
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

/// What is wrong with the settings, gathered so that it can be told at once.
#[derive(Default)]
struct Problems(Vec<String>);

impl Problems {
    fn note<T>(&mut self, result: Result<T, String>) -> Option<T> {
        result.map_err(|problem| self.0.push(problem)).ok()
    }
}

fn given(value: Option<&str>) -> Option<&str> {
    value.map(str::trim).filter(|value| !value.is_empty())
}

fn secret(value: &Option<SecretString>) -> Option<&str> {
    given(value.as_ref().map(ExposeSecret::expose_secret))
}

fn missing(what: &str, variable: &str) -> String {
    format!("the {what} is missing or blank: set {variable} (or call `credentials`)")
}

/// The URL that was set, or else that of the region.
fn base_url(
    variable: &str,
    setter: &str,
    set: &Option<String>,
    of_region: Option<String>,
) -> Result<Option<BaseUrl>, String> {
    let Some(url) = given(set.as_deref()).map(str::to_owned).or(of_region) else { return Ok(None) };
    let url = BaseUrl::parse(&url);
    url.map(Some).map_err(|why| format!("the URL of {variable} (or `{setter}`): {why}"))
}

/// The reasons do not repeat the URL, which may hold a password.
fn proxy(url: &str) -> Result<reqwest::Proxy, String> {
    let refused = "it must be like http://proxy.example.com:3128";
    let url = Url::parse(url).map_err(|error| format!("{refused} ({error})"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refused.to_owned());
    }
    reqwest::Proxy::all(url).map_err(|_| refused.to_owned())
}

#[cfg(test)]
mod tests;
