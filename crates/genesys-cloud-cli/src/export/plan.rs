//! What an export would do, what that takes and how long.

use std::io::Write as _;
use std::time::Duration;

use genesys_cloud_core::{Client, Paginator, RateLimit, Results};

use super::Job;
use super::read::{Raw, Reader};
use crate::failure::{Failure, permissions};
use crate::find;
use crate::screen::grouped;
use crate::tags::Way;
use crate::times::clock;

/// Prints it. Of a list, its first page is read, to learn how many there are; of jobs and ranges nothing is.
pub(super) async fn tell(client: &Client, job: &Job<'_>) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let operation = job.request.operation();
    writeln!(out, "operation  {}, {operation}", find::rust_name(job.entry))?;
    if let Some(needed) = permissions(job.entry) {
        writeln!(out, "takes      {needed}")?;
    }
    let pages = match (&job.way, &job.range) {
        (_, Some((range, _))) => {
            let reader = Reader::new(client, job, None);
            let pieces = reader.pieces().map_err(|error| Failure::usage(error.to_string()))?;
            let pieces = pieces.unwrap_or_default();
            writeln!(out, "range      {range}, in {pieces} pieces")?;
            let calls = if matches!(job.way, Way::Job(_)) { 3 } else { 1 };
            writeln!(out, "requests   {} at least", grouped((pieces * calls) as u64))?;
            None
        }
        (Way::Job(family), None) => {
            let found = match family.results() {
                Results::List(call, listing) => {
                    format!("pages of {} ({})", call.operation(), listing.scheme().name())
                }
                Results::Status(_) => "pages of its status".to_owned(),
                _ => "its status, or files that it names".to_owned(),
            };
            writeln!(
                out,
                "scheme     a job of the family {}: submit, wait, then {found}",
                family.name()
            )?;
            if let Some(note) = family.note() {
                writeln!(out, "note       {note}")?;
            }
            writeln!(out, "requests   not known before the job is done")?;
            None
        }
        (Way::List(listing), None) => {
            writeln!(out, "scheme     {}", listing.scheme().name())?;
            let list =
                Paginator::<Raw>::over(client, job.request.clone(), listing.as_ref().clone());
            let list = match job.export.page_size {
                Some(size) => list.page_size(size),
                None => list,
            };
            let mut pages = list.pages();
            let first = pages.try_next().await;
            let first = first.map_err(|error| Failure::of_call(&error, Some(job.entry)))?;
            let Some(first) = first else { return Ok(()) };
            let size = first.page_size().unwrap_or(first.items().len() as u64).max(1);
            let total = match (first.total(), job.export.limit) {
                (Some(total), Some(limit)) => Some(total.min(limit)),
                (total, limit) => total.or(limit),
            };
            let count = total.map(|total| total.div_ceil(size).max(1)).or(first.page_count());
            match (total, count) {
                (Some(total), Some(count)) => {
                    writeln!(out, "records    {}", grouped(total))?;
                    writeln!(out, "pages      {} of {}", grouped(count), grouped(size))?;
                }
                _ => writeln!(
                    out,
                    "records    the API does not tell; the first page has {}",
                    first.items().len()
                )?,
            }
            count
        }
        (Way::Single | Way::Accepted, None) => None,
    };
    if let Some(budget) = client.rate_limit() {
        let allowed = budget.allowed.map(|it| format!(" of {}", grouped(it))).unwrap_or_default();
        writeln!(
            out,
            "budget     {}{allowed} calls left, {} s to the next window",
            grouped(budget.left),
            budget.resets_in.as_secs()
        )?;
        if let Some(pages) = pages {
            writeln!(out, "requests   {}", grouped(pages))?;
            let least = at_least(pages, budget);
            match least.as_secs() {
                0 => writeln!(out, "time       within this window: the budget does not delay it")?,
                _ => writeln!(out, "time       {} at least, by the budget", clock(least))?,
            }
        }
    }
    Ok(())
}

/// How long the rate limit makes so many calls take.
fn at_least(calls: u64, budget: RateLimit) -> Duration {
    let later = calls.saturating_sub(budget.left);
    let windows = match budget.allowed {
        _ if later == 0 => return Duration::ZERO,
        Some(allowed) => later / allowed.max(1),
        None => 0,
    };
    budget.resets_in + Duration::from_mins(1) * u32::try_from(windows).unwrap_or(u32::MAX)
}
