//! Parses locations: of the request body, the output, the state and the report.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

#[cfg(feature = "redis")]
use genesys_cloud_sinks::RedisServer;
#[cfg(feature = "postgres")]
use genesys_cloud_sinks::Target;
#[cfg(feature = "buckets")]
use genesys_cloud_sinks::{BucketFolder, BucketUrl};

use crate::failure::Failure;

/// Where the body of a request comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BodySource {
    Stdin,
    File(PathBuf),
}

impl FromStr for BodySource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "-" => Ok(Self::Stdin),
            json if json.trim_start().starts_with(['{', '[']) => {
                Err("expected a file, not JSON; in bash, pass JSON on standard input: --body - <<< '{}'"
                    .to_owned())
            }
            file => Ok(Self::File(file.into())),
        }
    }
}

/// Where records go.
#[derive(Clone, Debug)]
pub(crate) enum Destination {
    Stdout,
    File(PathBuf),
    /// One file per window of a time range.
    Folder(Folder),
    #[cfg(feature = "buckets")]
    Bucket(BucketUrl),
    #[cfg(feature = "postgres")]
    Postgres(Box<Target>),
}

/// A folder of files.
#[derive(Clone, Debug)]
pub(crate) enum Folder {
    Local(PathBuf),
    #[cfg(feature = "buckets")]
    Bucket(BucketFolder),
}

impl Folder {
    /// Name of the files in the hidden folder that belong to the folder itself.
    pub(crate) const OWN: &'static str = "windows";

    /// Returns the file with this path in the folder.
    pub(crate) fn file(&self, path: &str) -> Result<Destination, Failure> {
        match self {
            Self::Local(folder) => Ok(Destination::File(folder.join(path))),
            #[cfg(feature = "buckets")]
            Self::Bucket(folder) => match folder.object(path) {
                Ok(url) => Ok(Destination::Bucket(url)),
                Err(why) => Err(Failure::output(format!("{folder}{path}: {why}"))),
            },
        }
    }
}

/// A folder on the command line, with or without a slash at the end.
#[derive(Clone, Debug)]
pub(crate) struct FolderLocation(pub(crate) Folder);

impl FromStr for FolderLocation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let with_slash = if is_folder(text) { text.to_owned() } else { format!("{text}/") };
        match with_slash.parse() {
            _ if text.is_empty() || text == "-" => Err("expected a folder".to_owned()),
            Ok(Destination::Folder(folder)) => Ok(Self(folder)),
            Ok(_) => Err("expected a folder, or a URL such as s3://bucket/prefix".to_owned()),
            Err(why) => Err(why),
        }
    }
}

/// With a slash at the end.
impl fmt::Display for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(path) => write!(f, "{}/", path.display()),
            #[cfg(feature = "buckets")]
            Self::Bucket(folder) => folder.fmt(f),
        }
    }
}

impl FromStr for Destination {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((scheme, _)) = text.split_once("://") else {
            return match text {
                "-" => Ok(Self::Stdout),
                text if is_folder(text) => {
                    let folder = text.trim_end_matches(std::path::is_separator);
                    let folder = if folder.is_empty() { "/" } else { folder };
                    path(folder).map(|path| Self::Folder(Folder::Local(path)))
                }
                text => path(text).map(|path| Self::File(follow_link(path))),
            };
        };
        match scheme {
            #[cfg(feature = "postgres")]
            "postgres" | "postgresql" => {
                let target = Target::new(text);
                target.check()?;
                Ok(Self::Postgres(Box::new(target)))
            }
            #[cfg(not(feature = "postgres"))]
            "postgres" | "postgresql" => Err(lacks("postgres")),
            #[cfg(feature = "buckets")]
            scheme if BucketUrl::is_scheme(scheme) && is_folder(text) => {
                text.parse().map(|folder| Self::Folder(Folder::Bucket(folder)))
            }
            #[cfg(feature = "buckets")]
            scheme if BucketUrl::is_scheme(scheme) => text.parse().map(Self::Bucket),
            _ => Err(format!("can't write to a URL with the scheme `{scheme}`")),
        }
    }
}

/// Omits secrets.
impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdout => f.write_str("standard output"),
            Self::File(path) => path.display().fmt(f),
            Self::Folder(folder) => folder.fmt(f),
            #[cfg(feature = "buckets")]
            Self::Bucket(url) => url.fmt(f),
            #[cfg(feature = "postgres")]
            Self::Postgres(target) => target.fmt(f),
        }
    }
}

