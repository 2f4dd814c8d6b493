//! The context of a command: the org to call, the reporter and the job store.

use std::sync::Arc;

use genesys_cloud_core::{Client, ClientBuilder, OrgIdentity};
use genesys_cloud_mock::{MockOrg, MockOrgBuilder};
use url::Url;

use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::reporter::Reporter;
use crate::resolve;
use crate::saved_jobs::JobStore;
use crate::settings::{Global, MockSettings, Org};

/// The context that all commands share.
pub(crate) struct Session {
    org: Org,
    mock: MockSettings,
    pub(crate) reporter: Arc<Reporter>,
    pub(crate) jobs: JobStore,
    pub(crate) invocation: Invocation,
}

/// A client, and the fake org that it calls, if any.
pub(crate) struct Connection {
    pub(crate) client: Client,
    _mock: Option<MockOrg>,
}

impl Session {
    pub(crate) fn new(global: Global, reporter: Arc<Reporter>, invocation: Invocation) -> Self {
        let Global { org, mock, state_dir } = global;
        Self { org, mock, reporter, jobs: JobStore::new(state_dir), invocation }
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
        let (builder, mock): (ClientBuilder, _) = match self.org {
            Org::Environment => (ClientBuilder::from_env(), None),
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
        Ok(Connection { client, _mock: mock })
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
        Ok(builder)
    }
}

/// Formats an error of the fake org with its source.
pub(crate) fn with_source(error: &genesys_cloud_mock::Error) -> String {
    let source = std::error::Error::source(error).map(|source| format!(": {source}"));
    format!("{error}{}", source.unwrap_or_default())
}
