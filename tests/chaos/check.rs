//! Checks the outcome of a run.

use std::collections::HashSet;

use genesys_cloud_core::{Error, ErrorKind, Verdict};
use genesys_cloud_mock::FaultKind;

use crate::choice::{Choice, FaultMode, Subject};
use crate::lie;
use crate::run::{Expectation, JOB_LIFE, Outcome, read_baseline, read_with_faults};
use crate::start;
use crate::tally::Tally;
use crate::tree;

/// How long a client waits for a job, in seconds.
const JOB_PATIENCE: u64 = 3_600;

/// Executes a run, and returns what is wrong.
pub(crate) async fn check(choice: &Choice<'_>, tally: &mut Tally) -> Result<(), String> {
    if let (Subject::Lie(liar, lie), FaultMode::Lie(plan)) = (choice.subject, &choice.fault_mode) {
        return lie::check(choice, (liar, lie), plan, tally).await;
    }
    if let Subject::Start(list, name) = choice.subject {
        return start::check(choice, list, name).await;
    }
    if let Subject::Tree(tree, shape) = choice.subject {
        return tree::check(choice, (tree, shape), tally).await;
    }
    let (baseline, expected) =
        read_baseline(choice).await.map_err(|why| format!("without faults: {why}"))?;
    check_baseline(choice, &baseline, &expected).map_err(|why| format!("without faults: {why}"))?;
    let outcome = read_with_faults(choice, &expected).await?;
    tally.add(&outcome);
    let verdict =
        Check { choice, baseline: &baseline, outcome: &outcome, expected: &expected }.all(tally);
    verdict.map_err(|why| {
        let errors: Vec<String> = outcome.errors.iter().map(ToString::to_string).collect();
        let Outcome { injected, stops, restarts, .. } = &outcome;
        format!(
            "{why}\n    injected: {injected}; {stops} stops, {restarts} restarts\n    errors: {}",
            errors.join("\n        ")
        )
    })
}

fn check_baseline(
    choice: &Choice<'_>,
    baseline: &Outcome,
    expected: &Expectation,
) -> Result<(), String> {
    compare(&baseline.keys, expected)?;
    match baseline.errors.first() {
        Some(error) if !expected.is_broken && !choice.subject.has_faults() => {
            Err(error.to_string())
        }
        _ => Ok(()),
    }
}

struct Check<'a> {
    choice: &'a Choice<'a>,
    baseline: &'a Outcome,
    outcome: &'a Outcome,
    expected: &'a Expectation,
}

