//! Where the state of an export is kept, as the command line says it.

use std::convert::Infallible;
use std::path::PathBuf;
use std::str::FromStr;

#[cfg(feature = "redis")]
use secrecy::{ExposeSecret as _, SecretString};

use super::Output;
use super::output::mistyped;
use crate::failure::Failure;
#[cfg(feature = "redis")]
use crate::sinks::RedisPlace;
#[cfg(feature = "buckets")]
use crate::sinks::{BucketKeeper, BucketUrl};
use crate::sinks::{FileKeeper, Keeper};

/// Where the state is kept, if not beside the output.
#[derive(Clone, Debug)]
pub(crate) enum Keep {
    File(PathBuf),
    #[cfg(feature = "buckets")]
    Bucket(BucketUrl),
    #[cfg(feature = "redis")]
    Redis(SecretString),
    /// Nothing, for this reason. The text that was given may hold a password, and is not to be told.
    Refused(String),
}

impl Keep {
    /// What keeps the state of an export of this operation to this output.
    #[cfg_attr(not(feature = "redis"), expect(unused_variables))]
    pub(super) fn keeper(
        &self,
        operation: &str,
        output: &Output,
    ) -> Result<Box<dyn Keeper>, Failure> {
        Ok(match self {
            Self::File(path) => {
                let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
                if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
                    let folder = folder.display();
                    return Err(Failure::output(format!("--state: there is no folder {folder}")));
                }
                Box::new(FileKeeper::new(path))
            }
            #[cfg(feature = "buckets")]
            Self::Bucket(url) => Box::new(BucketKeeper::new(url).map_err(super::unwritten)?),
            #[cfg(feature = "redis")]
            Self::Redis(url) => {
                let place = RedisPlace::new(url.expose_secret()).map_err(Failure::usage)?;
                Box::new(place.keeper(key(operation, output)))
            }
            Self::Refused(why) => return Err(Failure::usage(format!("--state: {why}"))),
        })
    }
}

/// Under which key Redis has the state: the same wherever the export is run, for the same output.
#[cfg(feature = "redis")]
fn key(operation: &str, output: &Output) -> String {
    let place = match output {
        Output::File(path) => {
            std::path::absolute(path).unwrap_or_else(|_| path.clone()).display().to_string()
        }
        other => other.to_string(),
    };
    format!("genesys-cloud:export:{operation}:{place}")
}

impl FromStr for Keep {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let Some((scheme, _)) = text.split_once("://") else {
            return Ok(mistyped(text).map_or_else(|| Self::File(text.into()), Self::Refused));
        };
        Ok(match scheme {
            #[cfg(feature = "redis")]
            "redis" | "rediss" => Self::Redis(text.to_owned().into()),
            #[cfg(not(feature = "redis"))]
            "redis" | "rediss" => Self::Refused("this build lacks the feature redis".to_owned()),
            #[cfg(feature = "buckets")]
            scheme if BucketUrl::is_scheme(scheme) => {
                text.parse().map_or_else(Self::Refused, Self::Bucket)
            }
            _ => Self::Refused(format!("no state is kept at a URL of the scheme `{scheme}`")),
        })
    }
}
