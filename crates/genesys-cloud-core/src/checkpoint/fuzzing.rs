//! What is loaded of a checkpoint, whatever the file holds.

#![allow(clippy::expect_used, missing_docs, unreachable_pub)]

use super::Checkpoint;

/// The text of a checkpoint.
pub fn checkpoint(data: &[u8]) {
    let Ok(checkpoint) = serde_json::from_slice::<Checkpoint>(data) else { return };
    let _ = (checkpoint.operation(), checkpoint.items(), checkpoint.note(), checkpoint.made());
    let _ = format!("{checkpoint:?}");
    let text = serde_json::to_string(&checkpoint).expect("it can be kept");
    let again = serde_json::from_str::<Checkpoint>(&text).expect("what was written");
    assert!(again == checkpoint, "what was kept is read back as it was: {text}");
}
