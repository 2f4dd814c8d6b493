//! The client settings of a profile and the environment. Variables override the profile.

use genesys_cloud_core::{Client, ClientBuilder};
use secrecy::{ExposeSecret as _, SecretString};

use crate::failure::Failure;
use crate::profiles::Profile;

const REGION: &str = "GENESYS_CLOUD_REGION";
const API_URL: &str = "GENESYS_CLOUD_API_URL";
const LOGIN_URL: &str = "GENESYS_CLOUD_LOGIN_URL";
const CLIENT_ID: &str = "GENESYS_CLOUD_CLIENT_ID";
const CLIENT_SECRET: &str = "GENESYS_CLOUD_CLIENT_SECRET";
const ACCESS_TOKEN: &str = "GENESYS_CLOUD_ACCESS_TOKEN";

/// The settings of a client.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    region: Option<String>,
    api_url: Option<String>,
    login_url: Option<String>,
    access_token: Option<SecretString>,
    credentials: Option<(String, SecretString)>,
    proxy: Option<SecretString>,
    /// Variables that override the profile.
    pub(crate) overrides: Vec<&'static str>,
}

impl Settings {
    /// Combines a profile with the variables. Reads the secret only if it is used, which may run a command.
    pub(crate) fn new(
        profile: &Profile,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Failure> {
        let set = |name: &str| {
            let value = variable(name).map(|value| value.trim().to_owned());
            value.filter(|value| !value.is_empty())
        };
        let mut overrides = Vec::new();
        let mut over = |name: &'static str, value: Option<String>, has: bool| {
            overrides.extend((value.is_some() && has).then_some(name));
            value
        };
        let has_url = profile.api_url.is_some() || profile.login_url.is_some();
        let region = over(REGION, set(REGION), profile.region.is_some() || has_url);
        // The URLs of a profile belong to its region.
        let of_profile = |url: &Option<String>| url.clone().filter(|_| region.is_none());
        let api_url = over(API_URL, set(API_URL), profile.api_url.is_some());
        let api_url = api_url.or_else(|| of_profile(&profile.api_url));
        let login_url = over(LOGIN_URL, set(LOGIN_URL), profile.login_url.is_some());
        let login_url = login_url.or_else(|| of_profile(&profile.login_url));
        let has_login = profile.client_id.is_some() || profile.secret.is_some();
        let access_token = over(ACCESS_TOKEN, set(ACCESS_TOKEN), has_login);
        let credentials = match access_token {
            Some(_) => None,
            None => {
                let id = over(CLIENT_ID, set(CLIENT_ID), profile.client_id.is_some());
                let secret = over(CLIENT_SECRET, set(CLIENT_SECRET), profile.secret.is_some());
                Some(credentials(profile, id, secret)?)
            }
        };
        Ok(Self {
            region: region.or_else(|| profile.region.clone()),
            api_url,
            login_url,
            access_token: access_token.map(SecretString::from),
            credentials,
            proxy: profile.proxy.clone(),
            overrides,
        })
    }

    /// Returns a builder with these settings.
    pub(crate) fn builder(&self) -> ClientBuilder {
        let mut builder = Client::builder();
        if let Some(region) = &self.region {
            builder = builder.region(region);
        }
        if let Some(url) = &self.api_url {
            builder = builder.api_url(url);
        }
        if let Some(url) = &self.login_url {
            builder = builder.login_url(url);
        }
        if let Some((id, secret)) = &self.credentials {
            builder = builder.credentials(id, secret.expose_secret());
        }
        if let Some(token) = &self.access_token {
            builder = builder.access_token(token.expose_secret());
        }
        if let Some(proxy) = &self.proxy {
            builder = builder.proxy(proxy.expose_secret());
        }
        builder
    }
}

