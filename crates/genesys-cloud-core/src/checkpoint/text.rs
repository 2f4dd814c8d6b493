//! Checkpoints as texts of a bounded length, so that whatever was saved can be loaded.

use super::Checkpoint;
use crate::error::Error;

/// The longest text that is saved, and read, in bytes. A range with a million ids has some 20 MB.
const LARGEST: u64 = 64 << 20;

/// The text of a checkpoint, if it is one that will be read again.
pub(super) fn write(checkpoint: &Checkpoint) -> Result<String, Error> {
    let text = serde_json::to_string(checkpoint).map_err(Error::checkpoint_store)?;
    match is_too_long(&text) {
        false => Ok(text),
        true => Err(Error::checkpoint_store(format!(
            "the checkpoint takes {} bytes, and only {LARGEST} can be loaded; keep fewer ids by \
             `remember_in_checkpoint`, a shorter note, or read a shorter range",
            text.len()
        ))),
    }
}

/// The checkpoint of a text.
pub(super) fn read(text: &str) -> Result<Checkpoint, String> {
    match is_too_long(text) {
        false => serde_json::from_str(text).map_err(|error| error.to_string()),
        true => Err(format!("it is longer than {LARGEST} bytes")),
    }
}

const fn is_too_long(text: &str) -> bool {
    text.len() as u64 > LARGEST
}
