//! A list as a stream of record batches.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use arrow_array::RecordBatch;
use futures::TryStream;
use futures::stream::{FusedStream, Stream};
use genesys_cloud_core::{List, OnBadValue, RawItem, Reason, Verdict};
use serde_json::value::RawValue;

use crate::decoder::Decoder;
use crate::error::Error;
use crate::reject::{Changes, Rejected, Rejection};
use crate::schema::{RecordSchema, SchemaError};

/// The default number of rows of a batch.
const ROWS: usize = 8192;

/// The default memory of a batch, in bytes.
const BYTES: usize = 64 << 20;

/// An item of a list that has its JSON text.
pub trait JsonItem {
    /// Returns the JSON text. `None` if it is not JSON.
    fn json(&self) -> Option<&RawValue>;
}

impl JsonItem for RawItem {
    fn json(&self) -> Option<&RawValue> {
        self.json().ok()
    }
}

impl JsonItem for Box<RawValue> {
    fn json(&self) -> Option<&RawValue> {
        Some(self)
    }
}

type OnRejected = Box<dyn FnMut(&Rejected<'_>) + Send>;

/// The records of a list as a stream of [`RecordBatch`]es: of a [`Paginator`], [`Windows`] or another [`List`] whose
/// items have their JSON text. A typed list becomes one with `items_as::<Box<RawValue>>()`.
///
/// Memory holds one page of the list and one batch.
///
/// # Errors
/// The rows read before an error come as a batch before the error, so that none are lost. After an error of the list,
/// the next poll continues like that of the list. A bad value ([`OnBadValue::Fail`]) is returned again.
///
/// [`Paginator`]: genesys_cloud_core::Paginator
/// [`Windows`]: genesys_cloud_core::Windows
///
/// ```no_run
/// # async fn example(client: genesys_cloud_core::Client) -> Result<(), Box<dyn std::error::Error>> {
/// use futures::TryStreamExt as _;
/// use genesys_cloud_arrow::{ArrowReader, RecordSchema};
/// use genesys_cloud_catalogue::Catalogue;
/// use genesys_cloud_core::{Paginator, Request, specs};
///
/// let catalogue = Catalogue::embedded();
/// let entry = catalogue.operation("routing.queues").expect("an operation of the API");
/// let specs::OperationKind::List(spec) = specs::kind(catalogue, entry)? else { panic!("a list") };
/// let queues = Paginator::raw(&client, Request::new(specs::operation(entry)?), *spec);
///
/// let schema = RecordSchema::of(catalogue, entry)?;
/// let mut batches = ArrowReader::new(queues, schema).project(["id", "division.name"])?;
/// while let Some(batch) = batches.try_next().await? {
///     println!("{} queues", batch.num_rows());
/// }
/// println!("{}", batches.report().verdict);
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is read until batches are asked for"]
pub struct ArrowReader<L: TryStream> {
    list: L,
    decoder: Decoder,
    rows: usize,
    bytes: usize,
    /// An item that is not decoded yet.
    item: Option<L::Ok>,
    /// An error that follows the batch before it.
    error: Option<Error>,
    is_done: bool,
    report: ArrowReport,
    on_rejected: Option<OnRejected>,
}

/// What was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ArrowReport {
    /// Whether the batches are the whole list. Records that were skipped do not count: see [`skipped`](Self::skipped).
    pub verdict: Verdict,
    /// The number of rows in the batches.
    pub rows: u64,
    /// The number of records that were skipped.
    pub skipped: u64,
    /// The number of records with null instead of a bad value.
    pub with_nulls: u64,
    /// How many values were changed to fit.
    pub changes: Changes,
}

