//! Checksums, by which a state and the output that it describes are known to belong together.

use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Read, Seek, SeekFrom};

use xxhash_rust::xxh3::Xxh3;

/// How much of a file is read at a time.
const PIECE: usize = 1 << 20;

/// The checksum of what came so far: XXH3 of 128 bits. It finds what went wrong by accident or by hand; against
/// someone who forges both a state and an output, nothing here helps.
#[derive(Clone, Default)]
pub struct Checksum(Xxh3);

impl Checksum {
    /// The checksum of nothing.
    pub fn new() -> Self {
        Self(Xxh3::new())
    }

    /// The checksum of a text.
    pub fn of(text: &[u8]) -> String {
        let mut sum = Self::new();
        sum.add(text);
        sum.text()
    }

    /// The checksum of the beginning of a file.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn of_beginning(file: &mut (impl Read + Seek), length: u64) -> io::Result<Self> {
        let mut sum = Self::new();
        file.seek(SeekFrom::Start(0))?;
        let mut file = file.take(length);
        let mut piece = vec![0; PIECE.min(usize::try_from(length).unwrap_or(PIECE))];
        loop {
            match file.read(&mut piece)? {
                0 => return Ok(sum),
                read => sum.add(&piece[..read]),
            }
        }
    }

    /// Adds what follows.
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// In 32 hexadecimal digits.
    pub fn text(&self) -> String {
        format!("{:032x}", self.0.digest128())
    }
}

/// The id of a run: no other one has it.
pub fn random_id() -> String {
    // Their keys are the system's random numbers.
    let part = || RandomState::new().hash_one(std::process::id());
    format!("{:016x}{:016x}", part(), part())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_a_file_has_the_checksum_that_was_kept_when_it_was_written() {
        let bytes: Vec<u8> = (0..3 * PIECE + 7).map(|at| (at % 251) as u8).collect();
        for length in [0, 1, PIECE, 2 * PIECE + 3, bytes.len()] {
            let mut written = Checksum::new();
            bytes[..length].chunks(1000).for_each(|part| written.add(part));
            let mut file = io::Cursor::new(&bytes);
            let read = Checksum::of_beginning(&mut file, length as u64).expect("read");
            assert_eq!(read.text(), written.text());
            assert_eq!(written.text(), Checksum::of(&bytes[..length]));
        }
        assert_ne!(Checksum::of(b"a"), Checksum::of(b"b"));
        assert_ne!(random_id(), random_id());
        assert_eq!(random_id().len(), 32);
    }
}
