//! Advances the clock whenever nothing else happens.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use genesys_cloud_core::Wait;
use genesys_cloud_mock::MockOrg;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{advance, pause, resume, sleep, timeout};

/// Time advances after this many checks without progress, at this interval.
const LOOK: Duration = Duration::from_millis(2);
const LOOKS: u32 = 4;

/// The steps by which time advances while nothing happens.
const STEPS: [u64; 8] = [1, 1, 5, 30, 300, 3_600, 4_000, 4_000];

/// After this many steps without progress, the run hangs. The longest wait of a client is far shorter.
const MOST_STEPS: u32 = 40;

/// Advances the clock of the runtime: by the waits that a client reports, and by steps if nothing happens, for
/// other waits such as the pauses of a slow body or a timeout.
pub(crate) struct Clock {
    waits: UnboundedReceiver<Duration>,
    begun: Arc<AtomicU64>,
    items: Rc<Cell<u64>>,
    /// The total time advanced, in seconds.
    pub(crate) passed: Rc<Cell<u64>>,
}

/// The hook by which a client reports its waits.
#[derive(Clone)]
pub(crate) struct Hook {
    waits: UnboundedSender<Duration>,
    begun: Arc<AtomicU64>,
}

impl Hook {
    pub(crate) fn report(&self, wait: &Wait<'_>) {
        self.begun.fetch_add(1, Ordering::Relaxed);
        if let Some(expected) = wait.expected {
            // The receiver is gone once the run is over.
            let _ = self.waits.send(expected);
        }
    }
}

impl Clock {
    /// `items` counts the items read by the run.
    pub(crate) fn new(items: Rc<Cell<u64>>) -> (Self, Hook) {
        let (sender, waits) = unbounded_channel();
        let begun = Arc::new(AtomicU64::new(0));
        let hook = Hook { waits: sender, begun: Arc::clone(&begun) };
        (Self { waits, begun, items, passed: Rc::default() }, hook)
    }

    /// Advances time as necessary. Returns if the run hangs.
    pub(crate) async fn run(mut self, org: &MockOrg) {
        let (mut seen, mut looks, mut steps) = (0, 0, 0_u32);
        while steps < MOST_STEPS {
            let wait = timeout(LOOK, self.waits.recv()).await;
            if let Ok(Some(wait)) = wait {
                // Several calls wait concurrently.
                let waits = std::iter::from_fn(|| self.waits.try_recv().ok());
                let longest = waits.fold(wait, Duration::max);
                self.pass(longest).await;
                looks = 0;
                continue;
            }
            let requests = org.request_count() + org.downloads().len() as u64;
            let progress = requests + self.begun.load(Ordering::Relaxed) + self.items.get();
            if progress != seen {
                (seen, looks, steps) = (progress, 0, 0);
                continue;
            }
            looks += 1;
            if looks >= LOOKS {
                let step = STEPS[(steps as usize).min(STEPS.len() - 1)];
                self.pass(Duration::from_secs(step)).await;
                (looks, steps) = (0, steps + 1);
            }
        }
    }

    async fn pass(&self, time: Duration) {
        self.passed.set(self.passed.get() + time.as_secs() + 1);
        pause();
        advance(time).await;
        resume();
        sleep(Duration::ZERO).await;
    }
}
