//! Advances the clock while a client waits, so that retries take no time.

use std::time::Duration;

use genesys_cloud_core::Wait;
use genesys_cloud_mock::MockOrg;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{advance, pause, resume, timeout};

/// Time advances after this many checks without a request, at this interval.
const CHECK: Duration = Duration::from_millis(2);
const CHECKS: u32 = 4;

/// The steps by which it then advances, for waits that the client does not report, such as for a response.
const STEPS: [u64; 6] = [1, 1, 5, 30, 300, 3_600];

/// The clock of a runtime with one thread.
pub(crate) struct Clock {
    sender: UnboundedSender<Duration>,
    waits: UnboundedReceiver<Duration>,
}

impl Clock {
    pub(crate) fn new() -> Self {
        let (sender, waits) = unbounded_channel();
        Self { sender, waits }
    }

    /// Returns the hook by which a client reports its waits.
    pub(crate) fn hook(&self) -> impl Fn(&Wait<'_>) + Send + Sync + 'static {
        let sender = self.sender.clone();
        // The receiver is gone once the life is over.
        move |wait| {
            if let Some(expected) = wait.expected {
                let _ = sender.send(expected);
            }
        }
    }

    /// Runs a future while advancing the clock.
    ///
    /// # Panics
    /// If nothing happens any more.
    pub(crate) async fn during<T>(&mut self, org: &MockOrg, run: impl Future<Output = T>) -> T {
        tokio::select! {
            done = run => done,
            () = self.advance(org) => panic!("the run hangs"),
        }
    }

    async fn advance(&mut self, org: &MockOrg) {
        let (mut seen, mut checks, mut steps) = (0, 0, 0);
        while steps < 2 * STEPS.len() {
            if let Ok(Some(wait)) = timeout(CHECK, self.waits.recv()).await {
                let waits = std::iter::from_fn(|| self.waits.try_recv().ok());
                pass(waits.fold(wait, Duration::max)).await;
                checks = 0;
            } else if org.request_count() != seen {
                (seen, checks, steps) = (org.request_count(), 0, 0);
            } else if checks < CHECKS {
                checks += 1;
            } else {
                pass(Duration::from_secs(STEPS[steps.min(STEPS.len() - 1)])).await;
                (checks, steps) = (0, steps + 1);
            }
        }
    }
}

async fn pass(time: Duration) {
    pause();
    advance(time).await;
    resume();
    tokio::task::yield_now().await;
}
