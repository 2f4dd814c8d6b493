//! What a sink says while it waits, and how it learns that the user wants to stop.

use std::fmt;
use std::sync::Arc;

use tokio::sync::Notify;

/// The way from a sink that has to wait, such as for the lock of a table, to the user, and back.
#[derive(Clone)]
pub struct Watch {
    stop: Arc<Notify>,
    tell: Arc<dyn Fn(&str) + Send + Sync>,
}

impl Watch {
    /// `stop` is notified once if the user wants to stop; `tell` shows a line to the user.
    pub fn new(stop: Arc<Notify>, tell: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self { stop, tell: Arc::new(tell) }
    }

    /// Shows what is waited for.
    pub fn tell(&self, text: &str) {
        (self.tell)(text);
    }

    /// Waits until the user wants to stop. Whoever sees that and does not stop passes it on by
    /// [`pass_on`](Self::pass_on).
    pub async fn stopped(&self) {
        self.stop.notified().await;
    }

    /// Has whoever waits next see that the user wants to stop.
    pub fn pass_on(&self) {
        self.stop.notify_one();
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}
