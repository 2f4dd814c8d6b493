//! Whether a run came to what it had to.

use std::collections::HashSet;

use genesys_cloud_core::{Error, ErrorKind, Verdict};
use genesys_cloud_mock::FaultKind;

use crate::choice::{Choice, Subject, Trouble};
use crate::lie;
use crate::run::{Came, Due, JOB_LIFE, calm, troubled};
use crate::start;
use crate::tally::Tally;

/// So long a job is waited for, in seconds.
const JOB_PATIENCE: u64 = 3_600;

/// Does a run, and tells what is wrong.
pub(crate) async fn check(choice: &Choice<'_>, tally: &mut Tally) -> Result<(), String> {
    if let (Subject::Lie(liar, lie), Trouble::Lie(plan)) = (choice.subject, &choice.trouble) {
        return lie::check(choice, (liar, lie), plan, tally).await;
    }
    if let Subject::Start(list, name) = choice.subject {
        return start::check(choice, list, name).await;
    }
    let (calm, due) = calm(choice).await.map_err(|why| format!("without faults: {why}"))?;
    check_calm(choice, &calm, &due).map_err(|why| format!("without faults: {why}"))?;
    let came = troubled(choice, &due).await?;
    tally.add(&came);
    let verdict = Check { choice, calm: &calm, came: &came, due: &due }.all(tally);
    verdict.map_err(|why| {
        let errors: Vec<String> = came.errors.iter().map(ToString::to_string).collect();
        let Came { injected, stops, restarts, .. } = &came;
        format!(
            "{why}\n    injected: {injected}; {stops} stops, {restarts} restarts\n    errors: {}",
            errors.join("\n        ")
        )
    })
}

fn check_calm(choice: &Choice<'_>, calm: &Came, due: &Due) -> Result<(), String> {
    compare(&calm.keys, due)?;
    match calm.errors.first() {
        Some(error) if !due.is_broken && !choice.subject.has_faults() => Err(error.to_string()),
        _ => Ok(()),
    }
}

struct Check<'a> {
    choice: &'a Choice<'a>,
    calm: &'a Came,
    came: &'a Came,
    due: &'a Due,
}

