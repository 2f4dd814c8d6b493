//! Messages about waits, and their interruption by the user.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

/// Time that a pending operation may still take after an interrupt. Most operations finish within it.
const GRACE: Duration = Duration::from_secs(3);

/// Shows what a sink waits for, such as the lock of a table, and interrupts the wait if the user wants to stop.
#[derive(Clone)]
pub struct Watch {
    stop: Arc<Notify>,
    show: Arc<dyn Fn(&str) + Send + Sync>,
}

impl Watch {
    /// Creates a watch. Notify `stop` once if the user wants to stop; `show` shows a line to the user.
    pub fn new(stop: Arc<Notify>, show: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self { stop, show: Arc::new(show) }
    }

    /// Shows what the sink waits for.
    pub fn show(&self, text: &str) {
        (self.show)(text);
    }

    /// Waits until the user wants to stop. A caller that does not stop must call [`pass_on`](Self::pass_on).
    pub async fn stopped(&self) {
        self.stop.notified().await;
    }

    /// Passes the interrupt on to the next caller of [`stopped`](Self::stopped).
    pub fn pass_on(&self) {
        self.stop.notify_one();
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

/// Waits for a server. Returns `None` if the user wants to stop and the server does not respond soon.
#[cfg_attr(not(any(feature = "buckets", feature = "redis")), allow(dead_code))]
pub(crate) async fn unless_stopped<T>(
    watch: Option<&Watch>,
    work: impl Future<Output = T>,
) -> Option<T> {
    let mut work = std::pin::pin!(work);
    let Some(watch) = watch else { return Some(work.await) };
    tokio::select! {
        biased;
        done = &mut work => return Some(done),
        () = watch.stopped() => {}
    }
    let done = tokio::time::timeout(GRACE, work).await.ok();
    if done.is_some() {
        // The reader of the list handles the interrupt.
        watch.pass_on();
    }
    done
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_interrupt_ends_the_wait_for_an_unresponsive_server() {
        let stop = Arc::new(Notify::new());
        let watch = Watch::new(stop.clone(), |_| ());
        stop.notify_one();
        let began = tokio::time::Instant::now();
        let never = std::future::pending::<()>();
        assert_eq!(unless_stopped(Some(&watch), never).await, None);
        assert_eq!(began.elapsed(), GRACE);
        assert!(watch.stopped().now_or_never().is_none(), "it is consumed");

        stop.notify_one();
        let soon = tokio::time::sleep(GRACE / 2).map(|()| 7);
        assert_eq!(unless_stopped(Some(&watch), soon).await, Some(7));
        assert!(watch.stopped().now_or_never().is_some(), "it is passed on");
    }

    #[tokio::test(start_paused = true)]
    async fn waits_without_limit_unless_interrupted() {
        let watch = Watch::new(Arc::new(Notify::new()), |_| ());
        let long = || tokio::time::sleep(Duration::from_secs(3_600)).map(|()| 7);
        assert_eq!(unless_stopped(Some(&watch), long()).await, Some(7));
        assert_eq!(unless_stopped(None, long()).await, Some(7));
    }
}
