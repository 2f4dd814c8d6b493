//! `--plan`: what an export would do, with an estimate of calls and time.

use std::io::Write;
use std::time::Duration;

use genesys_cloud_core::specs::{self, OperationKind};
use genesys_cloud_core::{Client, ErrorKind, JobSpec, ListSpec, RateLimit, Request, Results};

use super::added_fields::AddedFields;
use super::binding::Origin;
use super::range::Range;
use super::reader::Reader;
use super::source::{Parents, Source, Tree};
use crate::failure::{Failure, permissions};
use crate::reporter::grouped;
use crate::resolve;
use crate::times::span;

/// Calls of a job in addition to the pages of its results: submit and one poll.
const CALLS_OF_A_JOB: u64 = 2;

/// The number of calls of an export, as far as known in advance.
enum Calls {
    Exactly(u64),
    AtLeast(u64),
    /// One call per this number of records.
    Each(u64),
}

/// Prints the estimate. Reads the first page of a list for the number of records; does not submit jobs.
pub(super) async fn print(client: &Client, source: &Source) -> Result<(), Failure> {
    // Printed at the end, so that a failed call does not leave part of an estimate.
    let mut out: Vec<u8> = Vec::new();
    let operation = source.request.operation();
    writeln!(out, "operation   {}, {operation}", resolve::rust_name(source.entry))?;
    if let Some(needed) = permissions(source.entry) {
        writeln!(out, "requires    {needed}")?;
    }
    scheme(&mut out, source)?;
    let calls = match &source.tree {
        Some(tree) => of_tree(&mut out, client, source, tree).await?,
        None => of_source(&mut out, client, source, "records").await?.0,
    };
    match calls {
        Calls::Exactly(calls) => writeln!(out, "calls       {}", grouped(calls))?,
        Calls::AtLeast(calls) => writeln!(out, "calls       at least {}", grouped(calls))?,
        Calls::Each(records) => {
            writeln!(out, "calls       1 per {} records", grouped(records))?;
        }
    }
    let has_jobs = source.lists().any(|it| matches!(it.kind, OperationKind::Job(_)));
    match rate_limit(client).await? {
        Some(limit) => time(&mut out, &calls, limit, has_jobs)?,
        None => writeln!(out, "rate limit  not reported by the API")?,
    }
    std::io::stdout().write_all(&out)?;
    Ok(())
}

/// Estimates the calls of a list, a range or a job, and returns its number of records, if known.
async fn of_source(
    out: &mut dyn Write,
    client: &Client,
    source: &Source,
    noun: &str,
) -> Result<(Calls, Option<u64>), Failure> {
    match (&source.kind, &source.range) {
        (_, Some(range)) => Ok((of_range(out, client, source, range)?, None)),
        (OperationKind::List(_), None) => of_list(out, client, source, noun).await,
        (OperationKind::Job(family), None) if family.is_job_per_page() => {
            writeln!(out, "pages       not known in advance: each page is a separate job")?;
            Ok((Calls::AtLeast(CALLS_OF_A_JOB + 1), None))
        }
        _ => {
            writeln!(out, "pages       not known before the job is done")?;
            Ok((Calls::AtLeast(CALLS_OF_A_JOB + 1), None))
        }
    }
}

/// Estimates the calls of the parents, and of the list of each: at least one.
async fn of_tree(
    out: &mut dyn Write,
    client: &Client,
    source: &Source,
    tree: &Tree,
) -> Result<Calls, Failure> {
    let parents = match &tree.parents {
        Parents::List(parents) => parents,
        Parents::File(rows) => {
            let count = rows.rows.len() as u64;
            writeln!(out, "for each    {}, {}", rows.name, bound(tree))?;
            writeln!(out, "parents     {}", grouped(count))?;
            return Ok(Calls::AtLeast(count * least(source)));
        }
    };
    let name = resolve::rust_name(parents.entry);
    writeln!(out, "for each    {name}, {}, {}", parents.request.operation(), bound(tree))?;
    if let Some(needed) = permissions(parents.entry) {
        writeln!(out, "requires    {needed}")?;
    }
    if let Some(outer) = &parents.tree {
        let calls = Box::pin(of_tree(out, client, parents, outer)).await?;
        writeln!(out, "lists       at least one call per record of {name}, which are not counted")?;
        return Ok(calls);
    }
    let (calls, count) = of_source(out, client, parents, "parents").await?;
    let known = match calls {
        Calls::Exactly(calls) | Calls::AtLeast(calls) => calls,
        Calls::Each(_) => 1,
    };
    match count {
        Some(count) => Ok(Calls::AtLeast(known + count * least(source))),
        None => {
            writeln!(out, "lists       at least one call per parent, whose number is not known")?;
            Ok(Calls::AtLeast(known))
        }
    }
}