impl Check<'_> {
    fn all(&self, tally: &mut Tally) -> Result<(), String> {
        let outcome = self.outcome;
        if let Some(error) = outcome.errors.iter().find(|error| !self.is_explained(error)) {
            return Err(format!("no fault explains this error: {error:?}"));
        }
        let moves = [FaultKind::RecordInserted, FaultKind::RecordDeleted];
        match self.choice.fault_mode {
            FaultMode::Moving(_) if moves.iter().any(|kind| outcome.injected.count(*kind) > 0) => {
                self.check_moved(tally)
            }
            FaultMode::Random(_) | FaultMode::Moving(_) => {
                self.check_whole()?;
                self.check_calls(tally)?;
                self.check_logins()
            }
            FaultMode::Permanent(..) | FaultMode::Lie(_) => self.check_whole(),
        }
    }

    /// Nothing is lost or repeated, and the verdict is the same.
    fn check_whole(&self) -> Result<(), String> {
        let (baseline, outcome) = (self.baseline, self.outcome);
        compare(&outcome.keys, self.expected)?;
        self.check_count()?;
        let (verdict, expected) = (outcome.report.verdict(), baseline.report.verdict());
        if verdict != expected {
            return Err(format!("the verdict is {verdict}, but without faults {expected}"));
        }
        Ok(())
    }

    fn check_count(&self) -> Result<(), String> {
        let Outcome { report, keys, .. } = self.outcome;
        if report.items != keys.len() as u64 {
            return Err(format!(
                "the report counts {} items, but {} arrived",
                report.items,
                keys.len()
            ));
        }
        Ok(())
    }

    /// Where records are inserted and deleted, some may be missed or repeated, but never silently.
    fn check_moved(&self, tally: &mut Tally) -> Result<(), String> {
        self.check_count()?;
        let Outcome { report, keys, left, .. } = self.outcome;
        let unique: HashSet<&String> = keys.iter().collect();
        let doubled = (keys.len() - unique.len()) as u64;
        // Records that existed throughout.
        let left: HashSet<&String> = left.iter().collect();
        let stayed = self.expected.records.iter().filter(|key| left.contains(key));
        let missed = stayed.filter(|key| !unique.contains(key)).count() as u64;
        tally.moved(missed, doubled);
        if self.choice.usage.dedupes && self.outcome.has_ids && doubled > 0 {
            return Err(format!("{doubled} duplicates were not removed"));
        }
        let verdict = report.verdict();
        // Without counts, a deleted record leaves no trace.
        let is_counted = report.first_total.is_some();
        let is_reported = matches!(verdict, Verdict::Drifted(_));
        if (missed + doubled > 0 && is_counted || doubled > 0) && !is_reported {
            let what = format!("{missed} items were missed, and {doubled} repeated");
            return Err(format!("{what}: the verdict is {verdict}"));
        }
        Ok(())
    }

    /// No more requests than the faults require, with a tolerance of 5 %.
    fn check_calls(&self, tally: &mut Tally) -> Result<(), String> {
        if self.expected.is_broken && self.choice.usage.prefetch > 0 {
            // Pages prefetched beyond a broken one are dropped.
            return Ok(());
        }
        let Outcome { injected, calls, stops, restarts, .. } = self.outcome;
        // Where each page is a job, an error causes another submit and its polls.
        let again = match self.choice.subject.has_jobs_for_pages() {
            true => self.baseline.calls.div_ceil(self.baseline.report.pages.max(1)),
            false => 0,
        };
        // After a failed download, its URL is requested again.
        let again = again + u64::from(!injected.downloads.is_empty());
        let expected = injected.required_call_retries() + again * self.outcome.errors.len() as u64;
        let extra = calls.saturating_sub(self.baseline.calls);
        if *stops == 0 {
            tally.calls(*calls, extra, expected);
        }
        // Another page size changes the number of pages.
        if !self.choice.usage.resizes
            && extra
                > expected + expected / 20 + self.for_stops(*stops) + restarts * self.baseline.calls
        {
            let baseline = self.baseline.calls;
            return Err(format!("{calls} requests, where {baseline} succeed and {expected} fail"));
        }
        Ok(())
    }

    /// How many calls the stops may cost: prefetched pages are requested again.
    fn for_stops(&self, stops: u64) -> u64 {
        let each = match self.choice.subject {
            // The status of the job, and its page; all its calls where each page is a job.
            subject if subject.has_jobs_for_pages() => self.baseline.calls,
            Subject::Job(..) => 3 + self.choice.usage.prefetch as u64,
            _ => 2 + self.choice.usage.prefetch as u64,
        };
        stops * each
    }

    fn check_logins(&self) -> Result<(), String> {
        let Outcome { injected, logins, passed, stops, .. } = self.outcome;
        let failed: u64 = injected.logins.values().sum();
        // A token is renewed before it expires: a minute, or a tenth of its lifetime.
        let ended = passed / (self.choice.usage.token_lifetime.as_secs() / 2);
        let refused = injected.count(FaultKind::Unauthorized) + injected.unauthorized;
        // A stop may interrupt a login.
        let most = 2 + refused + failed + 2 * ended + stops;
        if *logins > most {
            return Err(format!("{logins} logins, where {most} are enough"));
        }
        Ok(())
    }

    /// Whether the injected faults explain this error.
    fn is_explained(&self, error: &Error) -> bool {
        let injected = &self.outcome.injected;
        injected.all().any(|(kind, _)| ends_in(kind, error))
            || injected.downloads.keys().any(|kind| kind.requires_retry())
                && error.kind() == ErrorKind::Download
                && error.status().is_some_and(|status| status >= 500)
            || injected.limited > 0 && error.is_rate_limited()
            || injected.unauthorized > 0 && error.kind() == ErrorKind::Authentication
            || self.outcome.passed >= JOB_LIFE
                && (error.kind() == ErrorKind::JobExpired || error.kind() == ErrorKind::StaleCheckpoint)
            || self.expected.is_broken && error.kind() == ErrorKind::Paging
            // The checkpoint remembers a submit whose response was lost.
            || error.is_outcome_unknown()
                && error.kind() == ErrorKind::StaleCheckpoint
                && self.outcome.errors.iter().any(|it| {
                    it.is_outcome_unknown() && it.kind() != ErrorKind::StaleCheckpoint
                })
            // A stalled body may take as long as a client waits for a job.
            || self.outcome.passed >= JOB_PATIENCE && error.kind() == ErrorKind::JobUnfinished
            || self.choice.subject.has_faults()
                && (error.is_transport() || error.kind() == ErrorKind::Server || error.is_rate_limited())
    }
}

/// Whether this is the documented error of a fault.
pub(crate) fn ends_in(kind: FaultKind, error: &Error) -> bool {
    match kind {
        FaultKind::RateLimited
        | FaultKind::RateLimitedWithoutDelay
        | FaultKind::RateLimitedUntil => error.is_rate_limited(),
        FaultKind::ResetBeforeResponse
        | FaultKind::CutInBody
        | FaultKind::ResetInBody
        | FaultKind::HugeHeaders
        | FaultKind::TruncatedGzip => error.is_transport() && !error.is_timeout(),
        FaultKind::StalledBody => error.is_timeout(),
        FaultKind::InternalError
        | FaultKind::DatabaseBusy
        | FaultKind::BadGateway
        | FaultKind::ServiceUnavailable
        | FaultKind::GatewayTimeout => error.kind() == ErrorKind::Server,
        FaultKind::MalformedJson | FaultKind::HtmlPage | FaultKind::DeepNesting => {
            error.kind() == ErrorKind::Decode
        }
        FaultKind::Unauthorized => error.kind() == ErrorKind::Authentication,
        FaultKind::PageTokenRefused | FaultKind::PageTokensExpired => {
            error.status() == Some(400) || error.kind() == ErrorKind::StaleCheckpoint
        }
        FaultKind::HugeBody | FaultKind::GzipBomb => error.kind() == ErrorKind::TooLarge,
        _ => false,
    }
}

fn compare(keys: &[String], expected: &Expectation) -> Result<(), String> {
    if keys == expected.records || expected.list.as_ref().is_some_and(|list| list.is_met_by(keys)) {
        return Ok(());
    }
    let expected = &expected.records;
    let differs = keys.iter().zip(expected).position(|(key, expected)| key != expected);
    let (items, expected) = (keys.len(), expected.len());
    let differs = differs.unwrap_or(items.min(expected));
    Err(format!("{items} items instead of {expected}; the first difference is at item {differs}"))
}