impl Check<'_> {
    fn all(&self, tally: &mut Tally) -> Result<(), String> {
        let came = self.came;
        if let Some(error) = came.errors.iter().find(|error| !self.is_explained(error)) {
            return Err(format!("no fault ends in this error: {error:?}"));
        }
        let moves = [FaultKind::RecordInserted, FaultKind::RecordDeleted];
        match self.choice.trouble {
            Trouble::Moving(_) if moves.iter().any(|kind| came.injected.count(*kind) > 0) => {
                self.check_moved(tally)
            }
            Trouble::Storm(_) | Trouble::Moving(_) => {
                self.check_whole()?;
                self.check_calls(tally)?;
                self.check_logins()
            }
            Trouble::Endless(..) | Trouble::Lie(_) => self.check_whole(),
        }
    }

    /// Nothing is lost, doubled, or told otherwise.
    fn check_whole(&self) -> Result<(), String> {
        let (calm, came) = (self.calm, self.came);
        compare(&came.keys, self.due)?;
        self.check_count()?;
        let (verdict, due) = (came.report.verdict(), calm.report.verdict());
        if verdict != due {
            return Err(format!("the verdict is {verdict}, and without faults {due}"));
        }
        Ok(())
    }

    fn check_count(&self) -> Result<(), String> {
        let Came { report, keys, .. } = self.came;
        if report.items != keys.len() as u64 {
            return Err(format!(
                "the report counts {} items, and {} came",
                report.items,
                keys.len()
            ));
        }
        Ok(())
    }

    /// Where records come and go, some may be missed or come twice, but never without a word.
    fn check_moved(&self, tally: &mut Tally) -> Result<(), String> {
        self.check_count()?;
        let Came { report, keys, left, .. } = self.came;
        let came: HashSet<&String> = keys.iter().collect();
        let doubled = (keys.len() - came.len()) as u64;
        // What was there all the time.
        let left: HashSet<&String> = left.iter().collect();
        let stayed = self.due.records.iter().filter(|key| left.contains(key));
        let missed = stayed.filter(|key| !came.contains(key)).count() as u64;
        tally.moved(missed, doubled);
        if self.choice.way.dedupes && self.came.has_ids && doubled > 0 {
            return Err(format!("{doubled} items came twice that were to be left out"));
        }
        let verdict = report.verdict();
        // Where nothing is counted, what is gone leaves no trace.
        let is_counted = report.first_total.is_some();
        let is_told = matches!(verdict, Verdict::Drifted(_));
        if (missed + doubled > 0 && is_counted || doubled > 0) && !is_told {
            let what = format!("{missed} items were missed, and {doubled} came twice");
            return Err(format!("{what}: the verdict is {verdict}"));
        }
        Ok(())
    }

    /// No more requests are sent than the faults call for, but for one in twenty.
    fn check_calls(&self, tally: &mut Tally) -> Result<(), String> {
        if self.due.is_broken && self.choice.way.prefetch > 0 {
            // What is asked for beyond a broken page is dropped.
            return Ok(());
        }
        let Came { injected, calls, stops, restarts, .. } = self.came;
        // Where each page is a job, an error has that submitted, and waited for, again.
        let again = match self.choice.subject.has_jobs_for_pages() {
            true => self.calm.calls.div_ceil(self.calm.report.pages.max(1)),
            false => 0,
        };
        // A download that was given up begins with asking for its URL.
        let again = again + u64::from(!injected.downloads.is_empty());
        let due = injected.repeated_calls() + again * self.came.errors.len() as u64;
        let extra = calls.saturating_sub(self.calm.calls);
        if *stops == 0 {
            tally.calls(*calls, extra, due);
        }
        // Pages of another size are others, and more.
        if !self.choice.way.resizes
            && extra > due + due / 20 + self.for_stops(*stops) + restarts * self.calm.calls
        {
            let calm = self.calm.calls;
            return Err(format!(
                "{calls} requests, and {calm} without faults, of which {due} fail"
            ));
        }
        Ok(())
    }

    /// How many calls such stops may cost: what was asked for ahead or is at hand is asked for again.
    fn for_stops(&self, stops: u64) -> u64 {
        let each = match self.choice.subject {
            // How the job stands, and its page. Where each page is one, all that it takes.
            subject if subject.has_jobs_for_pages() => self.calm.calls,
            Subject::Job(..) => 3 + self.choice.way.prefetch as u64,
            _ => 2 + self.choice.way.prefetch as u64,
        };
        stops * each
    }

    fn check_logins(&self) -> Result<(), String> {
        let Came { injected, logins, passed, stops, .. } = self.came;
        let failed: u64 = injected.logins.values().sum();
        // A token is renewed a minute or a tenth of its life before its end.
        let ended = passed / (self.choice.way.token_lifetime.as_secs() / 2);
        let refused = injected.count(FaultKind::Unauthorized) + injected.unauthorized;
        // A stop may end a login that is under way.
        let most = 2 + refused + failed + 2 * ended + stops;
        if *logins > most {
            return Err(format!("{logins} logins, where {most} do"));
        }
        Ok(())
    }

    /// Whether what went wrong has to end in this error.
    fn is_explained(&self, error: &Error) -> bool {
        let injected = &self.came.injected;
        injected.all().any(|(kind, _)| ends_in(kind, error))
            || injected.downloads.keys().any(|kind| kind.calls_for_repetition())
                && error.kind() == ErrorKind::Download
                && error.status().is_some_and(|status| status >= 500)
            || injected.limited > 0 && error.is_rate_limited()
            || injected.unauthorized > 0 && error.kind() == ErrorKind::Authentication
            || self.came.passed >= JOB_LIFE
                && (error.kind() == ErrorKind::JobExpired || error.kind() == ErrorKind::StaleCheckpoint)
            || self.due.is_broken && error.kind() == ErrorKind::Paging
            // A submit whose reply was lost is remembered across a stop.
            || error.is_outcome_unknown()
                && error.kind() == ErrorKind::StaleCheckpoint
                && self.came.errors.iter().any(|it| {
                    it.is_outcome_unknown() && it.kind() != ErrorKind::StaleCheckpoint
                })
            // A body that stalls takes as much time as a job is waited for.
            || self.came.passed >= JOB_PATIENCE && error.kind() == ErrorKind::JobUnfinished
            || self.choice.subject.has_faults()
                && (error.is_transport() || error.kind() == ErrorKind::Server || error.is_rate_limited())
    }
}

/// Whether this is the documented error of a fault.
fn ends_in(kind: FaultKind, error: &Error) -> bool {
    match kind {
        FaultKind::RateLimited
        | FaultKind::RateLimitedWithoutDelay
        | FaultKind::RateLimitedUntil => error.is_rate_limited(),
        FaultKind::ResetBeforeReply
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

fn compare(came: &[String], due: &Due) -> Result<(), String> {
    if came == due.records || due.truth.as_ref().is_some_and(|truth| truth.is_met_by(came)) {
        return Ok(());
    }
    let due = &due.records;
    let differs = came.iter().zip(due).position(|(came, due)| came != due);
    let (came, due) = (came.len(), due.len());
    let differs = differs.unwrap_or(came.min(due));
    Err(format!("{came} items came where {due} are due, and differ from item {differs} on"))
}
