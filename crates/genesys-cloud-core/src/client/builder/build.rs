//! Builds the parts of a client from its settings.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use percent_encoding::percent_decode_str;
use secrecy::ExposeSecret;
use tokio::sync::OnceCell;
use url::Url;

use super::*;
use crate::auth::{Auth, LOGIN_PATH, Login, Token, TokenSource};
use crate::base_url::BaseUrl;
use crate::http_client::{Connections, Http, HttpClient};
use crate::pipeline::Pipeline;
use crate::rate_limit::{Caps, RateLimiter};
use crate::redact::Secrets;
use crate::region::Region;
use crate::retry::{Policy, Retries};
use crate::tls::Tls;

impl<C> ClientBuilder<C> {
    pub(super) fn pipeline(&self) -> Result<Pipeline, Vec<String>> {
        let mut problems = Problems::default();
        let region = problems.note(self.region_named()).flatten();
        let api = region.map(Region::api_url);
        let api = problems.note(self.base_url(API_URL, "api_url", &self.api_url, api)).flatten();
        let login = region.map(Region::login_url);
        let login = self.base_url(LOGIN_URL, "login_url", &self.login_url, login);
        let login = problems.note(login).flatten();
        let http = problems.note(self.http());
        let http_client = http.clone().and_then(|http| {
            let http = Connections::new(http);
            // Report unsupported URLs now rather than on the first call.
            let logs_in = self.logs_in();
            let mut urls = api.iter().chain(login.iter().filter(|_| logs_in)).map(BaseUrl::url);
            problems.note(urls.try_for_each(|url| http.to(url).map(drop)))?;
            Some(HttpClient::new(http, self.max_body, self.timeout, self.secrets()))
        });
        let files = http.map(Connections::for_files);
        let caps = problems.note(self.caps());
        let policy =
            Policy { max_retries: self.max_retries, max_rate_limit_wait: self.max_rate_limit_wait };
        let retries = Arc::new(Retries::new(policy));
        let auth = self.auth(http_client.as_ref(), login.as_ref(), &retries);
        let auth = problems.note(auth).flatten();
        match (http_client, files, api, auth, caps, problems.0) {
            (Some(http_client), Some(files), Some(api), Some(auth), Some(caps), problems)
                if problems.is_empty() =>
            {
                let rate_limiter = RateLimiter::new(caps, self.wait_observer.clone());
                Ok(Pipeline {
                    http_client,
                    files,
                    api,
                    auth,
                    rate_limiter,
                    retries,
                    hooks: self.hooks.clone(),
                    max_page_items: self.max_page_items,
                    learned: OnceCell::new(),
                    #[cfg(feature = "test-util")]
                    responder: None,
                })
            }
            (.., problems) => Err(problems),
        }
    }

    /// The client's own rate limits.
    fn caps(&self) -> Result<Caps, String> {
        if self.max_concurrent_requests == 0 {
            return Err("`max_concurrent_requests` must be more than zero".to_owned());
        }
        let spacing = match self.max_requests_per_second {
            Some(rate) if rate.is_nan() || rate <= 0.0 => None,
            // At most a day, since a longer time would overflow the timer.
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

    /// The credentials to redact.
    fn secrets(&self) -> Secrets {
        let mut secrets = Vec::new();
        let mut with_password = |name: &str, password: &str| {
            secrets.push(SecretString::from(password));
            // The form in which it is sent.
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
        if let Some(token) = self.given_token() {
            secrets.add_token(token);
        }
        secrets
    }

    /// The access token, if it is used.
    fn given_token(&self) -> Option<&str> {
        let is_used = !self.no_auth && self.token_provider.is_none();
        secret(&self.access_token).filter(|_| is_used)
    }

    /// Whether the client logs in.
    fn logs_in(&self) -> bool {
        !self.no_auth && self.token_provider.is_none() && secret(&self.access_token).is_none()
    }

    /// The region. Optional if URLs are set.
    fn region_named(&self) -> Result<Option<Region>, String> {
        let choices = Region::choices();
        if let Some(name) = given(self.region.as_deref()) {
            let wrong = |_| {
                format!(
                    "{REGION} (or `region`) is {name:?}: unknown region; expected one of {choices}"
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

    /// The connection settings.
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
        let tls = Tls::new(&self.root_certificates, self.client_certificate.as_ref())?;
        let (connect_timeout, read_timeout) = (self.connect_timeout, self.read_timeout);
        Ok(Http { connect_timeout, read_timeout, user_agent, proxy, tls })
    }

    /// The authentication. `None` if a requirement is missing, which has been reported already.
    fn auth(
        &self,
        http_client: Option<&HttpClient>,
        login: Option<&BaseUrl>,
        retries: &Arc<Retries>,
    ) -> Result<Option<Auth>, String> {
        if self.no_auth {
            return Ok(Some(Auth::None));
        }
        if let Some(provider) = &self.token_provider {
            let source = TokenSource::Provider(provider.clone());
            return Ok(http_client.map(|http_client| self.login(http_client, source, retries)));
        }
        if let Some(token) = secret(&self.access_token) {
            let token = Token::new(token).ok_or_else(|| {
                format!("{ACCESS_TOKEN} (or `access_token`) has an invalid character")
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
        let (Some(http_client), Some(login)) = (http_client, login) else { return Ok(None) };
        let source = TokenSource::ClientCredentials {
            url: login.join(LOGIN_PATH)?,
            client_id: id.to_owned(),
            client_secret: secret.into(),
        };
        Ok(Some(self.login(http_client, source, retries)))
    }

    fn login(&self, http_client: &HttpClient, source: TokenSource, retries: &Arc<Retries>) -> Auth {
        let login =
            Login::new(http_client.clone(), source, retries.clone(), self.wait_observer.clone());
        Auth::Login(Box::new(login))
    }

    /// The configured URL, or else that of the region.
    fn base_url(
        &self,
        variable: &str,
        setter: &str,
        set: &Option<String>,
        of_region: Option<String>,
    ) -> Result<Option<BaseUrl>, String> {
        let url = given(set.as_deref()).map(str::to_owned).or(of_region);
        let insecure = Arc::from(self.insecure_hosts.as_slice());
        let url = url.map(|url| BaseUrl::parse(&url, &insecure)).transpose();
        url.map_err(|why| format!("the URL of {variable} (or `{setter}`): {why}"))
    }
}

/// Collects the problems of all settings.
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

/// Parses the URL of a proxy. Errors do not quote it, since it may contain a password.
fn proxy(url: &str) -> Result<reqwest::Proxy, String> {
    let refused = "expected a URL such as http://proxy.example.com:3128";
    let url = Url::parse(url).map_err(|error| format!("{refused} ({error})"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refused.to_owned());
    }
    reqwest::Proxy::all(url).map_err(|_| refused.to_owned())
}