/// Combines the OAuth client of a profile with that of the environment.
fn credentials(
    profile: &Profile,
    id: Option<String>,
    secret: Option<String>,
) -> Result<(String, SecretString), Failure> {
    let missing = |key: &str, variable: &str| {
        let (path, name) = (profile.path.display(), &profile.name);
        Failure::usage(format!("{path}: the profile `{name}` has no {key}"))
            .advise(format!("add it, or set {variable}"))
    };
    // The secret in the profile is that of another OAuth client.
    if let (Some(id), None) = (&id, &secret)
        && profile.client_id.as_ref().is_some_and(|known| known != id)
    {
        return Err(Failure::usage(format!(
            "{CLIENT_ID} overrides the client id of the profile `{}`, but not its secret",
            profile.name
        ))
        .advise(format!("set {CLIENT_SECRET} too, or unset {CLIENT_ID}")));
    }
    let id = id.or_else(|| profile.client_id.clone());
    let id = id.ok_or_else(|| missing("client_id", CLIENT_ID))?;
    let secret = match (secret, &profile.secret) {
        (Some(secret), _) => secret.into(),
        (None, Some(source)) => source.read()?,
        (None, None) => {
            return Err(missing("client_secret_file or client_secret_command", CLIENT_SECRET));
        }
    };
    Ok((id, secret))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret_source::SecretSource;

    fn profile() -> Profile {
        Profile {
            name: "prod".to_owned(),
            path: "config.toml".into(),
            region: Some("eu-central-1".to_owned()),
            client_id: Some("abc".to_owned()),
            secret: Some(SecretSource::Text("hidden".to_owned().into())),
            api_url: Some("https://gw.example.com".to_owned()),
            login_url: None,
            proxy: None,
        }
    }

    fn settings(variables: &[(&str, &str)]) -> Result<Settings, String> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Settings::new(&profile(), variable).map_err(|failure| failure.to_string())
    }

    fn login(settings: &Settings) -> Option<(&str, &str)> {
        let (id, secret) = settings.credentials.as_ref()?;
        Some((id, secret.expose_secret()))
    }

    #[test]
    fn variables_override_the_profile() {
        let plain = settings(&[(CLIENT_ID, " "), (REGION, "")]).expect("settings");
        assert_eq!(plain.region.as_deref(), Some("eu-central-1"));
        assert_eq!(plain.api_url.as_deref(), Some("https://gw.example.com"));
        assert_eq!(login(&plain), Some(("abc", "hidden")));
        assert!(plain.overrides.is_empty());
        let other = settings(&[(REGION, "us-east-1"), (CLIENT_SECRET, "x")]).expect("settings");
        assert_eq!(other.region.as_deref(), Some("us-east-1"));
        assert_eq!(other.api_url, None, "a URL of another region");
        assert_eq!(login(&other), Some(("abc", "x")));
        assert_eq!(other.overrides, [REGION, CLIENT_SECRET]);
        let gateway = settings(&[(API_URL, "https://b")]).expect("settings");
        assert_eq!(gateway.api_url.as_deref(), Some("https://b"));
        let token = settings(&[(ACCESS_TOKEN, "t"), (CLIENT_ID, "x")]).expect("settings");
        assert_eq!((login(&token), &token.overrides[..]), (None, &[ACCESS_TOKEN][..]));
    }

    #[test]
    fn the_secret_of_another_client_is_not_used() {
        let why = settings(&[(CLIENT_ID, "other")]).expect_err("no secret");
        assert!(why.contains("overrides the client id"), "{why}");
        let both = settings(&[(CLIENT_ID, "other"), (CLIENT_SECRET, "x")]).expect("settings");
        assert_eq!(login(&both), Some(("other", "x")));
        let same = settings(&[(CLIENT_ID, "abc")]).expect("settings");
        assert_eq!(login(&same), Some(("abc", "hidden")));
    }

    #[test]
    fn a_profile_without_credentials_needs_the_variables() {
        let profile = Profile { client_id: None, secret: None, ..profile() };
        let why = Settings::new(&profile, |_| None).expect_err("no id").to_string();
        assert!(why.contains("the profile `prod` has no client_id"), "{why}");
        let variable = |name: &str| (name == CLIENT_ID).then(|| "abc".to_owned());
        let why = Settings::new(&profile, variable).expect_err("no secret").to_string();
        assert!(why.contains("has no client_secret_file or client_secret_command"), "{why}");
    }

    #[test]
    fn secrets_are_not_shown() {
        let text = format!("{:?}", settings(&[(ACCESS_TOKEN, "hidden")]).expect("settings"));
        assert!(!text.contains("hidden"), "{text}");
        let text = format!("{:?}", settings(&[]).expect("settings"));
        assert!(!text.contains("hidden"), "{text}");
    }
}
