//! Checksums that verify that a state and an output belong together.

use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Read, Seek, SeekFrom};

use xxhash_rust::xxh3::Xxh3;

/// Size of a read, in bytes.
const READ_SIZE: usize = 1 << 20;

/// A checksum: XXH3 of 128 bits.
///
/// It detects accidents and manual edits, but not a forged state with a matching output.
#[derive(Clone, Default)]
pub struct Checksum(Xxh3);

impl Checksum {
    /// Creates the checksum of no bytes.
    pub fn new() -> Self {
        Self(Xxh3::new())
    }

    /// Returns the checksum of `text` as 32 hexadecimal digits.
    pub fn of(text: &[u8]) -> String {
        let mut sum = Self::new();
        sum.add(text);
        sum.text()
    }

    /// Computes the checksum of the first `length` bytes of a file.
    ///
    /// # Errors
    /// If the file can't be read.
    pub fn of_beginning(file: &mut (impl Read + Seek), length: u64) -> io::Result<Self> {
        let mut sum = Self::new();
        file.seek(SeekFrom::Start(0))?;
        let mut file = file.take(length);
        let mut buffer = vec![0; READ_SIZE.min(usize::try_from(length).unwrap_or(READ_SIZE))];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(sum),
                read => sum.add(&buffer[..read]),
            }
        }
    }

    /// Adds bytes.
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Returns the checksum as 32 hexadecimal digits.
    pub fn text(&self) -> String {
        format!("{:032x}", self.0.digest128())
    }
}

/// Returns a random id of 32 hexadecimal digits.
pub fn random_id() -> String {
    // The hash keys are random numbers of the system.
    let part = || RandomState::new().hash_one(std::process::id());
    format!("{:016x}{:016x}", part(), part())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_of_a_file_is_the_checksum_of_its_writes() {
        let bytes: Vec<u8> = (0..3 * READ_SIZE + 7).map(|at| (at % 251) as u8).collect();
        for length in [0, 1, READ_SIZE, 2 * READ_SIZE + 3, bytes.len()] {
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
