//! Requests one token, by a login with client credentials or from the program's provider.

use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use super::Token;
use super::provider::TokenProvider;
use crate::error::{Error, ErrorKind};
use crate::http_client::HttpClient;
use crate::operation::{Method, Operation};
use crate::response::{DecodeError, RawResponse};
use crate::spans;

/// The path of logins on the login host.
pub(crate) const LOGIN_PATH: &str = "/oauth/token";

pub(super) static LOGIN: Operation = Operation::from_static("login", Method::Post, LOGIN_PATH);

/// The source of tokens.
pub(crate) enum TokenSource {
    ClientCredentials { url: Url, client_id: String, client_secret: SecretString },
    Provider(Arc<dyn TokenProvider>),
}

impl TokenSource {
    pub(super) fn client_id(&self) -> Option<&str> {
        match self {
            Self::ClientCredentials { client_id, .. } => Some(client_id),
            Self::Provider(_) => None,
        }
    }

    /// The name used in traces.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::ClientCredentials { url, .. } => url.authority(),
            Self::Provider(_) => "token provider",
        }
    }

    /// Requests a token once.
    pub(super) async fn request(&self, http_client: &HttpClient) -> Result<Token, Error> {
        let token = match self {
            Self::ClientCredentials { url, client_id, client_secret } => {
                log_in(http_client, url, client_id, client_secret).await?
            }
            Self::Provider(provider) => from_provider(http_client, &**provider).await?,
        };
        token.add_to(http_client.secrets());
        tracing::debug!(host = self.name(), "logged in");
        Ok(token)
    }
}

async fn log_in(
    http_client: &HttpClient,
    url: &Url,
    client_id: &str,
    client_secret: &SecretString,
) -> Result<Token, Error> {
    let requested_at = Instant::now();
    let outcome = async {
        let request = http_client
            .request(LOGIN.method(), url.clone())?
            .basic_auth(client_id, Some(client_secret.expose_secret()))
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body("grant_type=client_credentials");
        let sent = http_client.send(&LOGIN, request, None);
        let response = spans::request(&LOGIN, url, 0, sent).await?.accepted()?;
        token_of(&response, requested_at).map_err(|error| {
            Error::decode(&response, &error)
                .advise("check that the login URL points to a login host")
        })
    };
    outcome.await.map_err(|error| {
        let error = error.at_login(url.authority());
        match error.kind() {
            ErrorKind::RateLimited => error
                .advise("logins have their own rate limit: share one client, and wait a minute"),
            ErrorKind::Authentication => error.advise(
                "check the client id (GENESYS_CLOUD_CLIENT_ID) and secret \
                 (GENESYS_CLOUD_CLIENT_SECRET), that the OAuth client has the grant type Client \
                 Credentials, and that its organization is in this region",
            ),
            _ => error,
        }
    })
}

/// Reads the token from the response to a login.
fn token_of(response: &RawResponse, requested_at: Instant) -> Result<Token, DecodeError> {
    let grant: Value = serde_json::from_slice(response.body())?;
    let token = grant["access_token"].as_str().and_then(Token::new);
    let token = token.ok_or_else(|| DecodeError::new("no usable `access_token`"))?;
    // A token without `expires_in` is used until the API rejects it. So is one with a lifetime of zero: some clock is
    // wrong, and a login per call would not help.
    let token = token.with_lifetime(requested_at, seconds(&grant["expires_in"]));
    match token.is_expired() {
        true => Err(DecodeError::new("its `access_token` had expired before the response arrived")),
        false => Ok(token),
    }
}

async fn from_provider(
    http_client: &HttpClient,
    provider: &dyn TokenProvider,
) -> Result<Token, Error> {
    let requested_at = Instant::now();
    let limit = http_client.timeout();
    let given = match tokio::time::timeout(limit, provider.token()).await {
        Ok(given) => given.map_err(Error::token_provider)?,
        Err(_) => return Err(Error::token_provider(format!("no token within {limit:?}").into())),
    };
    let unusable = || "the token is empty or has an invalid character";
    let token =
        Token::new(given.secret()).ok_or_else(|| Error::token_provider(unusable().into()))?;
    let token = token.with_lifetime(requested_at, given.lifetime());
    match token.is_expired() {
        true => Err(Error::token_provider("the token expired before it could be used".into())),
        false => Ok(token),
    }
}

fn seconds(json: &Value) -> Option<Duration> {
    let seconds = json.as_f64().or_else(|| json.as_str()?.parse().ok())?;
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_lifetime_from_a_number_or_a_string() {
        for (json, expected) in [
            ("86400", Some(86_400.0)),
            ("\"300\"", Some(300.0)),
            ("0.5", Some(0.5)),
            ("0", Some(0.0)),
            ("-1", None),
            ("1e300", None),
            ("null", None),
            ("\"soon\"", None),
        ] {
            let json = serde_json::from_str(json).expect("JSON");
            assert_eq!(seconds(&json), expected.map(Duration::from_secs_f64), "{json}");
        }
    }
}
