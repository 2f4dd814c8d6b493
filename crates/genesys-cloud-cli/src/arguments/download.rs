//! The options of files that records refer to.

use clap::Args;

use super::Unquoted;
use crate::locations::FolderLocation;
use crate::values;

/// Options of files that records refer to.
#[derive(Debug, Args)]
#[command(next_help_heading = "Files of records")]
pub(crate) struct DownloadOptions {
    /// Download the files whose URLs are in this field of the records, such as mediaUri.
    ///
    /// A path such as mediaUris.*.mediaUri, where * stands for each entry of an object or list; or its last name, if only
    /// one field with a URL has it. Files that an earlier run has fetched are not fetched again.
    #[arg(long, requires = "to", value_name = "FIELD", value_parser = values::field)]
    pub(crate) download: Option<String>,
    /// Folder for the files and their manifest, such as media or s3://bucket/media.
    #[arg(long, requires = "download", value_name = "DIR|URL", value_parser = Unquoted::<FolderLocation>::new())]
    pub(crate) to: Option<FolderLocation>,
    /// Fields whose values name a file, such as conversationId,id.
    ///
    /// By default, those of --upsert, or else the fields that --for-each adds, and the ID field of the records.
    #[arg(long, requires = "download", value_delimiter = ',', value_name = "FIELD,..", value_parser = values::field)]
    pub(crate) download_key: Vec<String>,
    /// Maximum size of a file, in MiB; 1024 by default.
    ///
    /// A larger file is not kept, and counts as failed.
    #[arg(long, requires = "download", value_name = "MIB", value_parser = values::positive)]
    pub(crate) max_file_size: Option<u64>,
}
