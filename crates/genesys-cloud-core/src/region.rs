//! The regions of Genesys Cloud and their hosts.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;

/// A region of Genesys Cloud, as listed at <https://developer.genesys.cloud/platform/api/>.
///
/// Parses from its AWS name (`eu-west-1`, `eu_west_1`), its domain (`mypurecloud.ie`) or one of its hosts
/// (`api.mypurecloud.ie`, `login.mypurecloud.ie`, `apps.mypurecloud.ie`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Region {
    /// Asia Pacific (Tokyo), `mypurecloud.jp`
    ApNortheast1,
    /// Asia Pacific (Seoul), `apne2.pure.cloud`
    ApNortheast2,
    /// Asia Pacific (Osaka), `apne3.pure.cloud`
    ApNortheast3,
    /// Asia Pacific (Mumbai), `aps1.pure.cloud`
    ApSouth1,
    /// Asia Pacific (Singapore), `apse1.pure.cloud`
    ApSoutheast1,
    /// Asia Pacific (Sydney), `mypurecloud.com.au`
    ApSoutheast2,
    /// Canada (Central), `cac1.pure.cloud`
    CaCentral1,
    /// Europe (Frankfurt), `mypurecloud.de`
    EuCentral1,
    /// Europe (Zurich), `euc2.pure.cloud`
    EuCentral2,
    /// Europe (Ireland), `mypurecloud.ie`
    EuWest1,
    /// Europe (London), `euw2.pure.cloud`
    EuWest2,
    /// European Sovereign Cloud (Germany), `edee1.eusc-pure.cloud`
    EuscDeEast1,
    /// Middle East (UAE), `mec1.pure.cloud`
    MeCentral1,
    /// Mexico (Central), `mxc1.pure.cloud`
    MxCentral1,
    /// South America (São Paulo), `sae1.pure.cloud`
    SaEast1,
    /// US East (Virginia), `mypurecloud.com`
    UsEast1,
    /// US East (Ohio), FedRAMP, `use2.us-gov-pure.cloud`
    UsEast2,
    /// US West (Oregon), `usw2.pure.cloud`
    UsWest2,
}

impl Region {
    /// All regions, sorted by name.
    pub const ALL: &[Self] = &[
        Self::ApNortheast1,
        Self::ApNortheast2,
        Self::ApNortheast3,
        Self::ApSouth1,
        Self::ApSoutheast1,
        Self::ApSoutheast2,
        Self::CaCentral1,
        Self::EuCentral1,
        Self::EuCentral2,
        Self::EuWest1,
        Self::EuWest2,
        Self::EuscDeEast1,
        Self::MeCentral1,
        Self::MxCentral1,
        Self::SaEast1,
        Self::UsEast1,
        Self::UsEast2,
        Self::UsWest2,
    ];

    /// Returns the AWS name, such as `eu-west-1`.
    pub const fn name(self) -> &'static str {
        self.name_and_domain().0
    }

    /// Returns the domain, such as `mypurecloud.ie`. Its `api.` and `login.` subdomains serve the API and logins.
    pub const fn domain(self) -> &'static str {
        self.name_and_domain().1
    }

    const fn name_and_domain(self) -> (&'static str, &'static str) {
        match self {
            Self::ApNortheast1 => ("ap-northeast-1", "mypurecloud.jp"),
            Self::ApNortheast2 => ("ap-northeast-2", "apne2.pure.cloud"),
            Self::ApNortheast3 => ("ap-northeast-3", "apne3.pure.cloud"),
            Self::ApSouth1 => ("ap-south-1", "aps1.pure.cloud"),
            Self::ApSoutheast1 => ("ap-southeast-1", "apse1.pure.cloud"),
            Self::ApSoutheast2 => ("ap-southeast-2", "mypurecloud.com.au"),
            Self::CaCentral1 => ("ca-central-1", "cac1.pure.cloud"),
            Self::EuCentral1 => ("eu-central-1", "mypurecloud.de"),
            Self::EuCentral2 => ("eu-central-2", "euc2.pure.cloud"),
            Self::EuWest1 => ("eu-west-1", "mypurecloud.ie"),
            Self::EuWest2 => ("eu-west-2", "euw2.pure.cloud"),
            Self::EuscDeEast1 => ("eusc-de-east-1", "edee1.eusc-pure.cloud"),
            Self::MeCentral1 => ("me-central-1", "mec1.pure.cloud"),
            Self::MxCentral1 => ("mx-central-1", "mxc1.pure.cloud"),
            Self::SaEast1 => ("sa-east-1", "sae1.pure.cloud"),
            Self::UsEast1 => ("us-east-1", "mypurecloud.com"),
            Self::UsEast2 => ("us-east-2", "use2.us-gov-pure.cloud"),
            Self::UsWest2 => ("us-west-2", "usw2.pure.cloud"),
        }
    }

    pub(crate) fn api_url(self) -> String {
        format!("https://api.{}", self.domain())
    }

    pub(crate) fn login_url(self) -> String {
        format!("https://login.{}", self.domain())
    }

    /// Returns the region of an API host.
    pub(crate) fn of_api_host(host: &str) -> Option<Self> {
        Self::of_host("api.", host)
    }

    /// Returns the region of an apps host.
    pub(crate) fn of_apps_host(host: &str) -> Option<Self> {
        Self::of_host("apps.", host)
    }

    fn of_host(service: &str, host: &str) -> Option<Self> {
        let domain = host.strip_prefix(service)?;
        Self::ALL.iter().copied().find(|region| region.domain() == domain)
    }

    /// Lists the names and domains for error messages: `eu-west-1 (mypurecloud.ie), ...`
    pub(crate) fn choices() -> String {
        let choice = |region: &Self| format!("{} ({})", region.name(), region.domain());
        Self::ALL.iter().map(choice).collect::<Vec<_>>().join(", ")
    }
}

