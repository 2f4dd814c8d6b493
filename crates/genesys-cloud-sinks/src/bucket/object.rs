//! Objects in buckets: URLs, access and errors.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use genesys_cloud_core::redact::Secrets;
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::multipart::MultipartStore;
use object_store::path::Path;
use object_store::{Error as ObjectError, ObjectStore, ObjectStoreExt as _, ObjectStoreScheme};
use url::Url;

use super::deletion::Deletion;
use crate::SinkError;
use crate::watch::{Watch, unless_stopped};
use crate::work_folder;

/// Maximum length of a server's message, in bytes.
const LONGEST_MESSAGE: usize = 300;

/// An object in a bucket: `s3://bucket/key`, `gs://bucket/key`, `az://container/key` or
/// `abfss://container@account.dfs.core.windows.net/key`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketUrl(Url);

impl BucketUrl {
    /// Returns whether URLs with this scheme are objects in buckets.
    pub fn is_scheme(scheme: &str) -> bool {
        matches!(scheme, "s3" | "s3a" | "gs" | "az" | "azure" | "adl" | "abfs" | "abfss")
    }

    /// Returns the last part of the key.
    pub fn name(&self) -> &str {
        self.0.path().rsplit('/').next().unwrap_or_default()
    }

    /// Creates a client for the object, with the settings and credentials in the environment. Makes no call.
    pub(crate) fn open(&self) -> Result<Object, SinkError> {
        let cant = |error: ObjectError| {
            SinkError::new(format!(
                "can't reach the bucket of {self}: {}; set the environment variables for it, such as {}",
                sanitized(&error.to_string()),
                credentials(self.0.as_str())
            ))
        };
        let (scheme, path) =
            ObjectStoreScheme::parse(&self.0).map_err(|error| cant(error.into()))?;
        if let ObjectStoreScheme::AmazonS3 = scheme {
            check_environment(|name| std::env::var(name).ok().filter(|it| !it.is_empty()))
                .map_err(|why| {
                    SinkError::new(format!("can't reach the bucket of {self}: {why}"))
                })?;
        }
        let url = self.0.as_str();
        let mut deletion = None;
        let store: Arc<dyn Store> = match scheme {
            ObjectStoreScheme::AmazonS3 => {
                let builder = AmazonS3Builder::from_env().with_url(url);
                let (store, by) = Deletion::build(builder).map_err(cant)?;
                deletion = Some(by);
                store
            }
            ObjectStoreScheme::GoogleCloudStorage => {
                let builder = GoogleCloudStorageBuilder::from_env().with_url(url);
                Arc::new(builder.build().map_err(cant)?)
            }
            ObjectStoreScheme::MicrosoftAzure => {
                let builder = MicrosoftAzureBuilder::from_env().with_url(url);
                Arc::new(builder.build().map_err(cant)?)
            }
            _ => return Err(SinkError::new(format!("{self} is not an object in a bucket"))),
        };
        Ok(Object { store, path, url: self.to_string(), deletion, watch: None })
    }
}

impl FromStr for BucketUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // The text may contain a secret, so no message quotes it.
        let url = Url::parse(text).map_err(|error| format!("invalid URL: {error}"))?;
        if !Self::is_scheme(url.scheme()) || url.host_str().is_none_or(str::is_empty) {
            return Err(
                "write it as s3://bucket/key, gs://bucket/key or az://container/key".to_owned()
            );
        }
        if url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(
                "set the credentials of a bucket in the environment, not in the URL".to_owned()
            );
        }
        match url.path().rsplit('/').next() {
            None | Some("") => {
                Err("the URL has no object name; write it as s3://bucket/key".to_owned())
            }
            Some(_) => Ok(Self(url)),
        }
    }
}

impl fmt::Display for BucketUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

/// An object store with multipart uploads.
pub(super) trait Store: ObjectStore + MultipartStore {}

impl<T: ObjectStore + MultipartStore> Store for T {}

/// An object and its client.
#[derive(Clone)]
pub(crate) struct Object {
    pub(super) store: Arc<dyn Store>,
    pub(super) path: Path,
    pub(super) url: String,
    /// Deletes the object, if not `store`.
    pub(super) deletion: Option<Deletion>,
    /// Interrupts waits for the bucket.
    pub(super) watch: Option<Watch>,
}

/// The user interrupted a wait for the bucket.
#[derive(Debug)]
struct Stopped;

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("stopped")
    }
}

impl std::error::Error for Stopped {}

