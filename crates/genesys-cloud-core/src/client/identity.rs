//! The identity of the organization that a client calls.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use url::Url;

use self::form::Form;
use super::Client;
use crate::call::Call;
use crate::error::Error;
use crate::operation::{Method, Operation};
use crate::response::{Decode, DecodeError, RawResponse};
use crate::wire::Wire as _;

/// Returns the organization and OAuth client of a token.
const TOKEN: Operation = Operation::from_static("getTokensMe", Method::Get, "/api/v2/tokens/me");
/// Returns the organization of a token. Used if the former is refused.
const ORGANIZATION: Operation =
    Operation::from_static("getOrganizationsMe", Method::Get, "/api/v2/organizations/me");

/// Identifies the organization and OAuth client that a client calls the API for. Returned by [`Client::identity`] and
/// [`Client::identify`].
///
/// All organizations of a region share one host, so the URL alone does not identify an organization. Saved state, such
/// as a [`SavedJob`](crate::SavedJob), includes the identity, and a client of another organization rejects it. The
/// identity contains no secret.
///
/// ```
/// use genesys_cloud_core::{Client, OrgIdentity};
///
/// # fn main() -> Result<(), genesys_cloud_core::Error> {
/// let builder = Client::builder().region("eu-west-1");
/// let client: Client = builder.credentials("the-client-id", "the-secret").build()?;
/// let identity: OrgIdentity = client.identity();
/// assert_eq!(identity.base_url(), "https://api.mypurecloud.ie");
/// assert_eq!(identity.client_id(), Some("the-client-id"));
/// // Unknown until `identify` is called.
/// assert_eq!(identity.organization_id(), None);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OrgIdentity {
    base_url: String,
    client_id: Option<String>,
    organization_id: Option<String>,
}

#[allow(unreachable_pub, reason = "records are public everywhere else")]
mod form {
    crate::record! {
        /// The serialized form of an identity.
        pub struct Form {
            pub base_url: Option<String> = "baseUrl",
            pub client_id: Option<String> = "clientId",
            pub organization_id: Option<String> = "organizationId",
        }
    }
}

impl Serialize for OrgIdentity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Form {
            base_url: Some(self.base_url.clone()),
            client_id: self.client_id.clone(),
            organization_id: self.organization_id.clone(),
            ..Form::default()
        }
        .write(serializer)
    }
}

impl<'de> Deserialize<'de> for OrgIdentity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let form = Form::read(deserializer)?;
        Ok(Self {
            base_url: form.base_url.ok_or_else(|| D::Error::missing_field("baseUrl"))?,
            client_id: form.client_id,
            organization_id: form.organization_id,
        })
    }
}

impl OrgIdentity {
    /// An identity with only a base URL.
    #[cfg(test)]
    pub(crate) fn of(base_url: &str) -> Self {
        Self { base_url: base_url.to_owned(), client_id: None, organization_id: None }
    }

    /// Returns the URL of the API with port and path prefix, such as `https://api.mypurecloud.ie`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Returns the id of the OAuth client. `None` for an access token before [`Client::identify`].
    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }

    /// Returns the id of the organization. `None` before [`Client::identify`], or if the API does not provide it.
    pub fn organization_id(&self) -> Option<&str> {
        self.organization_id.as_deref()
    }

    /// Describes the first difference between this identity of saved state and `other`, the identity of a client.
    /// Returns `None` if they match.
    ///
    /// A part known on both sides must be equal. A part known on only one side counts as a difference, unless equal
    /// OAuth clients or organizations show that the organization is the same.
    pub fn difference(&self, other: &Self) -> Option<String> {
        if self.base_url != other.base_url {
            let (made, now) = (&self.base_url, &other.base_url);
            return Some(format!("it was made at {made}, but the client calls {now}"));
        }
        let parts = [
            ("organization", self.organization_id(), other.organization_id()),
            ("OAuth client", self.client_id(), other.client_id()),
        ];
        let differs = parts.iter().find_map(|(what, made, now)| {
            let (made, now) = (made.as_ref()?, now.as_ref()?);
            let why = || format!("it was made with {what} {made}, but the client has {what} {now}");
            (made != now).then(why)
        });
        if differs.is_some() || parts.iter().any(|(_, made, now)| made.is_some() && made == now) {
            return differs;
        }
        parts.iter().rev().find_map(|(what, made, now)| match (made, now) {
            (Some(made), None) => Some(format!(
                "it was made with {what} {made}, but the {what} of the client's access token is unknown"
            )),
            (None, Some(now)) => Some(format!(
                "the {what} it was made with is unknown, and the client has {what} {now}"
            )),
            _ => None,
        })
    }

    /// The host of the URL, without port.
    pub(crate) fn host(&self) -> Option<&str> {
        let url = Url::parse(&self.base_url).ok()?;
        let host = url.host_str()?;
        let begin = self.base_url.find(host)?;
        self.base_url.get(begin..begin + host.len())
    }
}

/// Prints the known parts, as in `https://api.mypurecloud.ie, OAuth client 42, organization 7`.
impl fmt::Display for OrgIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base_url)?;
        for (what, id) in
            [("OAuth client", self.client_id()), ("organization", self.organization_id())]
        {
            if let Some(id) = id {
                write!(f, ", {what} {id}")?;
            }
        }
        Ok(())
    }
}

/// The API's answer about a token.
#[derive(Clone, Debug, Default)]
pub(crate) struct Learned {
    client_id: Option<String>,
    organization_id: Option<String>,
    /// The id of the returned entity.
    id: Option<String>,
}

