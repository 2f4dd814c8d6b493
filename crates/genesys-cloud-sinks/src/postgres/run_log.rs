//! The log of all runs, in a table of the schema.

use super::PostgresSink;
use super::session::Session;
use super::table::{RUNS, quoted};
use crate::run_log::{LoggedRun, RunLog};
use crate::{SinkError, SinkFuture};

impl PostgresSink {
    async fn log(&mut self, id: &str, report: &str) -> Result<(), SinkError> {
        let (runs, table) = (self.named(RUNS), self.target.table.clone());
        let session = match &mut self.session {
            Some(session) if !session.is_lost() => session,
            // An earlier error has the reason.
            _ => return Ok(()),
        };
        if session.columns(RUNS).await?.is_none() {
            // Two first exports to a schema may run concurrently. Both statements are one transaction.
            session
                .run(&format!(
                    "SELECT pg_advisory_xact_lock(hashtextextended('genesys-cloud', 0)); \
                     CREATE TABLE IF NOT EXISTS {runs} (id text PRIMARY KEY, run text NOT NULL, \
                     operation text NOT NULL, table_name text NOT NULL, started timestamptz NOT NULL, \
                     ended timestamptz, exit text, verdict text, whole boolean, records bigint, \
                     added bigint, updated bigint, unchanged bigint, report json NOT NULL)"
                ))
                .await?;
        }
        let put = format!(
            "INSERT INTO {runs} (id, table_name, run, operation, started, ended, exit, verdict, whole, records, \
             added, updated, unchanged, report) \
             SELECT $1::text, $2::text, r->>'run', r->>'operation', (r->>'started')::timestamptz, \
             (r->>'ended')::timestamptz, r->>'exit', r->>'verdict', (r->>'whole')::boolean, \
             (r->>'records')::bigint, (r->'rows'->>'added')::bigint, (r->'rows'->>'updated')::bigint, \
             (r->'rows'->>'unchanged')::bigint, r FROM (SELECT $3::text::json) AS given (r) \
             ON CONFLICT (id) DO UPDATE SET (run, ended, exit, verdict, whole, records, added, updated, unchanged, \
             report) = (EXCLUDED.run, EXCLUDED.ended, EXCLUDED.exit, EXCLUDED.verdict, EXCLUDED.whole, \
             EXCLUDED.records, EXCLUDED.added, EXCLUDED.updated, EXCLUDED.unchanged, EXCLUDED.report)"
        );
        session.execute(&put, &[&id, &table, &report]).await.map(drop)
    }

    /// Reads the log of the table, or of all tables in the schema if none is set. Takes no lock, because an export may
    /// be running.
    async fn logged(&self, count: usize) -> Result<Vec<LoggedRun>, SinkError> {
        let mut session = Session::connect(&self.target, self.watch.clone()).await?;
        if session.columns(RUNS).await?.is_none() {
            return Ok(Vec::new());
        }
        let query = format!(
            "SELECT id, report::text FROM {}.{} WHERE $1::text IN ('', table_name) \
             ORDER BY started DESC, id DESC LIMIT $2",
            quoted(&session.schema),
            quoted(RUNS)
        );
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let rows = session.all(&query, &[&self.target.table, &count]).await?;
        Ok(rows.iter().map(|row| LoggedRun { id: row.get(0), report: Some(row.get(1)) }).collect())
    }
}

impl RunLog for PostgresSink {
    fn put<'a>(&'a mut self, id: &'a str, report: &'a str) -> SinkFuture<'a> {
        Box::pin(self.log(id, report))
    }

    fn last(&mut self, count: usize) -> SinkFuture<'_, Vec<LoggedRun>> {
        Box::pin(self.logged(count))
    }
}
