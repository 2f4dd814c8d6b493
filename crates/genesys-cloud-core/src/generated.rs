//! Functions that the macros of generated code expand to. Not part of the public API.

use std::time::Duration;

use crate::call::Call;
use crate::client::Client;
use crate::error::Error;
use crate::interval::Interval;
use crate::jobs::{Job, JobSource, JobSpec, Submitting};
use crate::operation::Operation;
use crate::paging::{ListSpec, Paginator, ParamLocation, ReadPage, read_bytes, read_wire};
use crate::param::{IntoOption, Param};
use crate::saved_job::SavedJob;
use crate::windows::Windows;
use crate::wire::{Wire, Written};

pub use crate::wire::{
    AsText, EnumForm, Form, Generated, ReadFields, RecordForm, ShowFields, VariantsForm,
    convert_text, debug_record, empty_variant, read_variant, records_equal, write_variant,
};
#[cfg(feature = "schemars")]
pub use crate::wire::{
    FieldSchema, VariantSchema, open_enum_schema, record_schema, variants_schema,
};
pub use bytes::Bytes;
#[cfg(feature = "schemars")]
pub use schemars;
pub use serde;
pub use serde_json::Result as JsonResult;

/// Creates a call with nothing set.
pub fn call<T>(client: &Client, operation: Operation) -> Call<T> {
    Call::new(client, operation)
}

/// Arguments and setters of generated code, one call each because the compiler checks some 7,000 of them.
#[doc(hidden)]
impl<T> Call<T> {
    pub fn with_path<P: Param>(mut self, name: &'static str, value: impl Into<P>) -> Self {
        self.request_mut().set_path(name, value.into());
        self
    }

    pub fn with_query<P: Param>(mut self, name: &'static str, value: impl Into<P>) -> Self {
        self.request_mut().set_query(name, value.into());
        self
    }

    pub fn with_optional_query<P: Param>(
        mut self,
        name: &'static str,
        value: impl IntoOption<P>,
    ) -> Self {
        self.request_mut().set_query_each(name, value.into_option());
        self
    }

    pub fn with_each<P: Param>(
        mut self,
        name: &'static str,
        values: impl IntoIterator<Item = impl Into<P>>,
    ) -> Self {
        self.request_mut().set_query_each(name, values.into_iter().map(Into::into));
        self
    }

    pub fn with_joined<P: Param>(
        mut self,
        name: &'static str,
        separator: char,
        values: impl IntoIterator<Item = impl Into<P>>,
    ) -> Self {
        let values = values.into_iter().map(Into::into);
        self.request_mut().set_query_joined(name, separator, values);
        self
    }

    pub fn with_header<P: Param>(mut self, name: &'static str, value: impl Into<P>) -> Self {
        self.request_mut().set_header(name, value.into());
        self
    }

    pub fn with_optional_header<P: Param>(
        mut self,
        name: &'static str,
        value: impl IntoOption<P>,
    ) -> Self {
        match value.into_option() {
            Some(value) => self.request_mut().set_header(name, value),
            None => self.request_mut().remove_header(name),
        };
        self
    }

    pub fn with_body<B: Wire>(mut self, body: B) -> Self {
        self.request_mut().set_body(&Written(&body));
        self
    }

    pub fn with_optional_body<B: Wire>(mut self, body: impl Into<Option<B>>) -> Self {
        match body.into() {
            Some(body) => self.request_mut().set_body(&Written(&body)),
            None => self.request_mut().remove_body(),
        };
        self
    }
}

/// Returns the items of a list operation.
pub fn paginate<T: Wire, O>(call: Call<O>, listing: ListSpec) -> Paginator<T> {
    Paginator::from_call(call, listing)
}

/// Reads a time range with a list operation that takes an interval.
pub fn windows<T: Wire + 'static, O>(
    call: Call<O>,
    listing: ListSpec,
    interval: ParamLocation,
    facts: IntervalFacts,
    range: Interval,
) -> Windows<T> {
    let (client, request) = call.into_parts();
    let make = move |window: Interval| {
        let mut request = request.clone();
        interval.write(&mut request, &window.to_string());
        Paginator::reading(client.clone(), request, listing.clone(), read_wire)
    };
    Windows::with_defaults(range, Box::new(make), facts.span(), facts.id)
}

/// Reads a time range with jobs.
pub fn job_windows<T: Wire + 'static, O>(
    call: Call<O>,
    family: JobSpec,
    interval: ParamLocation,
    facts: IntervalFacts,
    range: Interval,
) -> Windows<T> {
    windows_of_jobs(call, family, interval, facts, range, read_wire)
}

/// Reads a time range with jobs whose results are files, as bytes.
pub fn job_windows_for_bytes<O>(
    call: Call<O>,
    family: JobSpec,
    interval: ParamLocation,
    facts: IntervalFacts,
    range: Interval,
) -> Windows<Bytes> {
    windows_of_jobs(call, family, interval, facts, range, read_bytes)
}

fn windows_of_jobs<T: 'static, O>(
    call: Call<O>,
    family: JobSpec,
    interval: ParamLocation,
    facts: IntervalFacts,
    range: Interval,
    read: ReadPage<T>,
) -> Windows<T> {
    let (client, request) = call.into_parts();
    let make = move |window: Interval| {
        let mut request = request.clone();
        interval.write(&mut request, &window.to_string());
        Paginator::of_job(JobSource::new(client.clone(), request, family.clone()), read)
    };
    Windows::with_defaults(range, Box::new(make), facts.span(), facts.id)
}

/// Properties of the intervals of an operation.
#[derive(Clone, Copy, Debug)]
pub struct IntervalFacts {
    /// The longest interval, in days.
    pub days: Option<u64>,
    /// The path of the items' id, if it is the same in every interval.
    pub id: Option<&'static str>,
}

impl IntervalFacts {
    fn span(self) -> Option<Duration> {
        self.days.map(|days| Duration::from_hours(24 * days))
    }
}

/// Submits a job.
pub fn submit<T: Wire, O>(call: Call<O>, family: JobSpec) -> Submitting<T> {
    let (client, request) = call.into_parts();
    Submitting::new(client, request, family, read_wire)
}

/// Submits a job and returns its results.
pub fn results<T: Wire, O>(call: Call<O>, family: JobSpec) -> Paginator<T> {
    let (client, request) = call.into_parts();
    Paginator::of_job(JobSource::new(client, request, family), read_wire)
}

/// Restores a saved job that this operation submitted.
pub fn load<T: Wire>(
    client: &Client,
    operation: Operation,
    family: JobSpec,
    saved: SavedJob,
) -> Result<Job<T>, Error> {
    Job::load_wire(client, operation, family, saved)
}

/// Like [`submit`], [`results`] and [`load`], for jobs whose results are files, as bytes.
pub fn submit_for_bytes<O>(call: Call<O>, family: JobSpec) -> Submitting<Bytes> {
    let (client, request) = call.into_parts();
    Submitting::new(client, request, family, read_bytes)
}

pub fn bytes<O>(call: Call<O>, family: JobSpec) -> Paginator<Bytes> {
    let (client, request) = call.into_parts();
    Paginator::of_job(JobSource::new(client, request, family), read_bytes)
}

pub fn load_for_bytes(
    client: &Client,
    operation: Operation,
    family: JobSpec,
    saved: SavedJob,
) -> Result<Job<Bytes>, Error> {
    Job::load_bytes(client, operation, family, saved)
}