impl Decode for Learned {
    fn decode(response: &RawResponse) -> Result<Self, DecodeError> {
        let answer: Value = serde_json::from_slice(response.body())?;
        let text = |pointer| {
            let id = answer.pointer(pointer)?.as_str()?;
            Some(id.to_owned()).filter(|id| !id.is_empty())
        };
        Ok(Self {
            client_id: text("/OAuthClient/id"),
            organization_id: text("/organization/id"),
            id: text("/id"),
        })
    }
}

impl Client {
    /// Returns what is known about the organization that this client calls. Sends nothing.
    ///
    /// The organization id, and the OAuth client id of an access token, are known after a call of
    /// [`identify`](Self::identify) on this client or a clone.
    pub fn identity(&self) -> OrgIdentity {
        let learned = self.0.learned.get();
        let client_id = self.0.auth.client_id().map(str::to_owned);
        OrgIdentity {
            base_url: self.api_url().to_owned(),
            client_id: client_id.or_else(|| learned?.client_id.clone()),
            organization_id: learned.and_then(|learned| learned.organization_id.clone()),
        }
    }

    /// Requests the organization and OAuth client of the token, and returns the identity. The result is cached for all
    /// clones of the client.
    ///
    /// If the API answers 401, 403 or 404, both stay unknown, which is not an error.
    ///
    /// # Errors
    /// If the call fails for another reason, or the login fails.
    pub async fn identify(&self) -> Result<OrgIdentity, Error> {
        self.0.learned.get_or_try_init(|| self.learn()).await?;
        Ok(self.identity())
    }

    async fn learn(&self) -> Result<Learned, Error> {
        let mut learned = self.request_identity(TOKEN).await?;
        if learned.organization_id.is_none() {
            learned.organization_id = self.request_identity(ORGANIZATION).await?.id;
        }
        Ok(learned)
    }

    async fn request_identity(&self, operation: Operation) -> Result<Learned, Error> {
        match Call::new(self, operation).await {
            Ok(response) => Ok(response.into_value()),
            Err(error) if error.is_refused_by(&[401, 403, 404]) && !error.is_of_login() => {
                tracing::info!(%error, "the organization is unknown");
                Ok(Learned::default())
            }
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(base_url: &str, client_id: &str, organization_id: &str) -> OrgIdentity {
        let known = |id: &str| Some(id.to_owned()).filter(|id| !id.is_empty());
        OrgIdentity {
            base_url: base_url.to_owned(),
            client_id: known(client_id),
            organization_id: known(organization_id),
        }
    }

    #[test]
    fn describes_the_difference() {
        let made = "it was made with";
        for (saved, now, differs) in [
            (["u", "", ""], ["u", "", ""], None),
            (["u", "c", ""], ["u", "c", ""], None),
            (["u", "c", "o"], ["u", "c", "o"], None),
            // One equal part is enough.
            (["u", "c", ""], ["u", "c", "o"], None),
            (["u", "c", "o"], ["u", "c", ""], None),
            (["u", "c", "o"], ["u", "", "o"], None),
            (["u", "", "o"], ["u", "c", "o"], None),
            (["u", "", "o"], ["u", "", "o"], None),
            // Different.
            (["u", "c", "o"], ["v", "c", "o"], Some("it was made at u, but the client calls v")),
            (["u", "", ""], ["u:1", "", ""], Some("it was made at u, but the client calls u:1")),
            (["u", "", ""], ["u/p", "", ""], Some("it was made at u, but the client calls u/p")),
            (
                ["u", "c", ""],
                ["u", "d", ""],
                Some("OAuth client c, but the client has OAuth client d"),
            ),
            (
                ["u", "c", "o"],
                ["u", "d", "o"],
                Some("OAuth client c, but the client has OAuth client d"),
            ),
            (
                ["u", "c", "o"],
                ["u", "c", "p"],
                Some("organization o, but the client has organization p"),
            ),
            (
                ["u", "", "o"],
                ["u", "", "p"],
                Some("organization o, but the client has organization p"),
            ),
            // Unknown on one side.
            (["u", "c", ""], ["u", "", ""], Some("of the client's access token is unknown")),
            (["u", "", ""], ["u", "c", ""], Some("the OAuth client it was made with is unknown")),
            (["u", "", "o"], ["u", "", ""], Some("of the client's access token is unknown")),
            (["u", "", ""], ["u", "", "o"], Some("the organization it was made with is unknown")),
            (["u", "c", ""], ["u", "", "o"], Some("OAuth client c, but the OAuth client of")),
        ] {
            let [saved, now] = [saved, now].map(|[url, client, org]| identity(url, client, org));
            let found = saved.difference(&now);
            match differs {
                Some(why) => assert!(found.as_deref().unwrap_or("").contains(why), "{found:?}"),
                None => assert_eq!(found, None, "{saved} and {now}"),
            }
        }
        let found = identity("u", "c", "").difference(&identity("u", "d", ""));
        assert!(found.expect("a difference").starts_with(made));
    }

    #[test]
    fn an_identity_survives_serialization() {
        for identity in [identity("u", "c", "o"), identity("u", "", "")] {
            let text = serde_json::to_string(&identity).expect("JSON");
            assert_eq!(serde_json::from_str::<OrgIdentity>(&text).expect(&text), identity);
        }
        assert!(serde_json::from_str::<OrgIdentity>(r#"{"clientId":"c"}"#).is_err());
    }
}
