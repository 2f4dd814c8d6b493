//! Where the state of an export is kept, as the command line says it.

use std::path::PathBuf;
use std::str::FromStr;

use super::Output;
use crate::failure::Failure;
#[cfg(feature = "buckets")]
use crate::sinks::{BucketKeeper, BucketUrl};
use crate::sinks::{FileKeeper, Keeper};

/// Where the state is kept, if not beside the output.
#[derive(Clone, Debug)]
pub(crate) enum Keep {
    File(PathBuf),
    #[cfg(feature = "buckets")]
    Bucket(BucketUrl),
}

impl Keep {
    /// What keeps the state of an export of this operation to this output.
    pub(super) fn keeper(
        &self,
        _operation: &str,
        _output: &Output,
    ) -> Result<Box<dyn Keeper>, Failure> {
        Ok(match self {
            Self::File(path) => Box::new(FileKeeper::new(path)),
            #[cfg(feature = "buckets")]
            Self::Bucket(url) => Box::new(BucketKeeper::new(url).map_err(super::unwritten)?),
        })
    }
}

impl FromStr for Keep {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((scheme, _)) = text.split_once("://") else { return Ok(Self::File(text.into())) };
        #[cfg(feature = "buckets")]
        if BucketUrl::is_scheme(scheme) {
            return text.parse().map(Self::Bucket);
        }
        Err(format!("no state is kept at a URL of the scheme `{scheme}`"))
    }
}