/// Returns the least number of calls for each parent.
fn least(source: &Source) -> u64 {
    if matches!(source.kind, OperationKind::Job(_)) { CALLS_OF_A_JOB + 1 } else { 1 }
}

/// Describes the parameters that parents set.
fn bound(tree: &Tree) -> String {
    let bindings = tree.bindings.iter().map(|binding| match &binding.origin {
        Origin::Field(_, path) => format!("{} = {path}", binding.parameter),
        Origin::Column(_) => binding.parameter.clone(),
        Origin::Value(value) => format!("{} = {}", binding.parameter, value.json),
    });
    format!("sets {}", bindings.collect::<Vec<_>>().join(", "))
}

/// Writes how the records are read.
fn scheme(out: &mut dyn Write, source: &Source) -> Result<(), Failure> {
    let listing = match &source.kind {
        OperationKind::List(listing) => {
            writeln!(out, "scheme      {}", listing.scheme().name())?;
            Some(listing.as_ref())
        }
        OperationKind::Job(family) => of_job(out, family)?,
        OperationKind::Single | OperationKind::Accepted => None,
    };
    if let Some(cap) = listing.and_then(ListSpec::cap) {
        writeln!(out, "cap         the API returns no more than {cap}")?;
    }
    Ok(())
}

fn of_job<'a>(out: &mut dyn Write, family: &'a JobSpec) -> Result<Option<&'a ListSpec>, Failure> {
    let (found, listing) = match family.results() {
        Results::List(call, listing) => {
            let found = format!("pages of {} ({})", call.operation(), listing.scheme().name());
            (found, Some(listing))
        }
        Results::Status(listing) => ("pages of its status".to_owned(), Some(listing)),
        _ => ("its status, or files that it names".to_owned(), None),
    };
    writeln!(out, "scheme      a job of the family {}: submit, wait, then {found}", family.name())?;
    if let Some(note) = family.note() {
        writeln!(out, "note        {note}")?;
    }
    Ok(listing)
}

async fn of_list(
    out: &mut dyn Write,
    client: &Client,
    source: &Source,
    noun: &str,
) -> Result<(Calls, Option<u64>), Failure> {
    let Some(list) = Reader::new(client, source, AddedFields::default(), None).into_list() else {
        return Ok((Calls::AtLeast(1), None));
    };
    let mut pages = list.prefetch(0).pages();
    let first = pages.try_next().await;
    let first = first.map_err(|error| Failure::of_call(&error, Some(source.entry)))?;
    let Some(first) = first else {
        writeln!(out, "{noun:<12}0")?;
        return Ok((Calls::Exactly(1), Some(0)));
    };
    let here = first.items().len() as u64;
    if pages.report().end.is_some() {
        writeln!(out, "{noun:<12}{}", grouped(here))?;
        writeln!(out, "pages       1")?;
        return Ok((Calls::Exactly(1), Some(here)));
    }
    let asked = pages.report().page_size_requested;
    let size = first.page_size().or(asked).unwrap_or(here).max(1);
    let limit = source.reading.limit;
    let total = first.total().map(|total| limit.map_or(total, |limit| total.min(limit)));
    match total {
        Some(total) => {
            let count = total.div_ceil(size).max(1);
            writeln!(out, "{noun:<12}{}", grouped(total))?;
            writeln!(out, "pages       {} of {}", grouped(count), grouped(size))?;
            Ok((Calls::Exactly(count), Some(total)))
        }
        None => {
            let most = limit.map(|limit| limit.div_ceil(size).max(1));
            match (limit, most) {
                (Some(limit), Some(most)) => {
                    writeln!(out, "{noun:<12}at most {}", grouped(limit))?;
                    writeln!(out, "pages       {} of {}", grouped(most), grouped(size))?;
                    Ok((Calls::AtLeast(most), None))
                }
                _ => {
                    let here = grouped(here);
                    writeln!(out, "{noun:<12}not reported by the API; the first page has {here}")?;
                    writeln!(out, "pages       of at most {}", grouped(size))?;
                    Ok((Calls::Each(size), None))
                }
            }
        }
    }
}

