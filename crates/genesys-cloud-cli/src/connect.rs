//! The org that calls go to: that of the environment, or a fake one.

use std::sync::Arc;

use genesys_cloud_core::{Client, ClientBuilder, OrgIdentity};
use genesys_cloud_mock::{MockOrg, MockOrgBuilder};
use url::Url;

use crate::arguments::{Command, Global, MockOptions, OrgChoice};
use crate::failure::Failure;
use crate::find;
use crate::screen::Screen;

/// A client, and the fake org for as long as calls may go there.
pub(crate) struct Org {
    pub(crate) client: Client,
    _mock: Option<MockOrg>,
}

pub(crate) async fn org(global: &Global, screen: &Arc<Screen>) -> Result<Org, Failure> {
    org_again(global, screen, None).await
}

/// The same for an export that is resumed, if it is. A fake org then has the same URL as before.
pub(crate) async fn org_again(
    global: &Global,
    screen: &Arc<Screen>,
    before: Option<&OrgIdentity>,
) -> Result<Org, Failure> {
    let (builder, mock): (ClientBuilder, _) = match global.org {
        OrgChoice::Env => (ClientBuilder::from_env(), None),
        OrgChoice::Mock => {
            let port = before.and_then(|it| Url::parse(it.base_url()).ok()?.port());
            let org = fake(&global.mock)?
                .port(port.unwrap_or(0))
                .start()
                .await
                .map_err(|error| Failure::usage(refused(&error)))?;
            let builder = Client::builder()
                .api_url(org.url())
                .login_url(org.url())
                .credentials(org.client_id(), org.client_secret());
            (builder, Some(org))
        }
    };
    let teller = screen.clone();
    let client: Client = builder
        .user_agent(concat!("genesys-cloud-cli/", env!("CARGO_PKG_VERSION")))
        .on_wait(move |wait| teller.wait(wait))
        .build()
        .map_err(|error| Failure::of_call(&error, None))?;
    screen.watch(&client);
    Ok(Org { client, _mock: mock })
}

/// Refuses options of the fake org where another one is meant.
pub(crate) fn check(global: &Global, command: &Command) -> Result<(), Failure> {
    let is_mock = global.org == OrgChoice::Mock || matches!(command, Command::Mock { .. });
    let mut names: Vec<&str> = global.mock.mock_list.iter().map(|(name, _)| &**name).collect();
    if !is_mock && !names.is_empty() {
        return Err(Failure::usage("--mock-list is for the fake org, and the calls go to another")
            .advise("--org mock"));
    }
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(Failure::usage(format!("--mock-list {} is given twice", pair[0]))),
        None => Ok(()),
    }
}

/// Why there is no fake org.
pub(crate) fn refused(error: &genesys_cloud_mock::Error) -> String {
    let why = std::error::Error::source(error).map(|why| format!(": {why}"));
    format!("{error}{}", why.unwrap_or_default())
}

/// The org that calls go to. Where the OAuth client does not say which one it is, the API is asked.
pub(crate) async fn identity(global: &Global, client: &Client) -> Result<OrgIdentity, Failure> {
    let identity = client.identity();
    match (global.org, identity.client_id()) {
        // It is of one org alone.
        (OrgChoice::Env, Some(_)) => Ok(identity),
        _ => client.identify().await.map_err(|error| Failure::of_call(&error, None)),
    }
}

/// The fake org as the options have it.
pub(crate) fn fake(options: &MockOptions) -> Result<MockOrgBuilder, Failure> {
    let mut builder = MockOrg::builder()
        .seed(options.mock_seed)
        .default_count(options.mock_default_count)
        .calls_per_minute(options.mock_calls_per_minute);
    for (name, count) in &options.mock_list {
        let operation = find::operation(name)?;
        let count = count.parse().map_err(|_| {
            Failure::usage(format!("--mock-list {name}={count}: the count is no whole number"))
        })?;
        builder = builder.list(operation.id.clone(), count);
    }
    Ok(builder)
}
