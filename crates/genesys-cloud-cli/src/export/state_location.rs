//! Where the state of an export is kept, if not beside its output.

#[cfg(feature = "buckets")]
use genesys_cloud_sinks::BucketKeeper;
use genesys_cloud_sinks::{FileKeeper, Keeper};

use crate::failure::Failure;
use crate::locations::{Destination, StateLocation};

/// What keeps the state of an export of this operation to this destination.
#[cfg_attr(not(feature = "redis"), expect(unused_variables))]
pub(super) fn open(
    location: &StateLocation,
    operation: &str,
    destination: &Destination,
) -> Result<Box<dyn Keeper>, Failure> {
    Ok(match location {
        StateLocation::File(path) => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
                let folder = folder.display();
                return Err(Failure::output(format!("--state: there is no folder {folder}")));
            }
            Box::new(FileKeeper::new(path))
        }
        #[cfg(feature = "buckets")]
        StateLocation::Bucket(url) => Box::new(BucketKeeper::new(url)?),
        #[cfg(feature = "redis")]
        StateLocation::Redis(place) => Box::new(place.keeper(key(operation, destination))),
    })
}

/// The key of the state in Redis: the same wherever the export runs, for the same output.
#[cfg(feature = "redis")]
fn key(operation: &str, destination: &Destination) -> String {
    let place = match destination {
        Destination::File(path) => {
            std::path::absolute(path).unwrap_or_else(|_| path.clone()).display().to_string()
        }
        other => other.to_string(),
    };
    format!("genesys-cloud:export:{operation}:{place}")
}