impl Object {
    /// Waits for the bucket, unless interrupted.
    pub(super) async fn wait<T>(
        &self,
        work: impl Future<Output = Result<T, ObjectError>>,
    ) -> Result<T, ObjectError> {
        let done = unless_stopped(self.watch.as_ref(), work).await;
        done.unwrap_or_else(|| {
            Err(ObjectError::Generic { store: "bucket", source: Box::new(Stopped) })
        })
    }

    /// Deletes the object. Succeeds if it does not exist.
    pub(super) async fn delete(&self) -> Result<(), ObjectError> {
        let deleted = match &self.deletion {
            Some(deletion) => deletion.delete(&self.path).await,
            None => self.store.delete(&self.path).await,
        };
        match deleted {
            Err(error) if is_missing(&error) => Ok(()),
            deleted => deleted,
        }
    }

    /// Returns the store.
    pub(super) fn shared(&self) -> Arc<dyn ObjectStore> {
        self.store.clone()
    }

    /// Returns the object with this suffix in the hidden folder beside this one.
    pub(crate) fn aside(&self, end: &str) -> Result<Self, SinkError> {
        let url = work_folder::key(&self.url, end);
        let path = Path::parse(work_folder::key(self.path.as_ref(), end)).map_err(|error| {
            SinkError::new(format!("{url} is not a valid object name: {error}"))
        })?;
        Ok(Self { path, url, ..self.clone() })
    }

    /// Describes an error. `doing` is the verb, such as `write`.
    pub(super) fn cant(&self, doing: &str, error: &ObjectError) -> SinkError {
        if let ObjectError::Generic { source, .. } = error
            && source.is::<Stopped>()
        {
            return SinkError::stopped(format!("stopped while waiting for {}", self.url));
        }
        let text = error.to_string();
        let code = between(&text, "<Code>", "</Code>").map(sanitized);
        let reason = || code.clone().unwrap_or_else(|| "no error code".to_owned());
        let why = match error {
            ObjectError::PermissionDenied { .. } => format!(
                "access denied ({}); the credentials need permission to list the bucket, and to read, write and \
                 delete its objects",
                reason()
            ),
            // The metadata service of a cloud machine, which is the last source of credentials.
            _ if text.contains("//169.254.") || text.contains("//metadata.google") => format!(
                "no credentials in the environment ({}), and this machine has none",
                credentials(&self.url)
            ),
            ObjectError::Unauthenticated { .. } => {
                format!("the bucket does not accept the credentials ({})", reason())
            }
            _ if !is_missing(error) && matches!(error, ObjectError::NotFound { .. }) => {
                "no such bucket".to_owned()
            }
            _ => match between(&text, "<Message>", "</Message>") {
                Some(message) => format!("{} ({})", sanitized(message), reason()),
                None => sanitized(&text),
            },
        };
        let text = format!("can't {doing} {}: {why}", self.url);
        match is_transient(error, &text) {
            true => SinkError::unavailable(text),
            false => SinkError::new(text),
        }
    }
}

/// Returns whether an error is transient: the bucket can't be reached or has a server error. Client errors are not,
/// except 408 and 429.
fn is_transient(error: &ObjectError, text: &str) -> bool {
    if !matches!(error, ObjectError::Generic { .. })
        || text.contains("no credentials in the environment")
    {
        return false;
    }
    let whole = error.to_string();
    match between(&whole, "status code: ", " ").and_then(|text| text.parse::<u16>().ok()) {
        Some(status @ 400..500) => matches!(status, 408 | 429),
        _ => !whole.contains("certificate") && !whole.contains("builder error"),
    }
}

/// Rejects S3 settings that would fail late or without a useful error.
fn check_environment(variable: impl Fn(&str) -> Option<String>) -> Result<(), String> {
    let endpoints = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"];
    let is_plain = |name: &&str| variable(name).is_some_and(|url| url.starts_with("http://"));
    let allows = variable("AWS_ALLOW_HTTP");
    let allows = allows
        .is_some_and(|it| ["true", "1", "yes", "on", "y"].contains(&&*it.to_ascii_lowercase()));
    if let Some(name) = endpoints.into_iter().find(is_plain)
        && !allows
    {
        return Err(format!(
            "{name} is an http:// URL, which would send records unencrypted; use https://, or set AWS_ALLOW_HTTP=true"
        ));
    }
    let has = |name: &str| variable(name).is_some();
    let knows_credentials = [
        "AWS_ACCESS_KEY_ID",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_SKIP_SIGNATURE",
    ];
    match variable("AWS_PROFILE") {
        Some(profile) if !knows_credentials.iter().any(|name| has(name)) => Err(format!(
            "AWS_PROFILE is `{profile}`, but AWS profiles are not supported; run: \
             eval \"$(aws configure export-credentials --profile {profile} --format env)\""
        )),
        _ => Ok(()),
    }
}

