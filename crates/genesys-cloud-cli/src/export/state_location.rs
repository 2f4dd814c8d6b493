//! Where the state of an export is kept, if not beside its output.

use genesys_cloud_core::CheckpointStore;
#[cfg(feature = "buckets")]
use genesys_cloud_sinks::BucketStore;
#[cfg(feature = "redis")]
use genesys_cloud_sinks::RedisStore;
use genesys_cloud_sinks::{StateFile, Watch};

use crate::failure::Failure;
use crate::locations::{Destination, StateLocation};

/// The store at a location. `watch`: how the user stops a wait for it.
#[cfg_attr(not(any(feature = "buckets", feature = "redis")), expect(unused_variables))]
pub(super) fn open(
    location: &StateLocation,
    watch: &Watch,
) -> Result<Box<dyn CheckpointStore>, Failure> {
    Ok(match location {
        StateLocation::File(path) => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
                let folder = folder.display();
                return Err(Failure::output(format!("--state: there is no folder {folder}")));
            }
            Box::new(StateFile::new(path))
        }
        #[cfg(feature = "buckets")]
        StateLocation::Bucket(url) => Box::new(BucketStore::new(url)?.watch(watch.clone())),
        #[cfg(feature = "redis")]
        StateLocation::Redis(server) => Box::new(RedisStore::new(server).watch(watch.clone())),
    })
}

/// The key of a state: the same wherever the export runs, for the same output.
pub(super) fn key(operation: &str, destination: &Destination) -> String {
    let place = match destination {
        Destination::File(path) => {
            std::path::absolute(path).unwrap_or_else(|_| path.clone()).display().to_string()
        }
        other => other.to_string(),
    };
    format!("genesys-cloud:export:{operation}:{place}")
}
