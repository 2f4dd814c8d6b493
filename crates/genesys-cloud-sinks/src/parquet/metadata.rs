//! The metadata of row groups, and the footer made of them.

use std::io::{self, Read as _, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use parquet::errors::ParquetError;
use parquet::file::metadata::{
    FileMetaData, PageIndexPolicy, ParquetMetaData, ParquetMetaDataBuilder, ParquetMetaDataOptions,
    ParquetMetaDataReader, ParquetMetaDataWriter,
};
use parquet::file::writer::TrackedWrite;

use super::failed;
use crate::error::SinkError;

/// Zeros that stand for the earlier bytes of a file.
static EARLIER: [u8; 64 << 10] = [0; 64 << 10];

/// The metadata of a row group with its page indexes, as the compressed footer of a file of its own. Column paths and
/// page statistics are repetitive: this is a tenth of its size.
pub(super) struct Metadata(String);

impl Metadata {
    pub(super) fn of(metadata: &ParquetMetaData) -> Result<Self, SinkError> {
        let mut footer = Vec::new();
        ParquetMetaDataWriter::new(&mut footer, metadata).finish().map_err(failed)?;
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(3));
        let packed = encoder.write_all(&footer).and_then(|()| encoder.finish());
        let packed = packed.map_err(|error| failed(error.into()))?;
        Ok(Self(BASE64.encode(packed)))
    }

    /// Returns the text for a saved state.
    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// Reads the text of a saved state. `None` if it is invalid.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let metadata = Self(text.to_owned());
        metadata.read().ok().map(|_| metadata)
    }

    /// Parses it. The footer is only made of parsed metadata, so that a file is the same with and without a kill: the
    /// writer adds deprecated statistics, which the reader drops.
    fn read(&self) -> Result<ParquetMetaData, SinkError> {
        let packed = BASE64.decode(&self.0);
        let packed = packed.map_err(|error| SinkError::mismatch(error.to_string()))?;
        let mut footer = Vec::new();
        let read = ZlibDecoder::new(&packed[..]).read_to_end(&mut footer);
        read.map_err(|error| failed(error.into()))?;
        let options = ParquetMetaDataOptions::new().with_encoding_stats_as_mask(false);
        ParquetMetaDataReader::new()
            .with_page_index_policy(PageIndexPolicy::Optional)
            .with_metadata_options(Some(options))
            .parse_and_finish(&Bytes::from(footer))
            .map_err(failed)
    }

    /// Returns the page indexes and the footer of a file, which begin at a position.
    pub(super) fn footer(
        head: &FileMetaData,
        groups: &[Self],
        position: usize,
    ) -> Result<Vec<u8>, SinkError> {
        let (mut columns, mut offsets) = (Vec::new(), Vec::new());
        let mut metadata = ParquetMetaDataBuilder::new(head.clone());
        for group in groups {
            let mut group = group.read()?.into_builder();
            columns.extend(group.take_column_index().unwrap_or_default());
            offsets.extend(group.take_offset_index().unwrap_or_default());
            for group in group.take_row_groups() {
                metadata = metadata.add_row_group(group);
            }
        }
        let is_whole = |length: usize| length == groups.len();
        let metadata = metadata
            .set_column_index(Some(columns).filter(|it| is_whole(it.len())))
            .set_offset_index(Some(offsets).filter(|it| is_whole(it.len())))
            .build();
        let mut tail = Tail::from(position, 0);
        let file = tail.file().map_err(failed)?;
        ParquetMetaDataWriter::new_with_tracked(file, &metadata).finish().map_err(failed)?;
        Ok(tail.into_bytes())
    }
}

/// The bytes of a file from a position on.
pub(super) struct Tail {
    /// Number of bytes before it.
    position: usize,
    /// Number of these bytes that are still to be written.
    missing: usize,
    bytes: Vec<u8>,
}

impl Tail {
    /// Begins at a position, with room for a number of bytes.
    pub(super) fn from(position: usize, room: usize) -> Self {
        Self { position, missing: position, bytes: Vec::with_capacity(room) }
    }

    /// Returns a writer of the file, at the position. Offsets that it writes are those of the whole file.
    pub(super) fn file(&mut self) -> Result<TrackedWrite<&mut Self>, ParquetError> {
        let mut left = self.position;
        let mut file = TrackedWrite::new(self);
        while left > 0 {
            let length = left.min(EARLIER.len());
            file.write_all(&EARLIER[..length])?;
            left -= length;
        }
        Ok(file)
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl Write for Tail {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        let dropped = self.missing.min(part.len());
        self.missing -= dropped;
        self.bytes.extend_from_slice(part.get(dropped..).unwrap_or_default());
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
