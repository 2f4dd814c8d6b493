//! Fuzz target: loading checkpoints.

#![allow(clippy::expect_used, missing_docs, unreachable_pub)]

use super::Checkpoint;

/// The text of a checkpoint.
pub fn checkpoint(data: &[u8]) {
    let Ok(checkpoint) = serde_json::from_slice::<Checkpoint>(data) else { return };
    let _ = (checkpoint.operation(), checkpoint.items(), checkpoint.note(), checkpoint.made());
    let _ = format!("{checkpoint:?}");
    let text = serde_json::to_string(&checkpoint).expect("a checkpoint");
    let again = serde_json::from_str::<Checkpoint>(&text).expect("a checkpoint");
    assert!(again == checkpoint, "a round trip changes it: {text}");
}
