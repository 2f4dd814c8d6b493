use std::collections::HashMap;
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use http::{HeaderMap, header};
use serde_json::json;
use tokio::time::Instant;

use crate::identity::Id;
use crate::query::Query;
use crate::response::CannedResponse;
use crate::rng::mix;

/// The login service of the org: its only client, and the tokens issued.
#[derive(Debug)]
pub(crate) struct Login {
    client_id: String,
    client_secret: String,
    lifetime: Duration,
    seed: u64,
    issued: u64,
    logins: u64,
    tokens: HashMap<String, Instant>,
}

impl Login {
    pub(crate) fn new(seed: u64, lifetime: Duration) -> Self {
        Self {
            client_id: Id::random(mix(seed)).to_string(),
            client_secret: format!("mock-secret-{:016x}", mix(seed ^ 1)),
            lifetime,
            seed,
            issued: 0,
            logins: 0,
            tokens: HashMap::new(),
        }
    }

    pub(crate) fn client_id(&self) -> &str {
        &self.client_id
    }

    pub(crate) fn client_secret(&self) -> &str {
        &self.client_secret
    }

    /// Handles `POST /oauth/token`. The clock is off by `skew` seconds.
    pub(crate) fn answer(&mut self, headers: &HeaderMap, body: &[u8], skew: i64) -> CannedResponse {
        let form = String::from_utf8_lossy(body);
        if Query::new(&form).get("grant_type").as_deref() != Some("client_credentials") {
            return refusal("unsupported_grant_type", "only client_credentials is supported");
        }
        let Some((id, secret)) = basic(headers) else {
            return refusal("invalid_client", "authentication failed");
        };
        if id != self.client_id {
            return refusal("invalid_client", "client not found");
        }
        if secret != self.client_secret {
            return refusal("invalid_client", "authentication failed");
        }
        self.logins += 1;
        let body = json!({
            "access_token": self.issue(),
            "token_type": "bearer",
            "expires_in": self.lifetime.as_secs().saturating_add_signed(skew),
        });
        CannedResponse::json(200, &body)
    }

    /// Issues a new token, as a login does.
    pub(crate) fn issue(&mut self) -> String {
        let now = Instant::now();
        self.tokens.retain(|_, expiry| *expiry > now);
        self.issued += 1;
        let token = format!("mock-token-{:016x}", mix(self.seed ^ mix(self.issued)));
        self.tokens.insert(token.clone(), now + self.lifetime);
        token
    }

    pub(crate) fn accepts(&self, token: &str) -> bool {
        self.tokens.get(token).is_some_and(|expiry| *expiry > Instant::now())
    }

    pub(crate) fn revoke_all(&mut self) {
        self.tokens.clear();
    }

    pub(crate) fn logins(&self) -> u64 {
        self.logins
    }

    pub(crate) fn forget_logins(&mut self) {
        self.logins = 0;
    }
}

/// The bearer token of a request.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    authorization(headers, "bearer")
}

fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let decoded = BASE64_STANDARD.decode(authorization(headers, "basic")?).ok()?;
    let (id, secret) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

fn authorization<'a>(headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, credentials) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case(wanted).then(|| credentials.trim())
}

/// The login service has its own error format.
fn refusal(error: &str, description: &str) -> CannedResponse {
    let body = json!({
        "error": error,
        "description": description,
        "error_description": description,
    });
    CannedResponse::json(400, &body)
}
