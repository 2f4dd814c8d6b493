//! Runs a plan.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::StreamExt as _;
use genesys_cloud_core::{Client, Verdict};

use crate::deletes::{Decision, Evidence, MaxDeletes};
use crate::error::TableError;
use crate::estimate::Estimate;
use crate::plan::{Plan, Table};
use crate::range;
use crate::reader::{Reader, Reading};
use crate::report::{RunReport, TableReport};
use crate::row::Scope;
use crate::state::TableState;
use crate::target::{Changes, Target, TargetError, TargetSession};

/// Default number of tables that are read at the same time.
const TABLES: usize = 4;

/// Makes a target equal to the org, as far as what was read proves.
///
/// All tables share the client: its login and its rate limit. The tables of the target are changed one by one, each in
/// one transaction; an error of one does not stop the others.
///
/// ```no_run
/// use genesys_cloud_core::Client;
/// use genesys_cloud_sync::{Memory, Plan, Replicator};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let text = std::fs::read_to_string("plan.toml")?;
/// let plan = Plan::parse("plan.toml", &text)?;
/// let client = Client::from_env()?;
/// let report = Replicator::new(client, plan).run(&Memory::new()).await?;
/// for table in &report.tables {
///     println!("{}: {} inserted, {} deleted", table.table, table.inserted, table.deleted);
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is read before `run`"]
pub struct Replicator {
    client: Client,
    plan: Plan,
    is_full: bool,
    allows_deletes: bool,
    tables: usize,
    clock: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    ended: Arc<dyn Fn(&TableReport) + Send + Sync>,
}

impl Replicator {
    /// Creates a run of a plan. Nothing is sent before [`run`](Self::run).
    pub fn new(client: Client, plan: Plan) -> Self {
        Self {
            client,
            plan,
            is_full: false,
            allows_deletes: false,
            tables: TABLES,
            clock: Arc::new(Utc::now),
            ended: Arc::new(|_| ()),
        }
    }

    /// Reads everything, as the first run does. Default: only what may have changed.
    pub fn full(mut self, is_full: bool) -> Self {
        self.is_full = is_full;
        self
    }

    /// Allows deletes beyond [`MaxDeletes`]. They still need proof. Default: false.
    pub fn allow_deletes(mut self, allows: bool) -> Self {
        self.allows_deletes = allows;
        self
    }

    /// Sets how many tables are read at the same time. Default: 4.
    pub fn tables_at_once(mut self, tables: usize) -> Self {
        self.tables = tables.max(1);
        self
    }

    /// Sets the clock, which decides how far time ranges are read. Default: that of the system.
    pub fn clock(mut self, now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(now);
        self
    }

    /// Calls a function at the end of each table, for progress.
    pub fn on_table_end(mut self, ended: impl Fn(&TableReport) + Send + Sync + 'static) -> Self {
        self.ended = Arc::new(ended);
        self
    }

    /// Estimates what a run that reads everything costs, table by table. Makes one call per table at most.
    ///
    /// # Errors
    /// If the first page of a list can't be read.
    pub async fn estimate(&self) -> Result<Vec<Estimate>, genesys_cloud_core::Error> {
        let mut estimates = Vec::new();
        for table in self.plan.tables() {
            estimates.push(Estimate::of(&self.client, table, (self.clock)()).await?);
        }
        Ok(estimates)
    }

    /// Reads the tables and changes the target.
    ///
    /// # Errors
    /// If the target can't be opened, or another run has locked it. Errors of a table are in its report.
    pub async fn run(&self, target: &dyn Target) -> Result<RunReport, TargetError> {
        let run = random_id();
        let session = target.open(&run).await?;
        let reports = {
            let (run, session) = (run.as_str(), &*session);
            let tables = self.plan.tables().iter().enumerate();
            let tables = tables.map(|(at, table)| async move {
                let report = self.table(table, run, session).await;
                (self.ended)(&report);
                (at, report)
            });
            futures::stream::iter(tables).buffer_unordered(self.tables).collect::<Vec<_>>().await
        };
        session.close().await?;
        let mut reports = reports;
        reports.sort_by_key(|(at, _)| *at);
        Ok(RunReport { run, tables: reports.into_iter().map(|(_, report)| report).collect() })
    }

    async fn table(&self, table: &Table, run: &str, session: &dyn TargetSession) -> TableReport {
        let now = (self.clock)();
        let id = (table.name(), table.operation(), table.method().name());
        let mut report = TableReport::new(id, now);
        if let Err(error) = self.replicate(table, (run, session), &mut report).await {
            // Nothing was changed.
            let failed = TableReport::new(id, report.time);
            report = TableReport {
                calls: report.calls,
                retries: report.retries,
                waited_ms: report.waited_ms,
                watermark_before: report.watermark_before,
                watermark_after: report.watermark_before,
                verdict: "failed".to_owned(),
                error: Some(error.to_string()),
                ..failed
            };
        }
        report
    }

