//! A connection that is lost is made again where that does no harm: until the records are moved, what was saved last
//! says what is stored.

use std::time::Duration;

use super::PostgresSink;
use crate::SinkError;
use crate::checksum::Checksum;

/// How long to wait before each try: a server that restarts is back by then.
const PAUSES: [Duration; 6] = [
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
];

/// How many bytes that are not committed yet are kept to be sent again.
const MOST_PENDING: usize = 16 << 20;

impl PostgresSink {
    /// Keeps what is not committed yet, unless it is too much.
    pub(super) fn keep_pending(&mut self, rows: &bytes::Bytes) {
        self.pending_bytes += rows.len();
        match self.pending_bytes <= MOST_PENDING {
            true => self.pending.push(rows.clone()),
            false => self.pending.clear(),
        }
    }

    /// Forgets it: this state is saved.
    pub(super) fn committed(&mut self, state: &str) {
        self.saved = Some(Checksum::of(state.as_bytes()));
        self.pending.clear();
        self.pending_bytes = 0;
    }

    /// Whether the connection is lost, and another one can take its place.
    pub(super) fn can_revive(&self) -> bool {
        let is_lost = self.session.as_ref().is_some_and(|session| session.is_lost());
        is_lost && self.pending_bytes <= MOST_PENDING
    }

    /// Connects again, and sends once more what was not committed, unless `next` is the state that is saved: then all of
    /// it was. Whether it was is returned.
    pub(super) async fn revive(
        &mut self,
        lost: SinkError,
        next: Option<&str>,
    ) -> Result<bool, SinkError> {
        if let Some(watch) = &self.watch {
            watch.tell(&format!("{lost}; connecting again"));
        }
        for pause in PAUSES {
            if self.is_stopped_within(pause).await {
                return Err(lost);
            }
            self.session = None;
            if self.session().await.is_ok() {
                return self.find_again(next).await;
            }
        }
        Err(lost)
    }

    async fn is_stopped_within(&self, pause: Duration) -> bool {
        let Some(watch) = &self.watch else {
            tokio::time::sleep(pause).await;
            return false;
        };
        let is_stopped = tokio::time::timeout(pause, watch.stopped()).await.is_ok();
        if is_stopped {
            watch.pass_on();
        }
        is_stopped
    }

    /// Finds the export as it was saved last, in a new session.
    async fn find_again(&mut self, next: Option<&str>) -> Result<bool, SinkError> {
        let kept = self.kept().await?;
        self.check_run(kept.as_ref()).await?;
        let state = kept.and_then(|kept| kept.state);
        let is_next = next.is_some() && state.as_deref() == next;
        if !is_next && state.map(|state| Checksum::of(state.as_bytes())) != self.saved {
            return Err(SinkError::taken(
                "the connection to the database was lost, and meanwhile another run has changed the state of the export",
            ));
        }
        self.prepare_copy().await?;
        if is_next {
            return Ok(true);
        }
        for rows in self.pending.clone() {
            let (Some(session), Some(copy)) = (&mut self.session, &self.copy) else { break };
            session.begin().await?;
            if let Err(error) = session.copy(copy, rows).await {
                return Err(session.failed(error).await);
            }
        }
        Ok(false)
    }
}
