//! Checkpoints as texts of a bounded length, so that whatever was saved can be loaded.

use super::Checkpoint;
use crate::error::Error;

/// The longest text that is saved, and read, in bytes. A range with a million ids has some 20 MB.
const LARGEST: u64 = 64 << 20;

/// The text of a checkpoint, if it is one that will be read again.
pub(super) fn write(checkpoint: &Checkpoint) -> Result<Vec<u8>, Error> {
    let text = serde_json::to_vec(checkpoint).map_err(Error::checkpoint_store)?;
    match is_too_long(text.len() as u64) {
        false => Ok(text),
        true => Err(Error::checkpoint_store(format!(
            "the checkpoint takes {} bytes, and only {LARGEST} can be loaded; keep fewer ids by \
             `remember_in_checkpoint`, a shorter note, or read a shorter range",
            text.len()
        ))),
    }
}

/// The checkpoint of a text.
pub(super) fn read(text: &[u8]) -> Result<Checkpoint, String> {
    match is_too_long(text.len() as u64) {
        false => serde_json::from_slice(text).map_err(|error| error.to_string()),
        true => Err(too_long()),
    }
}

pub(super) const fn is_too_long(bytes: u64) -> bool {
    bytes > LARGEST
}

/// How much of a text is to be had to know that it is too long.
pub(super) const fn enough() -> u64 {
    LARGEST + 1
}

pub(super) fn too_long() -> String {
    format!("it is longer than {LARGEST} bytes")
}
