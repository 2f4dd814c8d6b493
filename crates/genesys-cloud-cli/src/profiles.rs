//! Profiles of the config file: how to connect to an org.

use std::fs::File;
use std::io::Read as _;
use std::ops::Range;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;
use genesys_cloud_core::Region;
use secrecy::SecretString;
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use url::Url;

use crate::failure::Failure;
use crate::resolve::{nearest, quoted};
use crate::secret_source::{self, SecretSource};

/// Keys of a profile.
const KEYS: [&str; 8] = [
    "region",
    "client_id",
    "client_secret",
    "client_secret_file",
    "client_secret_command",
    "api_url",
    "login_url",
    "proxy",
];

/// Maximum size of the config file.
const MOST: u64 = 1024 * 1024;

/// A profile. `None` for what it does not set.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    pub(crate) name: String,
    /// The config file.
    pub(crate) path: PathBuf,
    pub(crate) region: Option<String>,
    pub(crate) client_id: Option<String>,
    pub(crate) secret: Option<SecretSource>,
    pub(crate) api_url: Option<String>,
    pub(crate) login_url: Option<String>,
    /// May contain a password.
    pub(crate) proxy: Option<SecretString>,
}

/// Returns `GENESYS_CLOUD_CONFIG`, or the file in the user's folder for configuration.
pub(crate) fn config_file() -> Option<PathBuf> {
    let set = std::env::var_os("GENESYS_CLOUD_CONFIG").filter(|value| !value.is_empty());
    if let Some(path) = set {
        return Some(path.into());
    }
    let folders = etcetera::choose_base_strategy().ok()?;
    Some(folders.config_dir().join("genesys-cloud").join("config.toml"))
}

/// Returns the names of the profiles in the config file; none if it can't be read.
pub(crate) fn names() -> Vec<String> {
    let text = config_file().and_then(|path| std::fs::read_to_string(path).ok());
    let text = text.unwrap_or_default();
    let Ok(root) = DeTable::parse(&text) else { return Vec::new() };
    let profiles = root.get_ref().get("profiles").and_then(|it| it.get_ref().as_table());
    profiles.into_iter().flatten().map(|(name, _)| name.get_ref().to_string()).collect()
}

/// Loads a profile.
pub(crate) fn load(name: &str) -> Result<Profile, Failure> {
    let path = config_file().ok_or_else(|| {
        Failure::usage(format!("--profile {name}: this user has no folder for configuration"))
            .advise("name the config file in GENESYS_CLOUD_CONFIG")
    })?;
    let refused = |error: std::io::Error| {
        Failure::usage(format!("--profile {name}: can't read {}: {error}", path.display()))
            .advise("GENESYS_CLOUD_CONFIG names another config file")
    };
    let file = File::open(&path).map_err(refused)?;
    let is_private = secret_source::is_private(&file.metadata().map_err(refused)?);
    let mut text = String::new();
    file.take(MOST).read_to_string(&mut text).map_err(refused)?;
    Document { path: &path, text: &text, is_private }.profile(name)
}

/// A config file.
struct Document<'a> {
    path: &'a Path,
    text: &'a str,
    /// Whether only its owner can read it.
    is_private: bool,
}

