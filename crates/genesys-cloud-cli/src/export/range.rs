//! The range of time that an export reads, and how it is cut into windows that the API takes.

use std::time::Duration;

use genesys_cloud_catalogue::Operation as Entry;
use genesys_cloud_core::specs::OperationKind;
use genesys_cloud_core::{Interval, Paginator, ParamLocation, RawItem, Request, Windows};

use crate::capabilities;
use crate::failure::Failure;
use crate::settings::{RangeSettings, Unique};
use crate::times::{days, span};

/// How many IDs of records are saved, to recognize duplicates across windows after a kill. They take 800 kB.
const IDS_KEPT: usize = 50_000;

/// The length of a window where neither the user nor the document gives one.
const SPAN: Duration = Duration::from_hours(31 * 24);

/// A range of time, and how it is read.
pub(super) struct Range {
    pub(super) interval: Interval,
    /// Where an interval goes in a request.
    place: ParamLocation,
    /// The length of a window.
    pub(super) span: Duration,
    overlap: Duration,
    /// How many windows are read at a time.
    concurrency: usize,
    /// The path of the ID that is used to drop duplicates across windows.
    pub(super) id: Option<String>,
}

impl Range {
    /// The range of the settings. What is left out is as it is known of the operation.
    pub(super) fn new(
        settings: &RangeSettings,
        entry: &Entry,
        kind: &OperationKind,
    ) -> Result<Self, Failure> {
        let known = capabilities::interval(kind, entry);
        let known = known.map_err(|error| Failure::usage(error.to_string()))?;
        let known = known.ok_or_else(|| {
            Failure::usage(format!("--interval: {} takes no interval", entry.id)).advise(format!(
                "`genesys-cloud describe {}` lists its parameters; set dates with --param",
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
            .advise("--window sets the length of a window"));
        }
        let id = match &settings.unique {
            Unique::Known => known.id,
            Unique::Field(field) => Some(field.clone()),
            Unique::Keep => None,
        };
        if !overlap.is_zero() && id.is_none() && settings.unique != Unique::Keep {
            return Err(Failure::usage(format!(
                "--overlap: records in two windows would be written twice, since the ID field of the records of {} \
                 is not known",
                entry.id
            ))
            .advise("--unique FIELD sets the ID field, such as id")
            .advise("--keep-duplicates writes them twice"));
        }
        let (interval, concurrency) = (settings.interval, settings.concurrency);
        Ok(Self { interval, place: known.place, span: window, overlap, concurrency, id })
    }

    /// The parameter, or the field of the body, that the interval is set in.
    pub(super) fn name(&self) -> &str {
        self.place.name()
    }

    /// Whether that is a field of the body.
    pub(super) fn is_in_body(&self) -> bool {
        self.place.is_in_body()
    }

    /// What it holds, by the list of each piece.
    pub(super) fn windows(
        &self,
        request: Request,
        list: impl Fn(Request) -> Paginator<RawItem> + Send + 'static,
    ) -> Windows<RawItem> {
        let place = self.place.clone();
        let windows = Windows::new(self.interval, move |piece: Interval| {
            let mut request = request.clone();
            match place.is_in_body() {
                true => request.set_body_field(&format!("/{}", place.name()), piece.to_string()),
                false => request.set_query(place.name().to_owned(), piece.to_string()),
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