/// Prints the AWS name, such as `eu-west-1`.
impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl AsRef<str> for Region {
    fn as_ref(&self) -> &str {
        self.name()
    }
}

impl FromStr for Region {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let lower = text.trim().to_ascii_lowercase();
        let host = lower.trim_start_matches("https://").trim_end_matches('/');
        let domain = ["api.", "login.", "apps."]
            .into_iter()
            .find_map(|service| host.strip_prefix(service))
            .unwrap_or(host);
        let name = lower.replace('_', "-");
        let matches = |region: &Self| region.name() == name || region.domain() == domain;
        Self::ALL.iter().copied().find(matches).ok_or_else(|| {
            let choices = Self::choices();
            Error::config(format!("unknown region {text:?}; expected one of {choices}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn parses_names_domains_and_hosts() {
        assert_eq!(Region::ALL.len(), 18);
        for &region in Region::ALL {
            let (name, domain) = (region.name(), region.domain());
            for spelling in [
                name.to_owned(),
                name.replace('-', "_"),
                name.to_uppercase(),
                domain.to_owned(),
                format!("api.{domain}"),
                format!("login.{domain}"),
                format!("apps.{domain}"),
                format!(" https://apps.{domain}/ "),
                region.to_string(),
            ] {
                assert_eq!(spelling.parse::<Region>().ok(), Some(region), "{spelling}");
            }
            assert_eq!(region.api_url(), format!("https://api.{domain}"));
            assert_eq!(region.login_url(), format!("https://login.{domain}"));
        }
    }

    #[test]
    fn names_match_the_domains_listed_by_genesys() {
        let table = [
            ("us-east-1", "mypurecloud.com"),
            ("eu-west-1", "mypurecloud.ie"),
            ("ap-southeast-2", "mypurecloud.com.au"),
            ("ap-northeast-1", "mypurecloud.jp"),
            ("eu-central-1", "mypurecloud.de"),
            ("us-west-2", "usw2.pure.cloud"),
            ("ca-central-1", "cac1.pure.cloud"),
            ("ap-northeast-2", "apne2.pure.cloud"),
            ("eu-west-2", "euw2.pure.cloud"),
            ("ap-south-1", "aps1.pure.cloud"),
            ("us-east-2", "use2.us-gov-pure.cloud"),
            ("sa-east-1", "sae1.pure.cloud"),
            ("me-central-1", "mec1.pure.cloud"),
            ("ap-northeast-3", "apne3.pure.cloud"),
            ("eu-central-2", "euc2.pure.cloud"),
            ("mx-central-1", "mxc1.pure.cloud"),
            ("ap-southeast-1", "apse1.pure.cloud"),
            ("eusc-de-east-1", "edee1.eusc-pure.cloud"),
        ];
        for (name, domain) in table {
            assert_eq!(name.parse::<Region>().ok().map(Region::domain), Some(domain), "{name}");
        }
        assert_eq!(table.len(), Region::ALL.len());
    }

    #[test]
    fn an_unknown_region_is_rejected_with_the_choices() {
        for text in
            ["", "eu-wst-1", "mypurecloud", "api.", "evil-mypurecloud.ie", "mypurecloud.ie.evil"]
        {
            let error = text.parse::<Region>().expect_err(text);
            assert_eq!(error.kind(), ErrorKind::Config);
            let message = error.to_string();
            assert!(message.starts_with(&format!("unknown region {text:?}")), "{message}");
            assert!(message.contains("eu-west-1 (mypurecloud.ie)"), "{message}");
        }
    }
}
