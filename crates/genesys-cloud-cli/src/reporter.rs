//! Messages, events and progress on standard error.

use std::io::{IsTerminal as _, Write as _};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use console::{Term, measure_text_width, truncate_str};
use genesys_cloud_core::{Client, Wait, WaitReason, display};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};

use crate::events;
use crate::exit::Then;
use crate::failure::Failure;
use crate::times::clock;
use crate::tty::moves_cursor;

/// Interval between redraws of the line on a terminal.
const FRAME: Duration = Duration::from_millis(100);
/// Interval between progress lines without a terminal.
const LINE: Duration = Duration::from_secs(10);
/// Interval between progress events.
const EVENT: Duration = Duration::from_secs(1);
/// Time over which the rate is measured.
const SPAN: Duration = Duration::from_secs(30);
/// Minimum wait that is reported without a terminal.
const LONG: Duration = Duration::from_secs(2);

/// The format of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Terminal,
    Lines,
    Events,
    /// Only errors, as text or as events.
    Errors,
    ErrorEvents,
}

/// Prints progress, waits, results and errors.
pub(crate) struct Reporter {
    form: Form,
    client: OnceLock<Client>,
    state: Mutex<State>,
}

struct State {
    /// The line on the terminal, if drawn.
    bar: Option<ProgressBar>,
    drawn: Instant,
    /// Until when calls wait, and why.
    wait: Option<(Instant, WaitReason)>,
    /// Number of records at recent times.
    marks: Vec<(Instant, u64)>,
}

/// Progress of an export.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    /// The operationId.
    pub(crate) id: String,
    /// The name, such as `routing.queues`.
    pub(crate) operation: String,
    pub(crate) records: u64,
    pub(crate) total: Option<u64>,
    pub(crate) pages: u64,
    /// Number of windows done, and of all windows.
    pub(crate) windows: Option<(u64, u64)>,
    /// Number of parents whose lists are read.
    pub(crate) parents: Option<u64>,
}

impl Reporter {
    pub(crate) fn new(format: LogFormat, quiet: bool) -> Self {
        let form = match format {
            LogFormat::Json if quiet => Form::ErrorEvents,
            LogFormat::Text if quiet => Form::Errors,
            LogFormat::Json => Form::Events,
            LogFormat::Text if std::io::stderr().is_terminal() && moves_cursor() => Form::Terminal,
            LogFormat::Text => Form::Lines,
        };
        let state = State { bar: None, drawn: Instant::now(), wait: None, marks: Vec::new() };
        Self { form, client: OnceLock::new(), state: Mutex::new(state) }
    }

    /// Shows the rate limit of this client in the progress.
    pub(crate) fn watch(&self, client: &Client) {
        let _ = self.client.set(client.clone());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Prints a message, as text or as an event with this name.
    pub(crate) fn say(&self, event: &str, text: &str, facts: Value) {
        events::check(event, &facts);
        match self.form {
            Form::Errors | Form::ErrorEvents => {}
            Form::Events => self.emit(event, facts),
            Form::Terminal | Form::Lines => self.print(text),
        }
    }

    /// Prints an event that has no text form.
    pub(crate) fn event(&self, event: &str, facts: impl FnOnce() -> Value) {
        if self.form == Form::Events || cfg!(debug_assertions) {
            let facts = facts();
            events::check(event, &facts);
            if self.form == Form::Events {
                self.emit(event, facts);
            }
        }
    }

    fn emit(&self, event: &str, mut facts: Value) {
        events::check(event, &facts);
        facts["event"] = event.into();
        facts["time"] =
            chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true).into();
        self.print(&facts.to_string());
    }

    /// Prints an error.
    pub(crate) fn fail(&self, failure: &Failure) {
        if matches!(self.form, Form::Events | Form::ErrorEvents) {
            let facts = json!({
                "text": failure.to_string(),
                "advice": failure.advice(),
                "correlation_id": failure.correlation_id(),
                "exit": failure.exit().name(),
                "code": failure.exit() as u8,
                "retry": failure.exit().then() == Then::Retry,
            });
            self.emit("error", facts);
            return;
        }
        let mut text = format!("error: {failure}");
        for advice in failure.advice() {
            text += &format!("\n  {advice}");
        }
        self.print(&text);
    }

    /// Shows that a call waits.
    pub(crate) fn wait(&self, wait: &Wait<'_>) {
        let expected = wait.expected.unwrap_or_default();
        match self.form {
            Form::Errors | Form::ErrorEvents => {}
            Form::Terminal => self.lock().wait = Some((Instant::now() + expected, wait.reason)),
            Form::Lines if expected >= LONG => {
                self.print(&format!("{} {}", wait.operation, waiting(expected, wait.reason)));
            }
            Form::Lines => {}
            Form::Events => self.event("wait", || {
                json!({
                    "operation": wait.operation,
                    "reason": wait.reason.as_str(),
                    "expected_ms": wait.expected.map(|it| it.as_millis() as u64),
                })
            }),
        }
    }

