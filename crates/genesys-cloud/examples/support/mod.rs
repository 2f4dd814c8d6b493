//! The org that an example runs against: the one in the environment, or a fake one on this machine.

use std::env;
use std::error::Error;

use genesys_cloud::Client;
use genesys_cloud::test_util::mock::{MockOrg, MockOrgBuilder};

/// Connects to the org in the environment if `GENESYS_CLOUD_REGION` or `GENESYS_CLOUD_API_URL` is set. Otherwise
/// starts a fake org, which runs until the returned value is dropped.
pub(crate) async fn connect(
    fake: MockOrgBuilder,
) -> Result<(Client, Option<MockOrg>), Box<dyn Error>> {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    if is_set("GENESYS_CLOUD_REGION") || is_set("GENESYS_CLOUD_API_URL") {
        return Ok((Client::from_env()?, None));
    }
    eprintln!("GENESYS_CLOUD_REGION is not set: using a fake org on this machine");
    let org = fake.start().await?;
    Ok((Client::of(&org), Some(org)))
}
