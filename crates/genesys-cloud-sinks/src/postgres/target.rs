//! The URL and options of a table.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use genesys_cloud_core::redact::Secrets;
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret as _, SecretString};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::table;

/// Maximum length of a name in PostgreSQL, in bytes.
pub(super) const LONGEST_NAME: usize = 63;

/// A table, and how to write to it.
#[derive(Clone, Debug)]
pub struct Target {
    url: SecretString,
    /// The schema, if not the first in the search path.
    pub(super) schema: Option<String>,
    pub(super) table: String,
    /// Whether to create the table if it does not exist.
    pub(super) create: bool,
    /// Whether to add columns that the table does not have.
    pub(super) add_columns: bool,
    /// The field that identifies rows to update.
    pub(super) upsert: Vec<String>,
}

/// Settings of a connection.
pub(super) struct Access {
    pub(super) config: Config,
    /// The password, to remove from messages.
    pub(super) secrets: Secrets,
    pub(super) trust: Trust,
}

/// Which server certificates to accept.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// Any, like libpq without a verifying mode.
    Any,
    /// Those that the system trusts for the host name.
    System,
    /// Those that the certificates in this file trust for the host name.
    File(PathBuf),
}

impl Target {
    /// Creates a target in the database at this URL, without validation.
    pub fn new(url: &str) -> Self {
        let url = url.to_owned().into();
        Self {
            url,
            schema: None,
            table: String::new(),
            create: false,
            add_columns: false,
            upsert: Vec::new(),
        }
    }

    /// Sets the table, as `name` or `schema.name`.
    ///
    /// # Errors
    /// If it is not a valid name.
    pub fn table(&mut self, name: &str) -> Result<(), String> {
        let (schema, table) = match name.split_once('.') {
            Some((schema, table)) => (Some(schema), table),
            None => (None, name),
        };
        for part in schema.into_iter().chain([table]) {
            if part.is_empty() || part.contains(['.', '"', '\0']) {
                return Err(format!("--table: expected name or schema.name, not `{name}`"));
            }
            if part.len() > LONGEST_NAME {
                return Err(format!(
                    "the name `{part}` is longer than {LONGEST_NAME} bytes; set a shorter one with --table"
                ));
            }
        }
        self.schema = schema.map(str::to_owned);
        table.clone_into(&mut self.table);
        Ok(())
    }

    /// Returns the target of a child table, by the path of its list: `conversations_participants_sessions` for
    /// `participants.sessions`.
    ///
    /// # Errors
    /// If the name is too long, or that of another table of the export.
    pub fn child(&self, path: &str) -> Result<Self, String> {
        let table = format!("{}_{}", self.table, table::snake(path));
        let staging = table::staging(&self.table);
        if table == staging {
            return Err(format!(
                "--explode: the child table would have the name {staging}, which the export needs"
            ));
        }
        let name = match &self.schema {
            Some(schema) => format!("{schema}.{table}"),
            None => table,
        };
        let mut child = self.clone();
        child.table(&name)?;
        child.upsert = Vec::new();
        Ok(child)
    }

    /// Sets whether to create the table if it does not exist, and the fields that together identify rows to update.
    /// Without any, records are inserted as new rows.
    pub fn options(&mut self, create: bool, upsert: Vec<String>) {
        self.create = create;
        self.upsert = upsert;
    }

    /// Sets whether to add columns to an existing table for fields that have none.
    pub fn add_columns(&mut self, add_columns: bool) {
        self.add_columns = add_columns;
    }

    /// Validates the URL.
    ///
    /// # Errors
    /// If it is not a valid URL of a PostgreSQL database.
    pub fn check(&self) -> Result<(), String> {
        self.access(environment).map(|_| ())
    }

