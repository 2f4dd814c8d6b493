//! Compression in parts that can be concatenated.

use std::collections::VecDeque;
use std::io::Write as _;
use std::thread::JoinHandle;

use flate2::write::GzEncoder;

use super::SinkError;

/// Minimum number of bytes per part. Smaller parts compress worse.
const PART: usize = 512 << 10;

/// Maximum number of parts compressed concurrently.
const MOST_THREADS: usize = 4;

/// Records are similar, so a higher level takes longer and gains little.
const GZIP_LEVEL: u32 = 3;

/// The compression of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// No compression.
    None,
    /// gzip, in several members, which readers concatenate (RFC 1952, 2.2).
    Gzip,
    /// Zstandard, in several frames, which readers concatenate (RFC 8878, 3.1).
    #[cfg(feature = "zstd")]
    Zstd,
}

impl Compression {
    #[cfg(feature = "zstd")]
    pub(super) const ENDINGS: &str = ".gz or .zst";
    #[cfg(not(feature = "zstd"))]
    pub(super) const ENDINGS: &str = ".gz (.zst needs a build with the feature zstd)";

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

    /// Compresses one part. A file cut between two parts is valid.
    fn part(self, plain: &[u8]) -> Result<Vec<u8>, SinkError> {
        let failed = |error: std::io::Error| SinkError::new(format!("can't compress: {error}"));
        match self {
            Self::None => Ok(plain.to_vec()),
            Self::Gzip => {
                let room = Vec::with_capacity(plain.len() / 4);
                let mut encoder = GzEncoder::new(room, flate2::Compression::new(GZIP_LEVEL));
                encoder.write_all(plain).map_err(failed)?;
                encoder.finish().map_err(failed)
            }
            #[cfg(feature = "zstd")]
            Self::Zstd => zstd::bulk::compress(plain, 3).map_err(failed),
        }
    }
}

/// Compresses bytes in parts, each on a thread, and returns the parts in order.
pub(super) struct Packer {
    compression: Compression,
    /// Bytes that do not fill a part yet.
    pending: Vec<u8>,
    /// Parts that are being compressed, in order.
    running: VecDeque<JoinHandle<Result<Vec<u8>, SinkError>>>,
    most: usize,
}

impl Packer {
    pub(super) fn new(compression: Compression) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let most = cores.clamp(1, MOST_THREADS);
        Self { compression, pending: Vec::new(), running: VecDeque::new(), most }
    }

    /// Returns whether bytes pass unchanged.
    pub(super) fn is_idle(&self) -> bool {
        self.compression == Compression::None
    }

    /// Compresses bytes as a separate part, without the pending ones.
    pub(super) fn alone(&self, plain: Vec<u8>) -> Result<Vec<u8>, SinkError> {
        match plain.is_empty() || self.is_idle() {
            true => Ok(plain),
            false => self.compression.part(&plain),
        }
    }

    /// Adds bytes, and returns the parts that are complete.
    pub(super) fn push(&mut self, plain: Vec<u8>) -> Result<Vec<u8>, SinkError> {
        if self.is_idle() {
            return Ok(plain);
        }
        match self.pending.is_empty() {
            true => self.pending = plain,
            false => self.pending.extend_from_slice(&plain),
        }
        let mut done = Vec::new();
        if self.pending.len() >= PART {
            while self.running.len() >= self.most {
                self.take_first(&mut done)?;
            }
            let part = std::mem::take(&mut self.pending);
            let compression = self.compression;
            self.running.push_back(std::thread::spawn(move || compression.part(&part)));
        }
        while self.running.front().is_some_and(JoinHandle::is_finished) {
            self.take_first(&mut done)?;
        }
        Ok(done)
    }

    /// Ends the pending part, and returns all remaining bytes.
    pub(super) fn flush(&mut self) -> Result<Vec<u8>, SinkError> {
        let last = match self.pending.is_empty() {
            true => Vec::new(),
            // The threads compress the other parts meanwhile.
            false => self.compression.part(&std::mem::take(&mut self.pending))?,
        };
        let mut done = Vec::new();
        while !self.running.is_empty() {
            self.take_first(&mut done)?;
        }
        match done.is_empty() {
            true => Ok(last),
            false => {
                done.extend_from_slice(&last);
                Ok(done)
            }
        }
    }

    fn take_first(&mut self, done: &mut Vec<u8>) -> Result<(), SinkError> {
        let Some(first) = self.running.pop_front() else { return Ok(()) };
        let part =
            first.join().map_err(|_| SinkError::new("can't compress: a thread failed"))??;
        match done.is_empty() {
            true => *done = part,
            false => done.extend_from_slice(&part),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn returns_parts_in_order_and_everything_at_a_flush() {
        let mut packer = Packer::new(Compression::Gzip);
        let (mut plain, mut packed) = (Vec::new(), Vec::new());
        let mut flushes = Vec::new();
        for n in 0_u32..4_000 {
            // Some parts take longer than others.
            let line = match n / 500 % 2 {
                0 => format!("{n} {}\n", "x".repeat(2_000)),
                _ => (0..400).map(|k| format!("{}", n.wrapping_mul(k * 7_919))).collect(),
            };
            plain.extend_from_slice(line.as_bytes());
            packed.extend(packer.push(line.into_bytes()).expect("packed"));
            if n % 1_000 == 7 {
                packed.extend(packer.flush().expect("packed"));
                flushes.push((plain.len(), packed.len()));
            }
        }
        packed.extend(packer.flush().expect("packed"));
        flushes.push((plain.len(), packed.len()));
        assert!(packer.flush().expect("nothing").is_empty());
        for (length, end) in flushes {
            let mut text = Vec::new();
            let mut reader = flate2::read::MultiGzDecoder::new(&packed[..end]);
            reader.read_to_end(&mut text).expect("whole");
            assert!(text == plain[..length], "they differ at {length}");
        }
        let members = packed.windows(4).filter(|it| *it == [0x1f, 0x8b, 8, 0]).count();
        assert!(members < 50, "{members} members");
    }
}
