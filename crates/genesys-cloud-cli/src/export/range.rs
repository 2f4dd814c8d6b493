//! The time range of an export, and its windows.

use std::time::Duration;

use chrono::Utc;
use genesys_cloud_catalogue::Operation as Entry;
use genesys_cloud_core::specs::OperationKind;
use genesys_cloud_core::{Interval, Paginator, ParamLocation, RawItem, Request, Windows};
use serde::{Deserialize, Serialize};

use crate::capabilities;
use crate::failure::Failure;
use crate::settings::{RangeSettings, Unique};
use crate::times::{days, span};

/// Number of record IDs to save, for dropping duplicates across windows after a kill. They take 800 kB.
const IDS_KEPT: usize = 50_000;

/// Default length of a window if the API document has no maximum.
const SPAN: Duration = Duration::from_hours(31 * 24);

/// The interval of a range that is relative to the time of the run. A later run resumes with the same interval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RelativeInterval {
    /// The range on the command line, such as `yesterday`.
    range: String,
    zone: String,
    interval: String,
}

/// A time range, and how to read it.
#[derive(Clone)]
pub(super) struct Range {
    pub(super) interval: Interval,
    /// The interval as of now, if the range is relative.
    relative: Option<RelativeInterval>,
    /// Where a request has the interval.
    place: ParamLocation,
    /// Length of a window.
    pub(super) span: Duration,
    overlap: Duration,
    /// Number of windows to read concurrently.
    concurrency: usize,
    /// Path of the ID for dropping duplicates across windows.
    pub(super) id: Option<String>,
}

impl Range {
    /// Creates the range, with defaults of the operation.
    pub(super) fn new(
        settings: &RangeSettings,
        entry: &Entry,
        kind: &OperationKind,
    ) -> Result<Self, Failure> {
        let known = capabilities::interval(kind, entry);
        let known = known.map_err(|error| Failure::usage(error.to_string()))?;
        let known = known.ok_or_else(|| {
            Failure::usage(format!("--interval: {} takes no interval", entry.id)).advise(format!(
                "`genesys-cloud describe {}` shows its parameters; set dates with --param",
                entry.id
            ))
        })?;
        let window = settings.window.or(known.span).unwrap_or(SPAN);
        let overlap = settings.overlap;
        if window.is_zero() {
            return Err(Failure::usage("--window must be longer than 0s"));
        }
        if let Some(most) = known.span.filter(|most| window > *most) {
            return Err(Failure::usage(format!(
                "--window {}: {} takes intervals of at most {}",
                span(window),
                entry.id,
                days(most)
            )));
        }
        if overlap >= window {
            return Err(Failure::usage(format!(
                "--overlap {} must be shorter than a window, {}",
                span(overlap),
                span(window)
            ))
            .advise("set a longer window with --window"));
        }
        let id = match &settings.unique {
            Unique::Known => known.id,
            Unique::Field(field) => Some(field.clone()),
            Unique::Keep => None,
        };
        if !overlap.is_zero() && id.is_none() && settings.unique != Unique::Keep {
            return Err(Failure::usage(format!(
                "--overlap: records in two windows would be written twice, because the ID field of {} is not known",
                entry.id
            ))
            .advise("set the ID field with --unique, such as --unique id")
            .advise("or write them twice with --keep-duplicates"));
        }
        let (range, zone) = (&settings.interval, settings.zone);
        let interval = range.interval(Utc::now(), zone);
        let interval =
            interval.map_err(|why| Failure::usage(format!("--interval {range}: {why}")))?;
        let relative = range.is_relative().then(|| RelativeInterval {
            range: range.to_string(),
            zone: zone.to_string(),
            interval: interval.to_string(),
        });
        let (place, concurrency) = (known.place, settings.concurrency);
        Ok(Self { interval, relative, place, span: window, overlap, concurrency, id })
    }

    /// Returns the interval of a relative range.
    pub(super) fn relative(&self) -> Option<RelativeInterval> {
        let relative = self.relative.clone()?;
        Some(RelativeInterval { interval: self.interval.to_string(), ..relative })
    }

    /// Uses the interval of an interrupted run if it had the same relative range.
    pub(super) fn resume(&mut self, saved: &RelativeInterval) {
        let is_same = self
            .relative
            .as_ref()
            .is_some_and(|it| (&it.range, &it.zone) == (&saved.range, &saved.zone));
        if let (true, Ok(interval)) = (is_same, saved.interval.parse()) {
            self.interval = interval;
        }
    }

    /// Uses the interval as of now, after [`resume`](Self::resume).
    pub(super) fn start_over(&mut self) {
        let relative = self.relative.as_ref();
        if let Some(interval) = relative.and_then(|it| it.interval.parse().ok()) {
            self.interval = interval;
        }
    }

    /// Reads only this interval, one window at a time.
    pub(super) fn narrow(&mut self, interval: Interval) {
        (self.interval, self.relative, self.concurrency) = (interval, None, 1);
    }

    /// Returns how many windows to read concurrently.
    pub(super) fn concurrency(&self) -> usize {
        self.concurrency
    }

    /// Describes the interval of a relative range.
    pub(super) fn note(&self) -> Option<String> {
        let RelativeInterval { range, zone, interval } = self.relative.as_ref()?;
        let is = self.interval.to_string();
        Some(match is == *interval {
            true => format!("--interval {range} is {is} ({zone})"),
            false => format!("--interval {range} is {is} ({zone}), as in the interrupted run"),
        })
    }

    /// Returns the name of the parameter or body field for the interval.
    pub(super) fn name(&self) -> &str {
        self.place.name()
    }

    /// Returns whether the interval is a field of the body.
    pub(super) fn is_in_body(&self) -> bool {
        self.place.is_in_body()
    }

    /// Creates the stream of records, from a list for each window.
    pub(super) fn windows(
        &self,
        request: Request,
        list: impl Fn(Request) -> Paginator<RawItem> + Send + 'static,
    ) -> Windows<RawItem> {
        let place = self.place.clone();
        let windows = Windows::new(self.interval, move |window: Interval| {
            let mut request = request.clone();
            match place.is_in_body() {
                true => request.set_body_field(&format!("/{}", place.name()), window.to_string()),
                false => request.set_query(place.name().to_owned(), window.to_string()),
            };
            list(request)
        })
        .span(self.span)
        .overlap(self.overlap)
        .concurrency(self.concurrency)
        .remember_in_checkpoint(IDS_KEPT);
        match &self.id {
            Some(id) => windows.dedupe_by(id.clone()),
            None => windows,
        }
    }
}
