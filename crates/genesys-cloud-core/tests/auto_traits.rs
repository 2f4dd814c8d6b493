//! Futures and streams can move to another task, and shared data to another thread. Compiling is the test.

use bytes::Bytes;
use futures::Stream;
use genesys_cloud_core::{
    Availability, Batch, Batches, Call, Cap, Checkpoint, Checkpointed, Client, ClientBuilder,
    Completion, DecodeError, Download, End, Error, ErrorBody, ExtractedPage, FileStore, Interval,
    Job, JobOperation, JobSpec, JobState, JobStatus, ListSpec, Nested, NestedItem, NestedReport,
    NextToken, OnRefused, OnStale, Operation, OrgIdentity, Page, PageSize, Pages, Paginator,
    ParamLocation, Plan, RateLimit, RawItem, RawResponse, ReadOptions, Reason, Region, Report,
    Request, Response, SavedJob, Schedule, Scheme, Sending, SkippedParent, Statuses, Submitting,
    Verdict, Wait, Window, WindowPages, Windows, WindowsFrom, WindowsReport,
};
use serde_json::Value;

fn send<T: Send>(_: T) {}
const fn send_type<T: Send>() {}
const fn shared<T: Send + Sync>() {}
const fn stream<S: Stream + Send + Unpin>() {}
const fn future<F: Future + Send + Unpin>() {}

#[test]
fn streams_are_send() {
    stream::<Paginator<Value>>();
    stream::<Paginator<RawItem>>();
    stream::<Pages<Value>>();
    stream::<Batches<Value>>();
    stream::<Windows<Value>>();
    stream::<WindowPages<Value>>();
    stream::<Nested<Value, Value>>();
    stream::<Statuses<'_>>();
    stream::<Download>();
    send_type::<Checkpointed<Paginator<Value>>>();
    send_type::<Checkpointed<Windows<Value>>>();
    send_type::<Batch<'_, Paginator<Value>>>();
    future::<Sending<Value>>();
    future::<Submitting<Value>>();
}

#[test]
fn data_is_send_and_sync() {
    shared::<Client>();
    shared::<ClientBuilder>();
    shared::<Call<Value>>();
    shared::<Request>();
    shared::<RawResponse>();
    shared::<Response<Value>>();
    shared::<(Error, ErrorBody, DecodeError)>();
    shared::<(Operation, Region, RateLimit, OrgIdentity, Wait<'_>)>();
    shared::<(ListSpec, ParamLocation, NextToken, PageSize, Cap, Scheme)>();
    shared::<(Page<Value>, ExtractedPage<Value>, RawItem)>();
    shared::<(Report, Verdict, Reason, End, WindowsReport)>();
    shared::<(NestedReport, SkippedParent, OnRefused, NestedItem<Value, Value>)>();
    shared::<(ReadOptions, OnStale, Schedule)>();
    shared::<(JobSpec, JobOperation, JobState, JobStatus, Completion, Availability, SavedJob)>();
    shared::<Job<Value>>();
    shared::<(Interval, Plan, Window, WindowsFrom)>();
    shared::<(Checkpoint, FileStore)>();
}

/// Futures of `async` functions have no name, so they are created here. Nothing is polled.
#[expect(dead_code, clippy::too_many_arguments, reason = "compiled, but never called")]
async fn futures_are_send(
    client: &Client,
    request: &Request,
    call: Call<Value>,
    items: &mut Paginator<Value>,
    pages: &mut Pages<Value>,
    batches: &mut Batches<Value>,
    windows: &mut Windows<Value>,
    window_pages: &mut WindowPages<Value>,
    nested: &mut Nested<Value, Value>,
    (job, bytes): (&mut Job<Value>, &mut Job<Bytes>),
    download: &mut Download,
    (mut list, mut range): (Checkpointed<Paginator<Value>>, Checkpointed<Windows<Value>>),
    (batch, last): (Batch<'_, Paginator<Value>>, Batch<'_, Windows<Value>>),
) {
    send(client.execute(request));
    send(client.identify());
    send(call.send());
    send(items.try_next());
    send(pages.try_next());
    send(batches.try_next());
    send(windows.try_next());
    send(window_pages.try_next());
    send(nested.try_next());
    send(job.poll());
    send(job.wait());
    send(job.cancel());
    send(job.downloads());
    send(job.statuses().try_next());
    send(bytes.downloads());
    send(download.try_next());
    send(list.load());
    send(list.try_next());
    send(list.clear());
    send(range.load());
    send(range.try_next());
    send(range.clear());
    send(batch.commit());
    send(last.commit_with("note"));
}