    /// Shows progress if enough time has passed.
    pub(crate) fn progress(&self, progress: impl FnOnce() -> Progress) {
        let every = match self.form {
            Form::Errors | Form::ErrorEvents => return,
            Form::Terminal => FRAME,
            Form::Lines => LINE,
            Form::Events => EVENT,
        };
        let now = Instant::now();
        let mut state = self.lock();
        if now.duration_since(state.drawn) < every {
            return;
        }
        state.drawn = now;
        let progress = progress();
        state.marks.retain(|(time, _)| now.duration_since(*time) < SPAN);
        state.marks.push((now, progress.records));
        let rate = rate(&state.marks);
        state.wait = state.wait.filter(|(until, _)| *until > now);
        let wait = state.wait;
        drop(state);
        let limit = self.client.get().and_then(Client::rate_limit);
        if self.form == Form::Events {
            self.event("progress", || {
                json!({
                    "operation": progress.id,
                    "records": progress.records,
                    "total": progress.total,
                    "pages": progress.pages,
                    "windows_done": progress.windows.map(|(done, _)| done),
                    "windows": progress.windows.map(|(_, all)| all),
                    "parents_done": progress.parents,
                    "records_per_second": rate.map(f64::round),
                    "calls_left": limit.map(|it| it.left),
                    "calls_allowed": limit.and_then(|it| it.allowed),
                })
            });
            return;
        }
        // Each part has a rank. If the line is too long, the highest ranks are dropped first.
        let mut parts = vec![(1, progress.operation.clone()), (0, records(&progress))];
        if let Some((done, all)) = progress.windows {
            parts.push((3, format!("{done} of {all} windows")));
        }
        if let Some(parents) = progress.parents {
            parts.push((3, format!("{} parents", grouped(parents))));
        }
        parts.push((6, format!("{} pages", grouped(progress.pages))));
        if let Some(rate) = rate {
            parts.push((4, format!("{}/s", grouped(rate as u64))));
        }
        if let Some(limit) = limit {
            let allowed =
                limit.allowed.map(|it| format!(" of {}", grouped(it))).unwrap_or_default();
            parts.push((5, format!("{}{allowed} calls left", grouped(limit.left))));
        }
        match (wait, rate, progress.total) {
            (Some((until, why)), ..) => parts.push((2, waiting(until.duration_since(now), why))),
            (None, Some(rate), Some(total)) if rate > 0.0 => {
                let left = total.saturating_sub(progress.records) as f64 / rate;
                parts.push((2, format!("{} left", clock(Duration::from_secs(left as u64)))));
            }
            _ => {}
        }
        match self.form {
            Form::Terminal => {
                // Some terminals wrap when the last column is filled.
                let columns = usize::from(Term::stderr().size().1).saturating_sub(1);
                let text = fitted(parts, columns);
                self.lock().bar.get_or_insert_with(bar).set_message(text);
            }
            _ => self.print(&fitted(parts, usize::MAX)),
        }
    }

    fn print(&self, text: &str) {
        if let Some(bar) = self.lock().bar.take() {
            bar.finish_and_clear();
        }
        // Text from a server must not control the terminal. In JSON, the escaped text is equivalent.
        let text = display::lines(text);
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }
}

/// Creates the line on the terminal.
fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    match ProgressStyle::with_template("{msg}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// Joins the parts that fit into this number of columns, dropping the highest ranks first.
fn fitted(mut parts: Vec<(u8, String)>, columns: usize) -> String {
    loop {
        let texts: Vec<&str> = parts.iter().map(|(_, text)| &**text).collect();
        let text = texts.join(", ");
        if measure_text_width(&text) <= columns {
            return text;
        }
        let last = parts.iter().enumerate().max_by_key(|(_, (rank, _))| *rank);
        match last.map(|(at, _)| at) {
            Some(at) if parts.len() > 1 => drop(parts.remove(at)),
            _ => return truncate_str(&text, columns, "").into_owned(),
        }
    }
}

fn waiting(time: Duration, why: WaitReason) -> String {
    format!("waiting {} s: {why}", time.as_secs_f64().ceil())
}

fn records(progress: &Progress) -> String {
    match progress.total {
        Some(total) => format!("{} of {} records", grouped(progress.records), grouped(total)),
        None => format!("{} records", grouped(progress.records)),
    }
}

/// Returns the rate in records per second.
fn rate(marks: &[(Instant, u64)]) -> Option<f64> {
    let ((begin, before), (end, after)) = (marks.first()?, marks.last()?);
    let seconds = end.duration_since(*begin).as_secs_f64();
    (seconds > 0.0).then(|| after.saturating_sub(*before) as f64 / seconds)
}

/// Formats a number with thousands separators.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fits_the_line_to_the_terminal() {
        let parts = || {
            [
                (1, "routing.queues"),
                (0, "7,000 of 12,500 records"),
                (6, "70 pages"),
                (2, "0:01 left"),
            ]
            .map(|(rank, text)| (rank, text.to_owned()))
            .to_vec()
        };
        let whole = "routing.queues, 7,000 of 12,500 records, 70 pages, 0:01 left";
        for (columns, text) in [
            (usize::MAX, whole),
            (whole.len(), whole),
            (whole.len() - 1, "routing.queues, 7,000 of 12,500 records, 0:01 left"),
            (40, "routing.queues, 7,000 of 12,500 records"),
            (30, "7,000 of 12,500 records"),
            (10, "7,000 of 1"),
            (0, ""),
        ] {
            assert_eq!(fitted(parts(), columns), text, "{columns}");
        }
        // Characters that are two columns wide.
        assert_eq!(fitted(vec![(0, "\u{4e2d}\u{6587}".to_owned())], 3), "\u{4e2d}");
    }

    #[test]
    fn groups_thousands() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn the_rate_is_the_average_over_recent_seconds() {
        let begin = Instant::now();
        assert_eq!(rate(&[]), None);
        assert_eq!(rate(&[(begin, 5)]), None);
        let later = begin + Duration::from_secs(4);
        assert_eq!(rate(&[(begin, 100), (later, 300)]), Some(50.0));
    }
}