    /// Resolves the settings of a connection from the URL and the variables of libpq.
    pub(super) fn access(
        &self,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Access, String> {
        let url = self.url.expose_secret();
        if is_ambiguous(url) {
            return Err(
                "the password in the database URL has characters that must be percent-encoded; \
                 set it in PGPASSWORD instead"
                    .to_owned(),
            );
        }
        let (plain, own) = own_parameters(url);
        let plain = with_port(&plain, variable("PGPORT").as_deref());
        let mut config: Config = plain.parse().map_err(|error: tokio_postgres::Error| {
            // The source names the parameter but not its value.
            let why = std::error::Error::source(&error).map(ToString::to_string);
            format!("invalid database URL: {}", why.unwrap_or_default())
        })?;
        add_environment(&mut config, &variable)?;
        if config.get_application_name().is_none() {
            config.application_name("genesys-cloud");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(10));
        }
        // Detects a server that disappears.
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(Duration::from_mins(1));
        }
        // Keeps the connection alive while a job runs or the export waits for the rate limit.
        if config.get_keepalives_idle() == Duration::from_hours(2) {
            config.keepalives_idle(Duration::from_mins(1));
        }
        let mode = own.mode.or_else(|| variable("PGSSLMODE"));
        let roots = own.roots.or_else(|| variable("PGSSLROOTCERT"));
        let roots = roots.filter(|roots| roots != "system").map(PathBuf::from);
        let (mode, is_verified) = match mode.as_deref().unwrap_or("prefer") {
            "disable" => (SslMode::Disable, false),
            "allow" | "prefer" => (SslMode::Prefer, false),
            "require" => (SslMode::Require, roots.is_some()),
            "verify-ca" | "verify-full" => (SslMode::Require, true),
            _ => {
                return Err("sslmode must be disable, prefer, require or verify-full".to_owned());
            }
        };
        config.ssl_mode(mode);
        let trust = match roots {
            _ if !is_verified => Trust::Any,
            Some(file) => Trust::File(file),
            None => Trust::System,
        };
        let password = config.get_password().map(|it| String::from_utf8_lossy(it).into_owned());
        let secrets = Secrets::new(password.map(SecretString::from));
        Ok(Access { config, secrets, trust })
    }
}

/// The table, database and server, without secrets.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("table ")?;
        if let Some(schema) = &self.schema {
            write!(f, "{schema}.")?;
        }
        write!(f, "{}", self.table)?;
        match self.access(environment) {
            Ok(access) => write!(f, " of {}", place(&access.config)),
            Err(_) => Ok(()),
        }
    }
}

/// Returns an environment variable, unless empty.
pub(super) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Returns the database and the server for messages.
pub(super) fn place(config: &Config) -> String {
    let hosts: Vec<String> = config
        .get_hosts()
        .iter()
        .enumerate()
        .map(|(at, host)| {
            let port = config.get_ports().get(at).or(config.get_ports().first()).unwrap_or(&5432);
            match host {
                Host::Tcp(name) if name.contains(':') => format!("[{name}]:{port}"),
                Host::Tcp(name) => format!("{name}:{port}"),
                #[cfg(unix)]
                Host::Unix(folder) => format!("{}:{port}", folder.display()),
            }
        })
        .collect();
    let database = config.get_dbname().or(config.get_user()).unwrap_or("(default)");
    format!("database {database} at {}", hosts.join(", "))
}

/// Returns whether part of the password may be parsed as something else, which messages would show.
fn is_ambiguous(url: &str) -> bool {
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let is_text = |part: &str| {
        let name = part.split('=').next().unwrap_or_default();
        matches!(
            name,
            "user"
                | "password"
                | "dbname"
                | "host"
                | "options"
                | "application_name"
                | "sslrootcert"
        )
    };
    match address.matches('@').count() {
        // The parser takes everything before the first `@` as user and password.
        0 => query.contains('@'),
        1 => query.split('&').any(|it| it.contains('@') && !is_text(it)),
        _ => true,
    }
}

/// Parameters that `Config` does not parse.
#[derive(Default)]
struct Own {
    mode: Option<String>,
    roots: Option<String>,
}

