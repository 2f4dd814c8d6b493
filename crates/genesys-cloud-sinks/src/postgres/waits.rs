//! Waits for the database: shows the reason, and lets the user interrupt them.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio_postgres::Error;

use super::session::Session;

/// Time before a wait is shown and can be interrupted.
const MOMENT: Duration = Duration::from_secs(1);
/// Interval between messages.
const EVERY: Duration = Duration::from_secs(10);
/// Timeout of queries about locks, and of cancelling.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Finds the holder of the lock that a connection waits for, and the locked object.
const HOLDER: &str = "SELECT b.pid, nullif(a.application_name, ''), \
    coalesce(format('%I.%I', n.nspname, c.relname), 'a row') \
    FROM pg_locks l CROSS JOIN LATERAL unnest(pg_blocking_pids(l.pid)) b(pid) \
    LEFT JOIN pg_stat_activity a ON a.pid = b.pid \
    LEFT JOIN pg_class c ON c.oid = l.relation LEFT JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE l.pid = $1 AND NOT l.granted LIMIT 1";

impl Session {
    /// Waits for a statement.
    pub(super) async fn wait<T>(
        &self,
        work: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        let mut work = std::pin::pin!(work);
        let Some(watch) = &self.watch else { return work.await };
        let began = Instant::now();
        if let Ok(done) = tokio::time::timeout(MOMENT, &mut work).await {
            return done;
        }
        let mut looks = tokio::time::interval(EVERY);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = watch.stopped() => {
                    let _ = tokio::time::timeout(TIMEOUT, self.cancel()).await;
                    let done = work.await;
                    match done {
                        // The statement finished before it was cancelled.
                        Ok(_) => watch.pass_on(),
                        Err(_) => self.is_stopped.store(true, Ordering::Relaxed),
                    }
                    return done;
                }
                _ = looks.tick() => {}
            }
            let holder = tokio::select! {
                biased;
                done = &mut work => return done,
                holder = tokio::time::timeout(TIMEOUT, self.holder()) => holder.ok().flatten(),
            };
            if let Some(holder) = holder {
                watch
                    .show(&format!("waiting for a lock {holder}, {} s", began.elapsed().as_secs()));
            }
        }
    }

    async fn cancel(&self) {
        let _ = self.client.cancel_token().cancel_query(self.tls.clone()).await;
    }

    /// Describes the lock that this connection waits for, and its holder. Uses another connection.
    async fn holder(&self) -> Option<String> {
        let (client, connection) = self.config.connect(self.tls.clone()).await.ok()?;
        let connection = tokio::spawn(connection);
        let found = client.query_opt(HOLDER, &[&self.pid]).await.ok().flatten();
        connection.abort();
        let found = found?;
        let (pid, name, what): (i32, Option<String>, String) =
            (found.get(0), found.get(1), found.get(2));
        let name = name.map(|name| format!(" ({name})")).unwrap_or_default();
        Some(format!("on {what} held by pid {pid}{name}"))
    }
}
