//! The time that an export reads, and how it is cut into pieces that the API takes.

use std::time::Duration;

use genesys_cloud_catalogue::Operation as Entry;
use genesys_cloud_core::{Interval, Paginator, Place, RawItem, Request, Windows};

use crate::capabilities;
use crate::failure::Failure;
use crate::settings::{RangeSettings, Unique};
use crate::tags::Way;
use crate::times::{days, span};

/// How many ids of records are saved, by which one that comes in two pieces is known after a kill. They are 800 kB.
const IDS_KEPT: usize = 50_000;

/// How long a piece is where neither the user nor the document says it.
const SPAN: Duration = Duration::from_hours(31 * 24);

/// A range of time, and how it is read.
pub(super) struct Range {
    pub(super) interval: Interval,
    /// Where an interval goes in a request.
    place: Place,
    /// How long a piece is.
    pub(super) span: Duration,
    overlap: Duration,
    /// How many windows are read at a time.
    concurrency: usize,
    /// The path of the id by which a record is known that comes in two pieces.
    pub(super) id: Option<String>,
}

impl Range {
    /// The range of the settings. What is left out is as it is known of the operation.
    pub(super) fn new(settings: &RangeSettings, entry: &Entry, way: &Way) -> Result<Self, Failure> {
        let known = capabilities::interval(way, entry);
        let known = known.map_err(|error| Failure::usage(error.to_string()))?;
        let known = known.ok_or_else(|| {
            Failure::usage(format!("--interval: {} takes no interval", entry.id)).advise(format!(
                "`genesys-cloud describe {}` lists what it takes; dates are given by --param",
                entry.id
            ))
        })?;
        let window = settings.window.or(known.span).unwrap_or(SPAN);
        let overlap = settings.overlap;
        if window.is_zero() {
            return Err(Failure::usage("--window: a piece of the interval can't be of no length"));
        }
        if let Some(most) = known.span.filter(|most| window > *most) {
            return Err(Failure::usage(format!(
                "--window {}: {} takes intervals of {} at most",
                span(window),
                entry.id,
                days(most)
            )));
        }
        if overlap >= window {
            return Err(Failure::usage(format!(
                "--overlap {} is not shorter than the pieces, which are of {}",
                span(overlap),
                span(window)
            ))
            .advise("--window sets how long they are"));
        }
        let id = match &settings.unique {
            Unique::Known => known.id,
            Unique::Field(field) => Some(field.clone()),
            Unique::Keep => None,
        };
        if !overlap.is_zero() && id.is_none() && settings.unique != Unique::Keep {
            return Err(Failure::usage(format!(
                "--overlap: records in two pieces would be written twice, and what tells the records of {} \
                 apart is not known",
                entry.id
            ))
            .advise("--unique FIELD names the field, such as id")
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