/// Splits a URL into the part for `Config` and these parameters.
fn own_parameters(url: &str) -> (String, Own) {
    let mut own = Own::default();
    let Some((plain, query)) = url.split_once('?') else { return (url.to_owned(), own) };
    let rest: Vec<&str> = query
        .split('&')
        .filter(|part| {
            let value = |name: &str| Some(part.strip_prefix(name)?.strip_prefix('=')?.to_owned());
            if let Some(mode) = value("sslmode") {
                own.mode = Some(mode);
            } else if let Some(file) = value("sslrootcert") {
                own.roots = Some(percent_decode_str(&file).decode_utf8_lossy().into_owned());
            } else {
                return !part.is_empty();
            }
            false
        })
        .collect();
    match rest.is_empty() {
        true => (plain.to_owned(), own),
        false => (format!("{plain}?{}", rest.join("&")), own),
    }
}

/// Sets a port for hosts without one, which would otherwise get the default port.
fn with_port(url: &str, port: Option<&str>) -> String {
    let begin = url.find('@').or(url.find("://").map(|at| at + 2)).map_or(0, |at| at + 1);
    let end = url[begin..].find(['/', '?']).map_or(url.len(), |at| begin + at);
    let hosts = &url[begin..end];
    let has_port = |host: &str| host.rsplit(']').next().is_some_and(|rest| rest.contains(':'));
    match port {
        Some(port) if !hosts.is_empty() && !hosts.split(',').any(has_port) => {
            let hosts: Vec<String> =
                hosts.split(',').map(|host| format!("{host}:{port}")).collect();
            format!("{}{}{}", &url[..begin], hosts.join(","), &url[end..])
        }
        _ => url.to_owned(),
    }
}

