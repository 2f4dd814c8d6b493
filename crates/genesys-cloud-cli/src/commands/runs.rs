//! The command `runs`: lists the runs that wrote to an output.

use std::collections::BTreeSet;
use std::io::Write as _;

use genesys_cloud_sinks::LoggedRun;
use serde_json::{Value, json};

use crate::export::run_log;
use crate::failure::{Exit, Failure};
use crate::locations::Destination;
use crate::reporter::grouped;
use crate::session::Session;
use crate::terminal;

/// Shown for what a report does not say.
const NOTHING: &str = "-";

/// Lists the last runs, the latest first, as a table or as one JSON object per line.
pub(crate) async fn runs(
    out: Destination,
    table: Option<&str>,
    (count, is_json): (usize, bool),
    session: &Session,
) -> Result<Exit, Failure> {
    let shown = out.to_string();
    let runs = run_log::open(out, table)?.last(count).await?;
    if runs.is_empty() {
        let text = format!("no runs of an export to {shown}");
        session.reporter.say("runs", &text, json!({ "runs": 0 }));
    }
    let runs: Vec<(String, Value)> = runs.into_iter().map(parsed).collect();
    match is_json {
        true => print_json(runs)?,
        false => print_table(&runs)?,
    }
    Ok(Exit::Complete)
}

/// Parses the report of a run. Null if it is not readable.
fn parsed(run: LoggedRun) -> (String, Value) {
    let report = run.report.and_then(|text| serde_json::from_str(&text).ok());
    (run.id, report.filter(Value::is_object).unwrap_or_default())
}

fn print_json(runs: Vec<(String, Value)>) -> Result<(), Failure> {
    let mut out = terminal::data();
    for (id, mut report) in runs {
        report["id"] = id.into();
        writeln!(out, "{report}")?;
    }
    Ok(())
}

fn print_table(runs: &[(String, Value)]) -> Result<(), Failure> {
    if runs.is_empty() {
        return Ok(());
    }
    let text = |report: &Value, name: &str| report[name].as_str().unwrap_or(NOTHING).to_owned();
    let outs: BTreeSet<&str> = runs.iter().filter_map(|(_, it)| it["out"].as_str()).collect();
    let mut rows = vec![
        ["started", "took", "ended", "records", "rows", "operation", "run", "out"]
            .map(str::to_owned),
    ];
    for (id, report) in runs {
        let exit = match (report.is_null(), report["exit"].as_str()) {
            (true, _) => "unreadable",
            (_, Some(exit)) => exit,
            // It was killed, or is still running.
            (_, None) => "unfinished",
        };
        let started = report["started"].as_str().unwrap_or(id);
        rows.push([
            started.to_owned(),
            report["took_ms"].as_u64().map_or(NOTHING.to_owned(), seconds),
            exit.to_owned(),
            report["records"].as_u64().map_or(NOTHING.to_owned(), grouped),
            counts(&report["rows"]),
            text(report, "name"),
            text(report, "run"),
            text(report, "out"),
        ]);
    }
    // Only the runs of a database may have written to different outputs.
    let columns = if outs.len() > 1 { 8 } else { 7 };
    let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = terminal::text();
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}

fn seconds(milliseconds: u64) -> String {
    format!("{}.{} s", milliseconds / 1_000, milliseconds % 1_000 / 100)
}

/// Returns the counts of rows in a table.
fn counts(rows: &Value) -> String {
    let counts = ["added", "updated", "unchanged"].iter().filter_map(|what| {
        let count = rows[what].as_u64().filter(|count| *count > 0)?;
        Some(format!("{} {what}", grouped(count)))
    });
    match counts.collect::<Vec<_>>() {
        counts if counts.is_empty() => NOTHING.to_owned(),
        counts => counts.join(", "),
    }
}
