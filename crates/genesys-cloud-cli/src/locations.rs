//! Locations as a user writes them: of the body of a request, of records, of the state and of the report.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

#[cfg(feature = "buckets")]
use genesys_cloud_sinks::BucketUrl;
#[cfg(feature = "redis")]
use genesys_cloud_sinks::RedisServer;
#[cfg(feature = "postgres")]
use genesys_cloud_sinks::Target;

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
                Err("name a file, or - for standard input, instead of the JSON itself; in bash: --body - <<< '{}'"
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
    #[cfg(feature = "buckets")]
    Bucket(BucketUrl),
    #[cfg(feature = "postgres")]
    Postgres(Box<Target>),
}

impl FromStr for Destination {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((scheme, _)) = text.split_once("://") else {
            return match text {
                "-" => Ok(Self::Stdout),
                text => path(text).map(|path| Self::File(followed(path))),
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
            scheme if BucketUrl::is_scheme(scheme) => text.parse().map(Self::Bucket),
            _ => Err(format!("no output has a URL of the scheme `{scheme}`")),
        }
    }
}

/// Without secrets.
impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdout => f.write_str("standard output"),
            Self::File(path) => path.display().fmt(f),
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
            _ => Err(format!("no state is kept at a URL of the scheme `{scheme}`")),
        }
    }
}

/// Without secrets.
impl fmt::Debug for StateLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.fmt(f),
            #[cfg(feature = "buckets")]
            Self::Bucket(url) => url.fmt(f),
            #[cfg(feature = "redis")]
            Self::Redis(place) => fmt::Display::fmt(place, f),
        }
    }
}

/// Where the report goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum ReportLocation {
    /// The hidden folder beside a file or an object, or the row of a table.
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
            "" => Err("name a file, or none".to_owned()),
            text if text.contains("://") => Err("name a file, not a URL".to_owned()),
            path => Ok(Self::File(path.into())),
        }
    }
}

/// The path of a file, unless the text may be a mistyped URL, whose password would become part of a name.
fn path(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    let scheme = text.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    let known = ["postgres", "postgresql", "redis", "rediss", "s3", "gs", "az", "abfs", "abfss"];
    if let Some(scheme) = scheme.filter(|scheme| known.contains(&scheme.as_str())) {
        return Err(format!("write it as {scheme}://.., or ./{scheme}:.. if it is a file"));
    }
    match text.contains("password=") {
        true => Err("name a database by a URL, postgres://..".to_owned()),
        false => Ok(text.into()),
    }
}

/// Where the path is a symbolic link, the file that it leads to: that file is replaced, and not the link.
fn followed(path: PathBuf) -> PathBuf {
    match path.is_symlink() {
        true => std::fs::canonicalize(&path).unwrap_or(path),
        false => path,
    }
}

#[cfg(not(all(feature = "postgres", feature = "redis")))]
fn lacks(feature: &str) -> String {
    format!("this build lacks the feature {feature}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations() {
        for (text, shown) in [("-", "standard output"), ("a/q.jsonl", "a/q.jsonl")] {
            assert_eq!(text.parse::<Destination>().expect(text).to_string(), shown);
        }
        for (text, why) in [
            ("", "it is empty"),
            ("S3:bucket/key", "write it as s3://"),
            ("host=a password=b", "name a database by a URL"),
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
    fn the_file_that_a_link_leads_to_is_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().canonicalize().expect("a path");
        let (file, link) = (folder.join("q.jsonl"), folder.join("link"));
        std::fs::write(&file, "").expect("a file");
        std::os::unix::fs::symlink(&file, &link).expect("a link");
        let found = link.to_str().expect("text").parse().expect("a destination");
        assert!(matches!(found, Destination::File(path) if path == file));
    }

    #[test]
    fn reports() {
        assert_eq!("none".parse(), Ok(ReportLocation::Nowhere));
        assert_eq!("r.json".parse(), Ok(ReportLocation::File("r.json".into())));
        assert!("".parse::<ReportLocation>().is_err());
        assert!("s3://a/b".parse::<ReportLocation>().is_err());
    }
}