/// Sets values missing in the URL from the variables of libpq.
fn add_environment(
    config: &mut Config,
    variable: &impl Fn(&str) -> Option<String>,
) -> Result<(), String> {
    let number = |name: &str| -> Result<Option<u16>, String> {
        let Some(text) = variable(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| format!("{name} must be a number"))
    };
    if config.get_ports().is_empty()
        && let Some(port) = number("PGPORT")?
    {
        config.port(port);
    }
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        let host = variable("PGHOST").unwrap_or_else(|| {
            let port = config.get_ports().first().unwrap_or(&5432);
            let folder = "/var/run/postgresql";
            match Path::new(folder).join(format!(".s.PGSQL.{port}")).exists() {
                true => folder.to_owned(),
                false => "localhost".to_owned(),
            }
        });
        config.host(host);
    }
    if config.get_user().is_none_or(str::is_empty)
        && let Some(user) = variable("PGUSER")
    {
        config.user(user);
    }
    if config.get_password().is_none()
        && let Some(password) = variable("PGPASSWORD")
    {
        config.password(password);
    }
    if config.get_dbname().is_none()
        && let Some(name) = variable("PGDATABASE")
    {
        config.dbname(name);
    }
    if config.get_options().is_none()
        && let Some(options) = variable("PGOPTIONS")
    {
        config.options(options);
    }
    if config.get_application_name().is_none()
        && let Some(name) = variable("PGAPPNAME")
    {
        config.application_name(name);
    }
    if config.get_connect_timeout().is_none()
        && let Some(seconds) = number("PGCONNECT_TIMEOUT")?.filter(|it| *it > 0)
    {
        config.connect_timeout(Duration::from_secs(seconds.into()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(url: &str, variables: &[(&str, &str)]) -> Result<Access, String> {
        Target::new(url).access(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_url_overrides_the_environment() {
        let variables = [
            ("PGHOST", "elsewhere"),
            ("PGPORT", "7"),
            ("PGUSER", "nobody"),
            ("PGPASSWORD", "from the environment"),
            ("PGDATABASE", "other"),
        ];
        let found = access("postgres://me:pw%40@host:5433/crm", &variables).expect("access");
        assert_eq!(place(&found.config), "database crm at host:5433");
        assert_eq!(found.config.get_password(), Some(&b"pw@"[..]));
        let found = access("postgresql://", &variables).expect("access");
        assert_eq!(place(&found.config), "database other at elsewhere:7");
        assert_eq!(found.config.get_user(), Some("nobody"));
        assert_eq!(found.config.get_password(), Some(&b"from the environment"[..]));
        for (url, found) in [
            ("postgres://u:p@host/crm", "database crm at host:7"),
            ("postgres://host", "database other at host:7"),
            ("postgres://a,b/crm?connect_timeout=3", "database crm at a:7, b:7"),
            ("postgres://a,b:8/crm", "database crm at a:5432, b:8"),
            ("postgres://[::1]/crm", "database crm at [::1]:7"),
            ("postgres://u@[::1]:8/crm", "database crm at [::1]:8"),
        ] {
            assert_eq!(place(&access(url, &variables).expect("access").config), found);
        }
        let found = access("postgres://u@%2Ftmp%2Fpg/db?port=99", &[]).expect("access");
        assert!(place(&found.config).starts_with("database db at /tmp/pg:"));
    }

    #[test]
    fn tls_modes_match_libpq() {
        let file = || Trust::File("/ca.pem".into());
        for (query, mode, trust) in [
            ("", SslMode::Prefer, Trust::Any),
            ("?sslmode=disable", SslMode::Disable, Trust::Any),
            ("?sslmode=require", SslMode::Require, Trust::Any),
            ("?connect_timeout=3&sslmode=verify-full", SslMode::Require, Trust::System),
            ("?sslmode=require&sslrootcert=/ca.pem", SslMode::Require, file()),
            ("?sslrootcert=%2Fca.pem&sslmode=verify-full", SslMode::Require, file()),
            (
                "?sslmode=verify-full&sslrootcert=%2fmy%20cas%2Fa%2Bb.pem",
                SslMode::Require,
                Trust::File("/my cas/a+b.pem".into()),
            ),
        ] {
            let found = access(&format!("postgres://host/db{query}"), &[]).expect("access");
            assert_eq!((found.config.get_ssl_mode(), found.trust), (mode, trust), "{query}");
        }
        let found = access("postgres://host/db", &[("PGSSLMODE", "require")]).expect("access");
        assert_eq!(found.config.get_ssl_mode(), SslMode::Require);
    }

    #[test]
    fn errors_omit_the_password() {
        for (url, why) in [
            ("postgres://u:secret@host:port/db", "`port`"),
            ("postgres://u:secret@host/db?shoe=secret", "`shoe`"),
            ("postgres://u:secret@host/db?sslmode=secret", "sslmode must be"),
        ] {
            let error = access(url, &[]).map(|_| ()).expect_err("wrong");
            assert!(error.contains(why) && !error.contains("secret"), "{error}");
        }
        // The first three are unambiguous.
        for (url, is_clear) in [
            ("postgres://me:TOP/SEC@host/crm", true),
            ("postgres://me:TOP:SEC@host/crm", true),
            ("postgres://me@host/crm?application_name=a@b", true),
            ("postgres://me:TOP@SEC/RET@host/crm", false),
            ("postgres://me:TOP@SEC@host/crm", false),
            ("postgres://me:TOP@SEC:RET@host/crm", false),
            ("postgres://me:TOP@host/crm@SEC", false),
            ("postgres://me:TOP?SEC@host/crm", false),
            ("postgres://host/crm?user=me&password=TOP@SEC", false),
            ("postgres://me:7?SEC=RET@host/crm", false),
            ("postgres://me:TOP@SEC?RET@host/crm", false),
        ] {
            match access(url, &[]) {
                Ok(found) => {
                    assert!(is_clear, "{url}");
                    assert_eq!(place(&found.config), "database crm at host:5432");
                }
                Err(error) => {
                    assert!(!is_clear && error.contains("percent-encoded"), "{url}: {error}");
                    for part in ["TOP", "SEC", "RET", "7"] {
                        assert!(!error.contains(part), "{error}");
                    }
                }
            }
        }
        let mut target = Target::new("postgres://u:secret@host/db");
        for name in ["", "a.", "a.b.c", "a\"b", &"x".repeat(64)] {
            assert!(target.table(name).is_err(), "{name}");
        }
        target.table("crm.queues").expect("a table");
        assert_eq!(target.to_string(), "table crm.queues of database db at host:5432");
        assert!(!format!("{target:?}").contains("secret"));
    }
}
