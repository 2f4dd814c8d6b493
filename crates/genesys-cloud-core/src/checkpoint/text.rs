//! Checkpoints as text of bounded length, so that every saved checkpoint can be loaded.

use super::Checkpoint;
use crate::error::Error;

/// The longest text that is saved and loaded, in bytes. A range with a million ids takes about 20 MB.
const MAX_LENGTH: u64 = 64 << 20;

/// Returns the text of a checkpoint, or an error if it is too long to load again.
pub(super) fn write(checkpoint: &Checkpoint) -> Result<String, Error> {
    let text = serde_json::to_string(checkpoint).map_err(Error::checkpoint_store)?;
    match is_too_long(&text) {
        false => Ok(text),
        true => Err(Error::checkpoint_store(format!(
            "the checkpoint has {} bytes, but at most {MAX_LENGTH} can be loaded; keep fewer ids with \
             `remember_in_checkpoint`, shorten the note, or read a shorter range",
            text.len()
        ))),
    }
}

/// Reads a checkpoint from its text.
pub(super) fn read(text: &str) -> Result<Checkpoint, String> {
    match is_too_long(text) {
        false => serde_json::from_str(text).map_err(|error| error.to_string()),
        true => Err(format!("it is longer than {MAX_LENGTH} bytes")),
    }
}

const fn is_too_long(text: &str) -> bool {
    text.len() as u64 > MAX_LENGTH
}
