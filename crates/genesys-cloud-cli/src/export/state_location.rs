//! The location of the state, if not beside the output.

use genesys_cloud_core::CheckpointStore;
#[cfg(feature = "buckets")]
use genesys_cloud_sinks::BucketStore;
#[cfg(feature = "redis")]
use genesys_cloud_sinks::RedisStore;
use genesys_cloud_sinks::{StateFile, Watch};

use crate::failure::Failure;
use crate::locations::{Destination, StateLocation};

/// Opens the store at a location. `watch` interrupts waits for it.
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
                return Err(Failure::output(format!("--state: no such folder: {folder}")));
            }
            Box::new(StateFile::new(path))
        }
        #[cfg(feature = "buckets")]
        StateLocation::Bucket(url) => Box::new(BucketStore::new(url)?.watch(watch.clone())),
        #[cfg(feature = "redis")]
        StateLocation::Redis(server) => Box::new(RedisStore::new(server).watch(watch.clone())),
    })
}

/// Returns the key of a state. It depends on the operation and the output only.
pub(super) fn key(operation: &str, destination: &Destination) -> String {
    let output = match destination {
        Destination::File(path) => {
            std::path::absolute(path).unwrap_or_else(|_| path.clone()).display().to_string()
        }
        other => other.to_string(),
    };
    format!("genesys-cloud:export:{operation}:{output}")
}