/// Where the state of an export is kept, if not beside the output.
#[derive(Clone)]
pub(crate) enum StateLocation {
    File(PathBuf),
    #[cfg(feature = "buckets")]
    Bucket(BucketUrl),
    #[cfg(feature = "redis")]
    Redis(RedisServer),
}

impl FromStr for StateLocation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((scheme, _)) = text.split_once("://") else {
            return path(text).map(Self::File);
        };
        match scheme {
            #[cfg(feature = "redis")]
            "redis" | "rediss" => RedisServer::new(text).map(Self::Redis),
            #[cfg(not(feature = "redis"))]
            "redis" | "rediss" => Err(lacks("redis")),
            #[cfg(feature = "buckets")]
            scheme if BucketUrl::is_scheme(scheme) => text.parse().map(Self::Bucket),
            _ => Err(format!("can't keep the state at a URL with the scheme `{scheme}`")),
        }
    }
}

/// Omits secrets.
impl fmt::Debug for StateLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.fmt(f),
            #[cfg(feature = "buckets")]
            Self::Bucket(url) => url.fmt(f),
            #[cfg(feature = "redis")]
            Self::Redis(server) => fmt::Display::fmt(server, f),
        }
    }
}

/// Where the report goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum ReportLocation {
    /// In the hidden folder beside a file or an object, or in a row of the database.
    #[default]
    BesideOutput,
    File(PathBuf),
    Nowhere,
}

impl FromStr for ReportLocation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self::Nowhere),
            "" => Err("expected a file, or none".to_owned()),
            text if text.contains("://") => Err("expected a file, not a URL".to_owned()),
            path => Ok(Self::File(path.into())),
        }
    }
}

/// Returns whether a path or URL ends with a slash.
fn is_folder(text: &str) -> bool {
    text.ends_with(std::path::is_separator)
}

/// Parses the path of a file. Rejects what may be a mistyped URL: its password would become part of a file name.
fn path(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() {
        return Err("must not be empty".to_owned());
    }
    let scheme = text.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    let known = ["postgres", "postgresql", "redis", "rediss", "s3", "gs", "az", "abfs", "abfss"];
    if let Some(scheme) = scheme.filter(|scheme| known.contains(&scheme.as_str())) {
        return Err(format!("write a URL as {scheme}://.., or a file as ./{scheme}:.."));
    }
    match text.contains("password=") {
        true => Err("write a database as a URL, postgres://..".to_owned()),
        false => Ok(text.into()),
    }
}

/// Follows a symbolic link, so that the export replaces the file and not the link.
fn follow_link(path: PathBuf) -> PathBuf {
    match path.is_symlink() {
        true => std::fs::canonicalize(&path).unwrap_or(path),
        false => path,
    }
}

#[cfg(not(all(feature = "postgres", feature = "redis")))]
fn lacks(feature: &str) -> String {
    format!("this build does not have the feature {feature}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_destinations_and_rejects_mistyped_urls() {
        for (text, shown) in [
            ("-", "standard output"),
            ("a/q.jsonl", "a/q.jsonl"),
            ("a/lake/", "a/lake/"),
            ("a/lake//", "a/lake/"),
            #[cfg(feature = "buckets")]
            ("s3://bucket/lake/", "s3://bucket/lake/"),
        ] {
            assert_eq!(text.parse::<Destination>().expect(text).to_string(), shown);
        }
        for (text, why) in [
            ("", "must not be empty"),
            ("S3:bucket/key", "write a URL as s3://"),
            ("host=a password=b", "write a database as a URL"),
            ("ftp://host/q", "the scheme `ftp`"),
        ] {
            let error = text.parse::<Destination>().expect_err(text);
            assert!(error.contains(why), "{text}: {error}");
            let error = text.parse::<StateLocation>().expect_err(text);
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn follows_symbolic_links() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().canonicalize().expect("a path");
        let (file, link) = (folder.join("q.jsonl"), folder.join("link"));
        std::fs::write(&file, "").expect("a file");
        std::os::unix::fs::symlink(&file, &link).expect("a link");
        let found = link.to_str().expect("text").parse().expect("a destination");
        assert!(matches!(found, Destination::File(path) if path == file));
    }

    #[test]
    fn parses_report_locations() {
        assert_eq!("none".parse(), Ok(ReportLocation::Nowhere));
        assert_eq!("r.json".parse(), Ok(ReportLocation::File("r.json".into())));
        assert!("".parse::<ReportLocation>().is_err());
        assert!("s3://a/b".parse::<ReportLocation>().is_err());
    }
}