    async fn replicate(
        &self,
        table: &Table,
        (run, session): (&str, &dyn TargetSession),
        report: &mut TableReport,
    ) -> Result<(), TableError> {
        let schema = table.schema();
        let mut writer = session.begin(&schema).await?;
        let before = writer.state().cloned();
        if before.as_ref().is_some_and(|state| state.definition != schema.definition) {
            return Err(TableError::Definition(format!(
                "table {0} was read with other parameters, parents or keys, so its rows can't be compared; choose another \
                 name than {0}, or drop the table and its row in genesys_cloud_tables",
                table.name()
            )));
        }
        report.watermark_before = before.as_ref().and_then(|state| state.watermark);
        // The times of versions follow each other even if clocks differ.
        report.time = before.as_ref().map_or(report.time, |state| report.time.max(state.time));
        let now = report.time;
        let limit = if self.allows_deletes { MaxDeletes::UNLIMITED } else { table.max_deletes };
        let mut is_confirmed = false;
        let (reading, found, decision) = loop {
            let mut reader = Reader::new((&self.client, table), &mut *writer, report);
            let reading = reader.read(before.as_ref(), self.is_full, now).await?;
            let found = writer.compare(&reading.scope).await?;
            let evidence = Evidence {
                // The scope has only what was read completely.
                verdict: match reading.scope {
                    Scope::Nothing => reading.verdict,
                    _ => Verdict::Complete,
                },
                without_key: report.without_key,
                existing: found.existing,
                missing: found.missing,
            };
            let decision = Decision::of(table.deletes, evidence, limit);
            // A record that moved to a page that had been read is in the list, but was not read. The second time, it is.
            let is_doubtful = reading.may_have_shifted && found.missing > 0 && decision.is_delete();
            if is_confirmed || !is_doubtful {
                break (reading, found, decision);
            }
            is_confirmed = true;
            (report.without_key, report.rejected) = (0, 0);
        };
        let has_deletes = decision.is_delete() && reading.scope != Scope::Nothing;
        report.inserted = found.inserted;
        report.changed = found.changed;
        report.unchanged = found.unchanged;
        report.duplicates = found.duplicates;
        report.deleted = if has_deletes { found.missing } else { 0 };
        report.kept = found.missing - report.deleted;
        let is_notable = match decision {
            Decision::KeptByPlan => false,
            Decision::Unproven(_) => true,
            _ => report.kept > 0,
        };
        report.deletes = is_notable.then(|| decision.to_string());
        report.is_complete = reading.verdict == Verdict::Complete
            && report.deletes.is_none()
            && (report.rejected, report.without_key) == (0, 0);
        report.verdict = match &reading.part {
            Some(part) => format!("{} ({part})", reading.verdict),
            None => reading.verdict.to_string(),
        };
        let is_withheld = decision.is_withheld() && found.missing > 0;
        let state = next_state(table, (before.as_ref(), run), &reading, report, is_withheld);
        report.watermark_after = state.watermark;
        let changes = Changes {
            run,
            time: report.time,
            scope: &reading.scope,
            has_deletes,
            state: &state,
            report,
        };
        writer.apply(&changes).await?;
        Ok(())
    }
}

/// Returns the state after a run.
fn next_state(
    table: &Table,
    (before, run): (Option<&TableState>, &str),
    reading: &Reading,
    report: &TableReport,
    is_withheld: bool,
) -> TableState {
    let mut state = TableState::new(table.schema().definition, run, report.time);
    let watermark = before.and_then(|before| before.watermark);
    let compared = before.and_then(|before| before.compared);
    if let Some(range) = &table.range {
        // A range that now begins earlier is known only as far as this run has read it.
        let since = before.and_then(|before| before.since);
        let known = watermark.filter(|_| since.is_some_and(|since| since <= range.since));
        state.watermark = range::watermark(known, &reading.chunks, is_withheld);
        let is_read = state.watermark.is_some();
        state.since = if is_read { Some(range.since) } else { since };
        state.watermark = state.watermark.or(watermark);
    } else if table.sort.is_some() {
        let is_comparison = reading.scope == Scope::List;
        let is_known = is_comparison || reading.part.is_some();
        state.watermark = if is_known { watermark.max(reading.latest) } else { watermark };
        state.compared = match is_comparison {
            true => reading.is_sorted.then_some(report.time),
            false => compared.filter(|_| reading.is_sorted),
        };
    }
    state
}

/// Returns a random ID.
fn random_id() -> String {
    let random = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", random(), random())
}