impl<L> ArrowReader<L>
where
    L: List + TryStream<Ok: JsonItem> + Unpin,
{
    /// Creates a reader of a list.
    pub fn new(list: L, schema: RecordSchema) -> Self {
        let report = ArrowReport {
            verdict: Verdict::Unknown(Reason::Unfinished),
            rows: 0,
            skipped: 0,
            with_nulls: 0,
            changes: Changes::default(),
        };
        Self {
            list,
            decoder: Decoder::new(schema),
            rows: ROWS,
            bytes: BYTES,
            item: None,
            error: None,
            is_done: false,
            report,
            on_rejected: None,
        }
    }

    /// Sets the number of rows of a batch, at least 1. The default is 8,192.
    pub fn batch_rows(mut self, rows: usize) -> Self {
        self.rows = rows.max(1);
        self
    }

    /// Sets the approximate memory of a batch, in bytes, from which it is returned with fewer rows. The default is
    /// 64 MiB. A batch has at least one row.
    pub fn batch_bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    /// Selects fields by path, such as `division.name`. Set it before the first batch. See [`RecordSchema::project`].
    ///
    /// # Errors
    /// If a field is unknown or repeated, or a path enters a value without fields.
    pub fn project<S: AsRef<str>>(
        mut self,
        paths: impl IntoIterator<Item = S>,
    ) -> Result<Self, SchemaError> {
        let schema = self.decoder.schema().project(paths)?;
        self.decoder = Decoder::new(schema).on_bad_value(self.decoder.policy());
        Ok(self)
    }

    /// Sets what happens to values that do not fit their column. The default is to fail.
    pub fn on_bad_value(mut self, on_bad_value: OnBadValue) -> Self {
        self.decoder = self.decoder.on_bad_value(on_bad_value);
        self
    }

    /// Calls a function with each record that is skipped or has nulls instead of bad values, in the order of the list.
    pub fn on_rejected(mut self, function: impl FnMut(&Rejected<'_>) + Send + 'static) -> Self {
        self.on_rejected = Some(Box::new(function));
        self
    }

    /// Returns the schema of the batches.
    pub fn schema(&self) -> &RecordSchema {
        self.decoder.schema()
    }

    /// Returns the list. After a batch its position is the end of the batch, as for a checkpoint.
    pub fn list(&self) -> &L {
        &self.list
    }

    /// Returns what was read so far. Before the end the verdict is unknown.
    pub fn report(&self) -> ArrowReport {
        let unfinished = Verdict::Unknown(Reason::Unfinished);
        let verdict = if self.is_done { self.list.verdict() } else { unfinished };
        ArrowReport { verdict, changes: self.decoder.changes(), ..self.report }
    }

    /// Returns the rows as a batch.
    fn batch(&mut self) -> Result<RecordBatch, Error> {
        let batch = self.decoder.finish()?;
        self.report.rows += batch.num_rows() as u64;
        Ok(batch)
    }

    /// Decodes an item, and keeps it if it can't be.
    fn decode(&mut self, item: L::Ok) -> Result<(), Error> {
        let record = item.json().unwrap_or(RawValue::NULL);
        let index = self.decoder.records();
        match self.decoder.push(record) {
            Ok(None) => Ok(()),
            Ok(Some(Rejection { faults, is_skipped })) => {
                match is_skipped {
                    true => self.report.skipped += 1,
                    false => self.report.with_nulls += 1,
                }
                if let Some(on_rejected) = &mut self.on_rejected {
                    on_rejected(&Rejected { index, record, faults: &faults, is_skipped });
                }
                Ok(())
            }
            Err(error) => {
                self.item = Some(item);
                Err(error)
            }
        }
    }
}

impl<L> Stream for ArrowReader<L>
where
    L: List + TryStream<Ok: JsonItem> + Unpin,
{
    type Item = Result<RecordBatch, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if let Some(error) = this.error.take() {
            return Poll::Ready(Some(Err(error)));
        }
        if this.is_done {
            return Poll::Ready(None);
        }
        loop {
            let decoder = &this.decoder;
            if decoder.rows() >= this.rows || decoder.rows() > 0 && decoder.size() >= this.bytes {
                return Poll::Ready(Some(this.batch()));
            }
            let item = match this.item.take() {
                Some(item) => Ok(item),
                None => match ready!(Pin::new(&mut this.list).try_poll_next(cx)) {
                    Some(item) => item.map_err(Error::list),
                    None => {
                        this.is_done = true;
                        return Poll::Ready((this.decoder.rows() > 0).then(|| this.batch()));
                    }
                },
            };
            if let Err(error) = item.and_then(|item| this.decode(item)) {
                if this.decoder.rows() == 0 {
                    return Poll::Ready(Some(Err(error)));
                }
                let batch = this.batch();
                this.error = Some(error);
                return Poll::Ready(Some(batch));
            }
        }
    }
}

impl<L> FusedStream for ArrowReader<L>
where
    L: List + TryStream<Ok: JsonItem> + Unpin,
{
    fn is_terminated(&self) -> bool {
        self.is_done && self.error.is_none()
    }
}

/// No field is pinned.
impl<L: TryStream> Unpin for ArrowReader<L> {}

impl<L: TryStream> fmt::Debug for ArrowReader<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArrowReader").field("report", &self.report).finish_non_exhaustive()
    }
}