impl Document<'_> {
    /// Creates an error at a place. It quotes no value, because that may be a secret.
    fn fault(&self, span: Range<usize>, text: impl std::fmt::Display) -> Failure {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Failure::usage(format!("{}:{line}:{column}: {text}", self.path.display()))
    }

    fn profile(&self, name: &str) -> Result<Profile, Failure> {
        let root = DeTable::parse(self.text)
            .map_err(|error| self.fault(error.span().unwrap_or_default(), error.message()))?;
        let root = root.get_ref();
        if let Some((key, _)) = root.iter().find(|(key, _)| key.get_ref() != "profiles") {
            let text = format!("unknown key `{}`; expected [profiles.NAME]", key.get_ref());
            return Err(self.fault(key.span(), text));
        }
        let profiles = match root.get("profiles") {
            Some(found) => found.get_ref().as_table().ok_or_else(|| {
                self.fault(found.span(), "`profiles` must be a table: [profiles.NAME]")
            })?,
            None => &DeTable::new(),
        };
        let Some((_, found)) = profiles.iter().find(|(key, _)| key.get_ref() == name) else {
            let names = || profiles.iter().map(|(key, _)| key.get_ref().to_string());
            let near = nearest(name, names(), 2);
            let failure =
                Failure::usage(format!("{} has no profile `{name}`", self.path.display()));
            return Err(match (near.is_empty(), names().collect::<Vec<_>>()) {
                (false, _) => failure.advise(format!("did you mean {}?", quoted(&near))),
                (true, known) if known.is_empty() => {
                    failure.advise(format!("add [profiles.{name}]"))
                }
                (true, known) => failure.advise(format!("expected one of {}", known.join(", "))),
            });
        };
        let keys = found.get_ref().as_table();
        let keys = keys.ok_or_else(|| self.fault(found.span(), "a profile must be a table"))?;
        self.known(keys)?;
        let text = |key: &str| self.string(keys, key);
        let url = |key: &str| self.url(keys, key);
        let region = text("region")?;
        if let Some(region) = &region
            && region.parse::<Region>().is_err()
        {
            let choices = Region::ALL.iter().map(|it| it.name()).collect::<Vec<_>>().join(", ");
            let text = format!("`region` is unknown; expected one of {choices}");
            return Err(self.fault(self.span(keys, "region"), text));
        }
        let proxy = url("proxy")?;
        let has_password = proxy
            .as_ref()
            .and_then(|it| Url::parse(it).ok())
            .is_some_and(|it| it.password().is_some());
        if has_password {
            self.must_be_private(self.span(keys, "proxy"), "the password in `proxy`")?;
        }
        Ok(Profile {
            name: name.to_owned(),
            path: self.path.to_owned(),
            region,
            client_id: text("client_id")?,
            secret: self.secret(keys)?,
            api_url: url("api_url")?,
            login_url: url("login_url")?,
            proxy: proxy.map(SecretString::from),
        })
    }

    /// Rejects unknown keys.
    fn known(&self, keys: &DeTable<'_>) -> Result<(), Failure> {
        let Some((key, _)) = keys.iter().find(|(key, _)| !KEYS.contains(&&**key.get_ref())) else {
            return Ok(());
        };
        let near = nearest(key.get_ref(), KEYS.map(str::to_owned), 1);
        let text = match near.is_empty() {
            false => format!("unknown key `{}`; did you mean {}?", key.get_ref(), quoted(&near)),
            true => format!("unknown key `{}`; expected one of {}", key.get_ref(), KEYS.join(", ")),
        };
        Err(self.fault(key.span(), text))
    }

    fn span(&self, keys: &DeTable<'_>, key: &str) -> Range<usize> {
        keys.get(key).map(Spanned::span).unwrap_or_default()
    }

    fn string(&self, keys: &DeTable<'_>, key: &str) -> Result<Option<String>, Failure> {
        let Some(value) = keys.get(key) else { return Ok(None) };
        match value.get_ref().as_str().map(str::trim) {
            Some("") => Err(self.fault(value.span(), format!("`{key}` is empty"))),
            Some(text) => Ok(Some(text.to_owned())),
            None => Err(self.fault(value.span(), format!("`{key}` must be a string"))),
        }
    }

    fn url(&self, keys: &DeTable<'_>, key: &str) -> Result<Option<String>, Failure> {
        let text = self.string(keys, key)?;
        if let Some(Err(why)) = text.as_deref().map(Url::parse) {
            return Err(self.fault(self.span(keys, key), format!("`{key}` is not a URL: {why}")));
        }
        Ok(text)
    }

    /// Reads where the client secret is.
    fn secret(&self, keys: &DeTable<'_>) -> Result<Option<SecretSource>, Failure> {
        let given = keys.iter().filter(|(key, _)| key.get_ref().starts_with("client_secret"));
        let mut given: Vec<_> = given.collect();
        given.sort_by_key(|(key, _)| key.span().start);
        let Some((key, value)) = given.first() else { return Ok(None) };
        if let Some((other, _)) = given.get(1) {
            let text = format!("`{}` and `{}` exclude each other", key.get_ref(), other.get_ref());
            return Err(self.fault(other.span(), text));
        }
        let key = &**key.get_ref();
        if key == "client_secret_command" {
            return self.command(value).map(SecretSource::Command).map(Some);
        }
        let text = self.string(keys, key)?.unwrap_or_default();
        if key == "client_secret_file" {
            return Ok(Some(SecretSource::File(self.beside(&text))));
        }
        self.must_be_private(value.span(), "`client_secret`")?;
        Ok(Some(SecretSource::Text(text.into())))
    }

    fn must_be_private(&self, span: Range<usize>, what: &str) -> Result<(), Failure> {
        if self.is_private {
            return Ok(());
        }
        let text = format!("other users can read {what}");
        let path = self.path.to_string_lossy();
        let path = shlex::try_quote(&path).unwrap_or_default();
        Err(self
            .fault(span, text)
            .advise(format!("run chmod 600 {path}"))
            .advise("or use client_secret_file or client_secret_command"))
    }

    /// Reads a command: a list of words, or a line of words quoted as in a shell.
    fn command(&self, value: &Spanned<DeValue<'_>>) -> Result<Vec<String>, Failure> {
        let words = match value.get_ref() {
            DeValue::String(line) => shlex::split(line),
            DeValue::Array(words) => {
                words.iter().map(|word| word.get_ref().as_str().map(str::to_owned)).collect()
            }
            _ => None,
        };
        words.filter(|words| !words.is_empty()).ok_or_else(|| {
            let text = "`client_secret_command` must be a command, such as \"pass show genesys\"";
            self.fault(value.span(), text)
        })
    }

    /// Resolves a path relative to the config file.
    fn beside(&self, text: &str) -> PathBuf {
        let in_home = text
            .strip_prefix("~/")
            .and_then(|rest| etcetera::home_dir().ok().map(|home| home.join(rest)));
        in_home.unwrap_or_else(|| self.path.parent().unwrap_or(Path::new("")).join(text))
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn read(text: &str, is_private: bool) -> Result<Profile, String> {
        let path = Path::new("config.toml");
        Document { path, text, is_private }
            .profile("prod")
            .map_err(|failure| format!("{failure}\n{}", failure.advice().join("\n")))
    }

    #[test]
    fn reads_a_profile() {
        let profile = read(
            "[profiles.test]\nclient_id = \"t\"\nunknown = 1\n\n[profiles.prod]\nregion = \"eu-central-1\"\n\
             client_id = \"abc\"\nclient_secret_command = \"pass show 'genesys prod'\"\n\
             api_url = \"https://gw.example.com/a\"\nproxy = \"http://proxy:3128\"\n",
            false,
        );
        let profile = profile.expect("a profile");
        assert_eq!(profile.region.as_deref(), Some("eu-central-1"));
        assert_eq!(profile.client_id.as_deref(), Some("abc"));
        assert_eq!(profile.api_url.as_deref(), Some("https://gw.example.com/a"));
        assert_eq!(profile.proxy.as_ref().map(|it| it.expose_secret()), Some("http://proxy:3128"));
        let Some(SecretSource::Command(words)) = profile.secret else { panic!("no command") };
        assert_eq!(words, ["pass", "show", "genesys prod"]);
    }

    #[test]
    fn a_secret_file_is_beside_the_config_file() {
        let text = "[profiles.prod]\nclient_secret_file = \"secret\"";
        let path = Path::new("/etc/genesys/config.toml");
        let profile = Document { path, text, is_private: false }.profile("prod").expect("it");
        let Some(SecretSource::File(file)) = profile.secret else { panic!("no file") };
        assert_eq!(file, Path::new("/etc/genesys/secret"));
    }

    #[test]
    fn errors_have_line_and_column_and_quote_no_value() {
        for (text, part) in [
            ("[profiles.prod]\nclient_secret = SECRET", "config.toml:2:17: "),
            ("[profiles.prod]\nclient_secret = \"SECRET", "config.toml:2:"),
            ("[profiles.prod]\n  client_secret \"SECRET\"", "config.toml:2:"),
            ("[profiles.prod]\nclient_secret = 'SECRET'", "config.toml:2:17: other users can read"),
            (
                "[profiles.prod]\nclient_secret = 5",
                "config.toml:2:17: `client_secret` must be a string",
            ),
            ("[profiles.prod]\nclient_id = ' '", "config.toml:2:13: `client_id` is empty"),
            (
                "[profiles.prod]\nclient_sekret = 'SECRET'",
                "2:1: unknown key `client_sekret`; did you mean",
            ),
            (
                "[profiles.prod]\nzzzzzzzzzzzz = 'SECRET'",
                "2:1: unknown key `zzzzzzzzzzzz`; expected one of region",
            ),
            ("[profiles.prod]\nregion = 'SECRET'", "2:10: `region` is unknown; expected one of"),
            ("[profiles.prod]\napi_url = 'SECRET'", "2:11: `api_url` is not a URL"),
            (
                "[profiles.prod]\nproxy = 'http://a:SECRET@b:1'",
                "2:9: other users can read the password",
            ),
            (
                "[profiles.prod]\nclient_secret_file = 'f'\nclient_secret_command = 'SECRET'",
                "3:1: `client_secret_file` and `client_secret_command` exclude each other",
            ),
            (
                "[profiles.prod]\nclient_secret_command = 'a \"SECRET'",
                "2:25: `client_secret_command` must be",
            ),
            (
                "[profiles.prod]\nclient_secret_command = ['a', 1]",
                "2:25: `client_secret_command` must be",
            ),
            ("[prod]\nclient_id = 'SECRET'", "1:2: unknown key `prod`; expected [profiles.NAME]"),
            ("profiles = 'SECRET'", "1:12: `profiles` must be a table"),
            ("profiles.prod = 'SECRET'", "1:17: a profile must be a table"),
            ("[profiles.prd]", "has no profile `prod`\ndid you mean `prd`?"),
            ("[profiles.other]", "has no profile `prod`\nexpected one of other"),
            ("", "has no profile `prod`\nadd [profiles.prod]"),
        ] {
            let why = read(text, false).expect_err(text);
            assert!(why.contains(part), "{text}: {why}");
            assert!(!why.contains("SECRET"), "{text}: {why}");
        }
    }

    #[test]
    fn a_private_file_may_have_secrets_which_are_not_shown() {
        let text = "[profiles.prod]\nclient_secret = 'SECRET'\nproxy = 'http://a:SECRET@b:1'";
        let profile = read(text, true).expect("a profile");
        assert!(!format!("{profile:?}").contains("SECRET"), "{profile:?}");
    }
}