/// Returns whether the bucket exists but not the object or the upload.
pub(super) fn is_missing(error: &ObjectError) -> bool {
    let ObjectError::NotFound { source, .. } = error else { return false };
    let text = source.to_string();
    !["NoSuchBucket", "ContainerNotFound"].iter().any(|code| text.contains(code))
}

/// Returns the usual variables for credentials.
fn credentials(url: &str) -> &'static str {
    match url.split_once("://") {
        Some(("s3" | "s3a", _)) => "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        Some(("gs", _)) => "GOOGLE_APPLICATION_CREDENTIALS",
        _ => "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
    }
}

fn between<'a>(text: &'a str, begin: &str, end: &str) -> Option<&'a str> {
    text.split_once(begin)?.1.split_once(end).map(|(found, _)| found)
}

/// Environment variables that contain credentials.
const CREDENTIALS: [&str; 9] = [
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_ACCESS_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
    "AZURE_STORAGE_SAS_KEY",
    "AZURE_STORAGE_CLIENT_SECRET",
    "AZURE_STORAGE_TOKEN",
    "GOOGLE_SERVICE_ACCOUNT_KEY",
];

/// Shortens a server's message to one line, without credentials and the queries of URLs, which may contain signatures.
fn sanitized(text: &str) -> String {
    let secrets = CREDENTIALS.iter().filter_map(|name| std::env::var(name).ok());
    sanitized_without(&Secrets::new(secrets.map(Into::into)), text)
}

fn sanitized_without(secrets: &Secrets, text: &str) -> String {
    let text = secrets.redact(text);
    let mut line = String::new();
    for word in text.split_whitespace() {
        let word = match word.contains("://") {
            true => word.split_once('?').map_or(word, |(before, _)| before),
            false => word,
        };
        if line.len() + word.len() > LONGEST_MESSAGE {
            line.push_str(" ..");
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word.chars().filter(|it| !it.is_control()));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_urls_of_objects_without_credentials() {
        for text in [
            "s3://bucket/key.jsonl",
            "gs://bucket/a/b.csv.gz",
            "az://container/key.parquet",
            "abfss://container@account.dfs.core.windows.net/key.jsonl",
        ] {
            assert_eq!(text.parse::<BucketUrl>().expect(text).to_string(), text);
        }
        for (text, why) in [
            ("s3://bucket", "no object name"),
            ("s3://bucket/folder/", "no object name"),
            ("s3:///key", "write it as"),
            ("ftp://host/key", "write it as"),
            ("s3://user:password@bucket/key", "in the environment"),
            ("az://container/key?sig=password", "in the environment"),
        ] {
            let error = text.parse::<BucketUrl>().expect_err(text);
            assert!(error.contains(why) && !error.contains("password"), "{text}: {error}");
        }
    }

    #[test]
    fn rejects_settings_that_can_not_work() {
        let check = |variables: &[(&str, &str)]| {
            check_environment(|name| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        let http = ("AWS_ENDPOINT_URL", "http://minio:9000");
        let profile = ("AWS_PROFILE", "dev");
        for (variables, part) in [
            (&[http][..], "AWS_ENDPOINT_URL is an http:// URL"),
            (&[http, ("AWS_ALLOW_HTTP", "false")], "AWS_ALLOW_HTTP=true"),
            (&[profile], "aws configure export-credentials --profile dev"),
        ] {
            let why = check(variables).expect_err("refused");
            assert!(why.contains(part), "{why}");
        }
        for variables in [
            &[][..],
            &[http, ("AWS_ALLOW_HTTP", "TRUE")],
            &[("AWS_ENDPOINT", "https://minio:9000")],
            &[profile, ("AWS_ACCESS_KEY_ID", "key")],
        ] {
            check(variables).expect("accepted");
        }
    }

    #[test]
    fn removes_signatures_and_credentials_from_messages() {
        let text = "error for https://host/key?sig=secret and\n\u{1b}[31m more";
        let clean = sanitized(text);
        assert!(clean.starts_with("error for https://host/key"), "{clean}");
        assert!(clean.ends_with(" and [31m more") && !clean.contains("secret"), "{clean}");
        let secrets = Secrets::new(["wJalrXUtnFEMI/K7MDENG".into()]);
        let text = "SignatureDoesNotMatch: key wJalrXUtnFEMI/K7MDENG, as wJalrXUtnFEMI%2FK7MDENG";
        let clean = sanitized_without(&secrets, text);
        assert!(clean.contains("SignatureDoesNotMatch") && !clean.contains("wJalr"), "{clean}");
        assert!(sanitized(&"word ".repeat(1_000)).len() < LONGEST_MESSAGE + 10);
    }
}
