//! What a full run would cost.

use genesys_cloud_core::specs::OperationKind;
use genesys_cloud_core::{Client, Error, Request};

use crate::method::Method;
use crate::plan::Table;
use crate::range;
use crate::reader;

/// Calls of a job in addition to the pages of its results: submit and one poll.
const CALLS_OF_A_JOB: u64 = 2;

/// An estimate for one table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Estimate {
    /// The name of the table.
    pub table: String,
    /// How changes are found.
    pub method: Method,
    /// Why they are found in this way.
    pub reason: String,
    /// The least number of calls of a run that reads everything.
    pub calls: u64,
    /// Whether that is the exact number.
    pub is_exact: bool,
    /// The number of records, if the API counts them.
    pub records: Option<u64>,
}

impl Estimate {
    /// Estimates a full run of a table. Reads the first page of a list, and submits no job.
    pub(crate) async fn of(
        client: &Client,
        table: &Table,
        now: chrono::DateTime<chrono::Utc>,
    ) -> Result<Self, Error> {
        let is_job = matches!(table.kind, OperationKind::Job(_));
        let calls_of_one = if is_job { CALLS_OF_A_JOB + 1 } else { 1 };
        let (calls, is_exact, records) = match (&table.range, &table.parents) {
            (Some(range), _) => {
                let chunks = range::chunks(range.since, None, range.lookback, now);
                let span = range.span.unwrap_or(reader::SPAN).as_secs().max(1);
                let windows = chunks.iter().map(|chunk| chunk.length().as_secs().div_ceil(span));
                (windows.sum::<u64>() * calls_of_one, false, None)
            }
            (None, Some(parents)) => {
                let (calls, is_exact, count) =
                    first_page(client, &parents.kind, parents.request.clone()).await?;
                let lists = count.filter(|_| is_exact).unwrap_or(0);
                (calls + lists * calls_of_one, false, None)
            }
            (None, None) if is_job => (calls_of_one, false, None),
            (None, None) => first_page(client, &table.kind, table.request.clone()).await?,
        };
        Ok(Self {
            table: table.name().to_owned(),
            method: table.method(),
            reason: table.reason(),
            calls,
            is_exact,
            records,
        })
    }
}

/// Reads the first page of a list. Returns the number of pages, whether it is exact, and the number of records.
async fn first_page(
    client: &Client,
    kind: &OperationKind,
    request: Request,
) -> Result<(u64, bool, Option<u64>), Error> {
    let list = reader::make(client, kind)(request).with_options(&reader::options());
    let mut pages = list.max_pages(1).pages();
    pages.try_next().await?;
    let report = pages.report();
    let size = report.page_size_granted.or(report.page_size_requested);
    Ok(match (report.last_total, size) {
        (Some(total), Some(size)) => (total.div_ceil(size.max(1)).max(1), true, Some(total)),
        (total, _) => (1, total == Some(report.items), total),
    })
}
