//! The context of a command: the org to call, the reporter and the job store.

use std::sync::Arc;

use genesys_cloud_core::{Client, ClientBuilder, OrgIdentity};
use genesys_cloud_mock::{MockOrg, MockOrgBuilder};
use serde_json::json;
use url::Url;

use crate::connection;
use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::profiles::{self, Profile};
use crate::reporter::Reporter;
use crate::resolve;
use crate::saved_jobs::JobStore;
use crate::settings::{Global, MockSettings, Org};

/// The context that all commands share.
pub(crate) struct Session {
    org: Org,
    profile: Option<String>,
    mock: MockSettings,
    pub(crate) reporter: Arc<Reporter>,
    pub(crate) jobs: JobStore,
    pub(crate) invocation: Invocation,
}

/// A profile, as connected.
pub(crate) struct Selected {
    pub(crate) profile: Profile,
    /// Variables that override it.
    pub(crate) overrides: Vec<&'static str>,
}

/// A client, and the fake org that it calls, if any.
pub(crate) struct Connection {
    pub(crate) client: Client,
    /// The profile, if one is selected.
    pub(crate) profile: Option<Selected>,
    _mock: Option<MockOrg>,
}

impl Session {
    pub(crate) fn new(global: Global, reporter: Arc<Reporter>, invocation: Invocation) -> Self {
        let Global { org, profile, mock, state_dir } = global;
        Self { org, profile, mock, reporter, jobs: JobStore::new(state_dir), invocation }
    }

    /// Connects to the org.
    pub(crate) async fn connect(&self) -> Result<Connection, Failure> {
        self.reconnect(None).await
    }

    /// Connects to the org of an interrupted export, if one is resumed. A fake org keeps its earlier URL.
    pub(crate) async fn reconnect(
        &self,
        before: Option<&OrgIdentity>,
    ) -> Result<Connection, Failure> {
        let mut selected = None;
        let (builder, mock): (ClientBuilder, _) = match self.org {
            Org::Environment => match &self.profile {
                Some(name) => {
                    let (profile, settings) = profile(name.trim().to_owned()).await?;
                    let builder = settings.builder();
                    selected = Some(Selected { profile, overrides: settings.overrides });
                    (builder, None)
                }
                None => (ClientBuilder::from_env(), None),
            },
            Org::Mock => {
                let port = before.and_then(|it| Url::parse(it.base_url()).ok()?.port());
                let org = self.mock_org()?.port(port.unwrap_or(0)).start().await;
                let org = org.map_err(|error| Failure::usage(with_source(&error)))?;
                let builder = Client::builder()
                    .api_url(org.url())
                    .login_url(org.url())
                    .credentials(org.client_id(), org.client_secret());
                (builder, Some(org))
            }
        };
        let reporter = self.reporter.clone();
        let client: Client = builder
            .user_agent(concat!("genesys-cloud-cli/", env!("CARGO_PKG_VERSION")))
            .on_wait(move |wait| reporter.wait(wait))
            .build()
            .map_err(|error| Failure::of_call(&error, None))?;
        self.reporter.watch(&client);
        if let Some(Selected { profile, overrides }) = &selected
            && !overrides.is_empty()
        {
            let variables = overrides.join(", ");
            let verb = if overrides.len() == 1 { "overrides" } else { "override" };
            let text = format!("{variables} {verb} the profile {}", profile.name);
            let facts = json!({ "profile": profile.name, "variables": overrides });
            self.reporter.say("profile", &text, facts);
        }
        Ok(Connection { client, profile: selected, _mock: mock })
    }

    /// Identifies the org. Calls the API if the OAuth client does not identify it.
    pub(crate) async fn identity(&self, client: &Client) -> Result<OrgIdentity, Failure> {
        let identity = client.identity();
        match (self.org, identity.client_id()) {
            // An OAuth client belongs to one org.
            (Org::Environment, Some(_)) => Ok(identity),
            _ => client.identify().await.map_err(|error| Failure::of_call(&error, None)),
        }
    }

    /// Configures the fake org.
    pub(crate) fn mock_org(&self) -> Result<MockOrgBuilder, Failure> {
        let mock = &self.mock;
        let mut builder = MockOrg::builder()
            .seed(mock.seed)
            .default_count(mock.default_count)
            .calls_per_minute(mock.calls_per_minute);
        for (name, count) in &mock.lists {
            builder = builder.list(resolve::operation(name)?.id.clone(), *count);
        }
        Ok(mock.behavior.clone().apply(builder))
    }
}

/// Loads a profile with its secret, which may wait for a command.
async fn profile(name: String) -> Result<(Profile, connection::Settings), Failure> {
    let load = move || {
        let profile = profiles::load(&name)?;
        let settings = connection::Settings::new(&profile, |name| std::env::var(name).ok())?;
        Ok((profile, settings))
    };
    let loaded = tokio::task::spawn_blocking(load).await;
    loaded
        .map_err(|error| Failure::new(Exit::Failed, format!("can't load the profile: {error}")))?
}

/// Formats an error of the fake org with its source.
pub(crate) fn with_source(error: &genesys_cloud_mock::Error) -> String {
    let source = std::error::Error::source(error).map(|source| format!(": {source}"));
    format!("{error}{}", source.unwrap_or_default())
}
