//! Reconnects after a lost connection. This is safe until the records are moved: the last saved state says what is
//! stored.

use std::time::Duration;

use super::PostgresSink;
use crate::SinkError;
use crate::checksum::Checksum;

/// Delays before each attempt. A server that restarts is usually back by then.
const PAUSES: [Duration; 6] = [
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
];

/// Maximum number of uncommitted bytes to keep for sending them again.
const MOST_PENDING: usize = 16 << 20;

impl PostgresSink {
    /// Keeps uncommitted rows, unless they exceed the limit.
    pub(super) fn keep_pending(&mut self, rows: &bytes::Bytes) {
        self.pending_bytes += rows.len();
        match self.pending_bytes <= MOST_PENDING {
            true => self.pending.push(rows.clone()),
            false => self.pending.clear(),
        }
    }

    /// Drops the kept rows, which this saved state has committed.
    pub(super) fn committed(&mut self, state: &str) {
        self.saved = Some(Checksum::of(state.as_bytes()));
        self.pending.clear();
        self.pending_bytes = 0;
    }

    /// Returns whether the connection is lost and can be replaced.
    pub(super) fn can_reconnect(&self) -> bool {
        if self.member.is_some() {
            // The uncommitted rows of the other tables are lost, too; a resume writes them again.
            return false;
        }
        let is_lost = self.session.as_ref().is_some_and(|session| session.is_lost());
        is_lost && self.pending_bytes <= MOST_PENDING
    }

    /// Reconnects and sends uncommitted rows again. Returns true without sending them if `next` is the saved state,
    /// which means that they were committed.
    pub(super) async fn reconnect(
        &mut self,
        lost: SinkError,
        next: Option<&str>,
    ) -> Result<bool, SinkError> {
        if let Some(watch) = &self.watch {
            watch.show(&format!("{lost}; reconnecting"));
        }
        for pause in PAUSES {
            if self.is_stopped_within(pause).await {
                return Err(lost);
            }
            self.session = None;
            if self.session().await.is_ok() {
                return self.restore(next).await;
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

    /// Restores the export in a new session.
    async fn restore(&mut self, next: Option<&str>) -> Result<bool, SinkError> {
        let kept = self.kept().await?;
        self.check_run(kept.as_ref()).await?;
        let state = kept.and_then(|kept| kept.state);
        let is_next = next.is_some() && state.as_deref() == next;
        if !is_next && state.map(|state| Checksum::of(state.as_bytes())) != self.saved {
            return Err(SinkError::taken(
                "the connection to the database was lost, and another run has changed the state of the export since",
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
