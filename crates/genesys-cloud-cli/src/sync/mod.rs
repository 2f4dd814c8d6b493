//! `sync`: keeps a database equal to the org. A thin layer over `genesys-cloud-sync`.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use genesys_cloud_core::Client;
use genesys_cloud_sync::{Estimate, Plan, Replicator, RunReport, TableReport, Target, TargetError};
use serde_json::json;

use crate::arguments::{SyncCommand, SyncOptions};
use crate::commands;
use crate::failure::{Exit, Failure};
use crate::reporter::{Reporter, grouped};
use crate::session::Session;

/// The plan that `sync init` prints.
const STARTER: &str = include_str!("starter.toml");

/// Runs `sync`.
pub(crate) async fn run(options: SyncOptions, session: &Session) -> Result<Exit, Failure> {
    let file = match (&options.command, &options.file) {
        (Some(SyncCommand::Init), _) => return commands::print(STARTER.as_bytes()),
        (None, Some(file)) => file,
        (None, None) => return Err(Failure::usage("sync: name the file of the plan")),
    };
    let plan = read(file, &options.table)?;
    // An invalid target is refused before any call, too.
    let target = if options.is_dry_run { None } else { Some(target(&plan)?) };
    let connection = session.connect().await?;
    let reporter = Arc::clone(&session.reporter);
    let replicator = Replicator::new(connection.client.clone(), plan)
        .full(options.full)
        .allow_deletes(options.allow_deletes)
        .on_table_end(move |table| say(&reporter, table));
    let Some(target) = target else {
        let estimates = replicator.estimate().await;
        let estimates = estimates.map_err(|error| Failure::of_call(&error, None))?;
        return print(&estimates, &connection.client);
    };
    let report = replicator.run(&*target).await.map_err(|error| failed(&error))?;
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, &report).map_err(std::io::Error::from)?;
    writeln!(out)?;
    Ok(exit(&report))
}

fn read(file: &Path, tables: &[String]) -> Result<Plan, Failure> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file);
    let text = text.map_err(|error| {
        Failure::usage(format!("can't read {name}: {error}"))
            .advise("`genesys-cloud sync init > plan.toml` writes a plan to start from")
    })?;
    let plan = Plan::parse(&name, &text).map_err(|error| Failure::usage(error.to_string()))?;
    match tables {
        [] => Ok(plan),
        tables => plan.select(tables).map_err(|why| Failure::usage(format!("--table: {why}"))),
    }
}

/// Returns the target of the plan.
fn target(plan: &Plan) -> Result<Box<dyn Target>, Failure> {
    let Some(url) = plan.target() else {
        let text = format!("{} has no `target`", plan.name());
        return Err(Failure::usage(text).advise("add target = \"postgres://host/database\""));
    };
    #[cfg(feature = "postgres")]
    {
        let target = genesys_cloud_sync::Postgres::new(url, plan.schema());
        let target = target.map_err(|error| Failure::usage(format!("`target`: {error}")))?;
        Ok(Box::new(target))
    }
    #[cfg(not(feature = "postgres"))]
    {
        let _ = url;
        Err(Failure::usage("this build has no PostgreSQL; build it with the feature postgres"))
    }
}

fn failed(error: &TargetError) -> Failure {
    let exit = if error.is_taken() { Exit::OutputUnavailable } else { Exit::OutputRefused };
    Failure::new(exit, error.to_string())
}

/// Prints what a run did with a table.
fn say(reporter: &Reporter, report: &TableReport) {
    let TableReport { table, inserted, changed, deleted, unchanged, calls, verdict, .. } = report;
    let mut text = match &report.error {
        Some(error) => format!("{table}: not changed: {error}"),
        None => format!(
            "{table}: {} inserted, {} changed, {} deleted, {} unchanged; {} calls; {verdict}",
            grouped(*inserted),
            grouped(*changed),
            grouped(*deleted),
            grouped(*unchanged),
            grouped(*calls)
        ),
    };
    if report.rejected + report.without_key > 0 {
        text += &format!(
            "; {} records do not fit their columns, {} have no key",
            grouped(report.rejected),
            grouped(report.without_key)
        );
    }
    if let Some(why) = &report.deletes {
        text += &format!("; {why}");
    }
    reporter.say("table", &text, json!({ "table": table, "report": report }));
}

/// Prints how changes are found, and what a full run costs.
fn print(estimates: &[Estimate], client: &Client) -> Result<Exit, Failure> {
    let mut out = std::io::stdout().lock();
    let allowed = client.rate_limit().and_then(|limit| limit.allowed).filter(|it| *it > 0);
    for it in estimates {
        let at_least = if it.is_exact { "" } else { "at least " };
        writeln!(out, "{}", it.table)?;
        writeln!(out, "  changes   by {}: {}", it.method, it.reason)?;
        if let Some(records) = it.records {
            writeln!(out, "  records   {}", grouped(records))?;
        }
        let minutes = allowed.map(|allowed| it.calls.div_ceil(allowed));
        let time = minutes.map(|minutes| format!(", {at_least}{minutes} min by the rate limit"));
        let (calls, time) = (grouped(it.calls), time.unwrap_or_default());
        writeln!(out, "  full run  {at_least}{calls} calls{time}")?;
    }
    let calls = estimates.iter().map(|it| it.calls).sum::<u64>();
    writeln!(out, "all         at least {} calls", grouped(calls))?;
    Ok(Exit::Complete)
}

/// Returns the exit code of the worst table.
fn exit(report: &RunReport) -> Exit {
    let is = |start: &str| report.tables.iter().any(|table| table.verdict.starts_with(start));
    match () {
        () if report.is_complete() => Exit::Complete,
        () if report.has_errors() => Exit::Failed,
        () if is("truncated") => Exit::Truncated,
        () if is("drifted") => Exit::Drifted,
        // Deletes were withheld, or records were rejected.
        () => Exit::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_starter_plan_is_valid() {
        let plan = Plan::parse("plan.toml", STARTER).expect("a plan");
        assert_eq!(plan.tables().len(), 8);
        assert!(plan.target().is_some());
    }
}
