//! Cancels jobs that are dropped.

use std::sync::atomic::{AtomicBool, Ordering};

use super::poller::Poller;
use super::status::JobStatus;

/// Cancels a job on drop, unless the job is known to have ended. The handle and the lists of its results share it,
/// so the last of them cancels.
#[derive(Debug)]
pub(super) struct CancelOnDrop {
    poller: Poller,
    ended: AtomicBool,
}

impl CancelOnDrop {
    pub(super) fn new(poller: &Poller) -> Self {
        let ended = poller.last.as_ref().is_some_and(JobStatus::is_final);
        let mut poller = poller.clone();
        (poller.last, poller.cancel_on_drop) = (None, None);
        Self { poller, ended: ended.into() }
    }

    /// Disarms it: the job has ended or was cancelled.
    pub(super) fn disarm(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        if *self.ended.get_mut() {
            return;
        }
        let mut poller = self.poller.clone();
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn(async move {
                    if let Err(error) = poller.cancel().await {
                        tracing::warn!(id = poller.redacted_id().as_deref(), %error, "job not cancelled");
                    }
                });
            }
            Err(_) => {
                tracing::warn!(
                    id = poller.redacted_id().as_deref(),
                    "job not cancelled: no Tokio runtime"
                )
            }
        }
    }
}
