//! What a sink says while it waits, and how it learns that the user wants to stop.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

/// How long what is waited for may still take once the user wants to stop: most of it is done by then.
const GRACE: Duration = Duration::from_secs(3);

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

/// Waits for a server. If the user wants to stop and it does not answer soon, the wait ends with nothing.
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
        // Whoever reads the list stops in its own way.
        watch.pass_on();
    }
    done
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_stop_ends_a_wait_for_a_server_that_does_not_answer() {
        let stop = Arc::new(Notify::new());
        let watch = Watch::new(stop.clone(), |_| ());
        stop.notify_one();
        let began = tokio::time::Instant::now();
        let never = std::future::pending::<()>();
        assert_eq!(unless_stopped(Some(&watch), never).await, None);
        assert_eq!(began.elapsed(), GRACE);
        assert!(watch.stopped().now_or_never().is_none(), "it is taken");

        stop.notify_one();
        let soon = tokio::time::sleep(GRACE / 2).map(|()| 7);
        assert_eq!(unless_stopped(Some(&watch), soon).await, Some(7));
        assert!(watch.stopped().now_or_never().is_some(), "it is passed on");
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_stop_nothing_is_cut_short() {
        let watch = Watch::new(Arc::new(Notify::new()), |_| ());
        let long = || tokio::time::sleep(Duration::from_secs(3_600)).map(|()| 7);
        assert_eq!(unless_stopped(Some(&watch), long()).await, Some(7));
        assert_eq!(unless_stopped(None, long()).await, Some(7));
    }
}
