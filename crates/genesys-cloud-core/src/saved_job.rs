//! A submitted job as data, to load it in another process.

use chrono::{DateTime, Utc};
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use self::form::Form;
use crate::client::{Client, OrgIdentity};
use crate::wire::Wire as _;

/// A submitted job as data, from [`Job::save`](crate::Job::save). Serialize it with serde to keep it in a file or a
/// database.
///
/// It contains no secrets. It contains the URL of the API, the ids of the OAuth client and the organization if known,
/// and the path parameters of the submit, such as the id of a user. If the job is polled by repeating the submit, it
/// contains the query of the submit. From the body it contains only the end of an interval whose data becomes available
/// with a delay.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedJob {
    pub(crate) org: Org,
    pub(crate) family: String,
    pub(crate) operation: String,
    pub(crate) id: Option<String>,
    pub(crate) submitted: DateTime<Utc>,
    pub(crate) expires: Option<DateTime<Utc>>,
    pub(crate) asked_until: Option<DateTime<Utc>>,
    pub(crate) path: Vec<(String, String)>,
    pub(crate) query: Vec<(String, String)>,
}

/// The organization that a job was submitted in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Org {
    Known(OrgIdentity),
    /// Saved by an earlier version: the host name, or nothing.
    Host(Option<String>),
}

#[allow(unreachable_pub, reason = "records are public everywhere else")]
mod form {
    use chrono::{DateTime, Utc};
    use serde_json::Value;

    crate::record! {
        /// A serialized job. New fields need no new version.
        pub struct Form {
            pub version: Option<i64> = "version",
            pub host: Option<String> = "host",
            pub org: Option<Value> = "org",
            pub family: Option<String> = "family",
            pub operation: Option<String> = "operation",
            pub id: Option<String> = "id",
            pub submitted: Option<DateTime<Utc>> = "submitted",
            pub expires: Option<DateTime<Utc>> = "expires",
            pub asked_until: Option<DateTime<Utc>> = "askedUntil",
            pub path: Option<Vec<Vec<String>>> = "path",
            pub query: Option<Vec<Vec<String>>> = "query",
        }
    }
}

/// The version that is written, and the only one that is accepted.
const VERSION: i64 = 1;

impl Serialize for SavedJob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let pairs = |pairs: &[(String, String)]| {
            let pair = |(name, value): &(String, String)| vec![name.clone(), value.clone()];
            Some(pairs.iter().map(pair).collect()).filter(|pairs: &Vec<_>| !pairs.is_empty())
        };
        let org = match &self.org {
            Org::Known(org) => Some(serde_json::to_value(org).map_err(S::Error::custom)?),
            Org::Host(_) => None,
        };
        Form {
            version: Some(VERSION),
            // For earlier versions.
            host: self.host().map(str::to_owned),
            org,
            family: Some(self.family.clone()),
            operation: Some(self.operation.clone()),
            id: self.id.clone(),
            submitted: Some(self.submitted),
            expires: self.expires,
            asked_until: self.asked_until,
            path: pairs(&self.path),
            query: pairs(&self.query),
            ..Form::default()
        }
        .write(serializer)
    }
}

/// Rejects other versions.
impl<'de> Deserialize<'de> for SavedJob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let form = Form::read(deserializer)?;
        if form.version != Some(VERSION) {
            let version = form.version.unwrap_or_default();
            let why = format!("unsupported saved job version {version}; expected {VERSION}");
            return Err(D::Error::custom(why));
        }
        let pairs = |pairs: Option<Vec<Vec<String>>>| {
            let pairs = pairs.into_iter().flatten();
            let pair = |pair: Vec<String>| <[String; 2]>::try_from(pair).map(|[n, v]| (n, v));
            pairs.map(pair).collect::<Result<Vec<_>, _>>()
        };
        let malformed =
            |_| D::Error::custom("the saved job has a parameter that is not a name and a value");
        let org = match form.org.filter(|org| !org.is_null()) {
            Some(org) => Org::Known(serde_json::from_value(org).map_err(D::Error::custom)?),
            None => Org::Host(form.host),
        };
        Ok(Self {
            org,
            family: form.family.ok_or_else(|| D::Error::missing_field("family"))?,
            operation: form.operation.ok_or_else(|| D::Error::missing_field("operation"))?,
            id: form.id,
            submitted: form.submitted.ok_or_else(|| D::Error::missing_field("submitted"))?,
            expires: form.expires,
            asked_until: form.asked_until,
            path: pairs(form.path).map_err(malformed)?,
            query: pairs(form.query).map_err(malformed)?,
        })
    }
}

impl SavedJob {
    /// Whether it is the same job, ignoring data that was added later.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        (&self.operation, &self.id, self.submitted)
            == (&other.operation, &other.id, other.submitted)
    }

    /// Returns the host of the API that it was submitted to, such as `api.mypurecloud.ie`. `None` if it was saved by an
    /// earlier version without the host.
    pub fn host(&self) -> Option<&str> {
        match &self.org {
            Org::Known(org) => org.host(),
            Org::Host(host) => host.as_deref(),
        }
    }

    /// Returns the organization that it was submitted in, as far as the client knew it. `None` if it was saved by an
    /// earlier version.
    pub const fn identity(&self) -> Option<&OrgIdentity> {
        match &self.org {
            Org::Known(org) => Some(org),
            Org::Host(_) => None,
        }
    }

    /// Describes why this client can't load the job. `None` if it can.
    pub(crate) fn difference(&self, client: &Client) -> Option<String> {
        match &self.org {
            Org::Known(org) => org.difference(&client.identity()),
            Org::Host(saved) => {
                let (saved, host) = (saved.as_deref()?, client.api().host()?);
                let why = || format!("it was made at {saved}, but the client calls {host}");
                (saved != host).then(why)
            }
        }
    }

    /// Returns the id of the job. `None` if it has none; see [`Job::id`](crate::Job::id).
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Returns the operationId of the submit, such as `postAnalyticsConversationsDetailsJobs`.
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// Returns the name of its job family; see [`JobSpec::name`](crate::JobSpec::name).
    pub fn family(&self) -> &str {
        &self.family
    }

    /// Returns when it was submitted, by the server's clock.
    pub const fn submitted(&self) -> DateTime<Utc> {
        self.submitted
    }

    /// Returns when the job and its results are deleted, by the server's clock, if known.
    pub const fn expires(&self) -> Option<DateTime<Utc>> {
        self.expires
    }
}
