//! The cancel of a job that nobody waits for any more.

use std::sync::atomic::{AtomicBool, Ordering};

use super::run::Run;
use super::status::JobStatus;

/// Cancels a job when it is dropped, unless the job is known to have ended. All that wait for the job or read
/// its results share it, so that the last of them does so.
#[derive(Debug)]
pub(super) struct CancelOnDrop {
    run: Run,
    ended: AtomicBool,
}

impl CancelOnDrop {
    pub(super) fn new(run: &Run) -> Self {
        let ended = run.last.as_ref().is_some_and(JobStatus::is_final);
        let mut run = run.clone();
        (run.last, run.cancel_on_drop) = (None, None);
        Self { run, ended: ended.into() }
    }

    /// There is nothing left to be cancelled.
    pub(super) fn leave(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        if *self.ended.get_mut() {
            return;
        }
        let mut run = self.run.clone();
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn(async move {
                    if let Err(error) = run.cancel().await {
                        tracing::warn!(id = run.shown_id().as_deref(), %error, "job not cancelled");
                    }
                });
            }
            Err(_) => {
                tracing::warn!(id = run.shown_id().as_deref(), "job not cancelled: no runtime")
            }
        }
    }
}