fn of_range(
    out: &mut dyn Write,
    client: &Client,
    source: &Source,
    range: &Range,
) -> Result<Calls, Failure> {
    let reader = Reader::new(client, source, AddedFields::default(), None);
    let windows = reader.window_count().map_err(|error| Failure::usage(error.to_string()))?;
    let windows = windows.unwrap_or_default() as u64;
    let noun = if windows == 1 { "window" } else { "windows" };
    writeln!(
        out,
        "range       {}, in {} {noun} of {}",
        range.interval,
        grouped(windows),
        span(range.span)
    )?;
    if let Some(id) = &range.id {
        writeln!(out, "unique      by {id}: a record in two windows is written once")?;
    }
    writeln!(
        out,
        "pages       at least {}; the number per window is not known in advance",
        grouped(windows)
    )?;
    let calls = if matches!(source.kind, OperationKind::Job(_)) { CALLS_OF_A_JOB + 1 } else { 1 };
    Ok(Calls::AtLeast(windows * calls))
}

/// Returns the rate limit. If no call has reported it, makes one that needs no permission.
async fn rate_limit(client: &Client) -> Result<Option<RateLimit>, Failure> {
    if client.rate_limit().is_none() {
        let entry = resolve::operation("getTokensMe")?;
        let operation = specs::operation(entry);
        let operation = operation.map_err(|error| Failure::usage(error.to_string()))?;
        match client.execute(&Request::new(operation)).await {
            // A refused call reports the rate limit too.
            Err(error)
                if matches!(error.kind(), ErrorKind::Authentication | ErrorKind::Config)
                    || error.is_transport() =>
            {
                return Err(Failure::of_call(&error, Some(entry)));
            }
            _ => {}
        }
    }
    Ok(client.rate_limit())
}

fn time(out: &mut dyn Write, calls: &Calls, limit: RateLimit, is_job: bool) -> Result<(), Failure> {
    let allowed = limit.allowed.map(|it| format!(" of {}", grouped(it))).unwrap_or_default();
    writeln!(
        out,
        "rate limit  {}{allowed} calls left, resets in {} s",
        grouped(limit.left),
        limit.resets_in.as_secs()
    )?;
    let waits = if is_job { "; the run time of a job is not known in advance" } else { "" };
    let (Calls::Exactly(calls) | Calls::AtLeast(calls)) = calls else {
        if let (Calls::Each(size), Some(allowed)) = (calls, limit.allowed) {
            let records = grouped(size.saturating_mul(allowed));
            writeln!(out, "time        1 min per {records} records, by the rate limit")?;
        }
        return Ok(());
    };
    let least = at_least(*calls, limit);
    match least.is_zero() {
        true => writeln!(out, "time        no wait for the rate limit{waits}")?,
        false => {
            writeln!(out, "time        at least {}, by the rate limit{waits}", minutes(least))?
        }
    }
    Ok(())
}

/// Returns how long these calls take at least, by the rate limit.
fn at_least(calls: u64, limit: RateLimit) -> Duration {
    let later = calls.saturating_sub(limit.left);
    let windows = match limit.allowed {
        _ if later == 0 => return Duration::ZERO,
        // Calls in the next window need no further one.
        Some(allowed) => (later - 1) / allowed.max(1),
        None => 0,
    };
    limit.resets_in + Duration::from_mins(1) * u32::try_from(windows).unwrap_or(u32::MAX)
}

/// Formats a duration in minutes, rounded up.
fn minutes(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{} s", seconds.max(1)),
        seconds => {
            let minutes = seconds.div_ceil(60);
            match minutes {
                0..120 => format!("{minutes} min"),
                _ => format!("{} h {} min", minutes / 60, minutes % 60),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_minutes() {
        for (seconds, text) in
            [(0, "1 s"), (59, "59 s"), (60, "1 min"), (61, "2 min"), (7_200, "2 h 0 min")]
        {
            assert_eq!(minutes(Duration::from_secs(seconds)), text);
        }
    }
}
