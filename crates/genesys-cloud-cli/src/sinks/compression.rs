//! Compression of what is written, in parts that can be put one after the other.

use std::io::Write as _;

use flate2::write::GzEncoder;

use super::SinkError;

/// How output is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all.
    None,
    /// By gzip: a member for each batch, which all readers take for one file (RFC 1952, 2.2).
    Gzip,
    /// By Zstandard: a frame for each batch, which all readers take for one file (RFC 8878, 3.1).
    #[cfg(feature = "zstd")]
    Zstd,
}

impl Compression {
    #[cfg(feature = "zstd")]
    pub(super) const ENDINGS: &str = ".gz or .zst";
    #[cfg(not(feature = "zstd"))]
    pub(super) const ENDINGS: &str = ".gz (.zst takes a build with the feature zstd)";

    pub(super) fn of_ending(ending: &str) -> Option<Self> {
        match ending {
            "gz" | "gzip" => Some(Self::Gzip),
            #[cfg(feature = "zstd")]
            "zst" | "zstd" => Some(Self::Zstd),
            _ => None,
        }
    }

    pub(super) fn ending(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => ".gz",
            #[cfg(feature = "zstd")]
            Self::Zstd => ".zst",
        }
    }

    /// A part of a file, which stands for itself: a file that is cut between two is whole.
    pub(super) fn part(self, plain: Vec<u8>) -> Result<Vec<u8>, SinkError> {
        if plain.is_empty() {
            return Ok(plain);
        }
        let failed = |error: std::io::Error| SinkError::new(format!("can't compress: {error}"));
        match self {
            Self::None => Ok(plain),
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
                encoder.write_all(&plain).map_err(failed)?;
                encoder.finish().map_err(failed)
            }
            #[cfg(feature = "zstd")]
            Self::Zstd => zstd::bulk::compress(&plain, 3).map_err(failed),
        }
    }
}
