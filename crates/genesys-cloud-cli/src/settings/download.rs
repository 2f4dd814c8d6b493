//! Files of the records to download.

use crate::arguments::DownloadOptions;
use crate::locations::Folder;

/// Default number of files to download concurrently.
const FILES_AT_A_TIME: usize = 8;

/// Default maximum size of a downloaded file in MiB.
const MAX_FILE_MIB: u64 = 1024;

/// Files of the records to download.
#[derive(Clone, Debug)]
pub(crate) struct DownloadSettings {
    /// The field with the URLs.
    pub(crate) field: String,
    pub(crate) to: Folder,
    /// Fields whose values name a file; empty for those that identify a record.
    pub(crate) key: Vec<String>,
    /// Maximum size of a file in MiB.
    pub(crate) max_mib: u64,
    /// Number of files to download concurrently.
    pub(crate) concurrency: usize,
}

impl DownloadSettings {
    /// `None` without a field.
    pub(super) fn resolve(options: DownloadOptions, concurrency: Option<u16>) -> Option<Self> {
        let DownloadOptions { download, to, download_key, max_file_size } = options;
        let (field, to) = download.zip(to)?;
        Some(Self {
            field,
            to: to.0,
            key: download_key,
            max_mib: max_file_size.unwrap_or(MAX_FILE_MIB),
            concurrency: concurrency.map_or(FILES_AT_A_TIME, usize::from),
        })
    }
}
