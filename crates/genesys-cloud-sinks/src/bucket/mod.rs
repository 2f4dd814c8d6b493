//! An object in a bucket, which appears once it is complete.

mod deletion;
mod folder;
mod object;
mod run_log;
mod store;
mod upload;

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use object_store::multipart::PartId;
use object_store::{Error as ObjectError, ObjectStoreExt as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

pub use self::folder::BucketFolder;
pub use self::object::BucketUrl;
use self::object::{Object, is_missing};
pub use self::store::BucketStore;
pub(crate) use self::upload::{BucketFiles, BucketUpload};
use super::body::Body;
use super::format::Format;
use super::{OnBadValue, Rejected, Sink, SinkError, SinkFuture, Watch};
use crate::columns::Columns;
use crate::run_log::RunLog;
use crate::saved::{from_saved, to_saved};
use crate::work_folder;

/// Default size of a part, in MiB.
pub const PART_SIZE: u64 = 8;

/// Maximum number of parts of an upload to Amazon S3 and Google Cloud Storage.
const MOST_PARTS: usize = 10_000;

/// Maximum initial capacity of the buffer of a part, in bytes.
const ROOM: usize = 32 << 20;

/// Maximum time between commits, even if no part is full.
const AT_LEAST_EVERY: Duration = Duration::from_secs(30);

/// Writes records to an object in a bucket.
///
/// It is uploaded in parts of equal size, and appears once it is complete; until then, an existing object stays. A
/// commit returns the upload, its parts, and the bytes that do not fill a part yet.
pub struct BucketSink {
    object: Object,
    body: Body,
    part_size: usize,
    upload: Option<Upload>,
    /// Bytes that do not fill a part yet.
    rest: Vec<u8>,
    /// Total number of bytes.
    length: u64,
    committed: Instant,
    /// What was written since the last commit.
    since: Since,
    /// Whether there is a commit to resume from.
    is_kept: bool,
    is_whole: bool,
    notes: Vec<String>,
}

/// An unfinished upload.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Upload {
    id: String,
    /// Size of each part, in bytes.
    part_size: u64,
    parts: Vec<String>,
    /// Version of the object before the upload, to distinguish it from the uploaded one.
    before: Option<String>,
}

#[derive(Clone, Copy, PartialEq)]
enum Since {
    Nothing,
    Bytes,
    Part,
}

/// The state of a commit.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Committed {
    upload: Upload,
    /// Bytes that do not fill a part yet, in base64.
    rest: String,
    length: u64,
    /// Length of the complete object.
    whole: u64,
    form: Value,
}

impl Committed {
    /// Decodes the bytes that do not fill a part yet. Fails if the sizes do not match.
    fn rest(&self) -> Result<Vec<u8>, SinkError> {
        let Upload { part_size, parts, .. } = &self.upload;
        let rest = BASE64.decode(&self.rest).ok();
        let fits = |rest: &Vec<u8>| {
            let uploaded = part_size.checked_mul(parts.len() as u64);
            let length = uploaded.and_then(|it| it.checked_add(rest.len() as u64));
            (rest.len() as u64) < *part_size
                && length == Some(self.length)
                && self.length <= self.whole
        };
        rest.filter(fits).ok_or_else(|| {
            SinkError::mismatch(
                "the saved state of the upload is inconsistent; start over with --restart",
            )
        })
    }
}

impl BucketSink {
    /// Creates a sink for an object, without a call.
    ///
    /// Settings and credentials are in the environment: `AWS_*`, `GOOGLE_*` or `AZURE_*`, as in the crate
    /// `object_store`.
    ///
    /// # Errors
    /// If the environment lacks the settings to reach the bucket.
    pub fn new(url: &BucketUrl, format: Format) -> Result<Self, SinkError> {
        Ok(Self {
            object: url.open()?,
            body: Body::new(format),
            part_size: (PART_SIZE as usize) << 20,
            upload: None,
            rest: Vec::new(),
            length: 0,
            committed: Instant::now(),
            since: Since::Nothing,
            is_kept: false,
            is_whole: false,
            notes: Vec::new(),
        })
    }

    /// Sets the part size in MiB: 8 by default, from 5 to 5,120, the bounds of Amazon S3. An upload has at most 10,000
    /// parts. A resumed upload keeps its part size.
    #[must_use]
    pub fn part_size(mut self, mib: u64) -> Self {
        self.part_size =
            usize::try_from(mib.clamp(5, 5 << 10)).unwrap_or(5).saturating_mul(1 << 20);
        self
    }

    async fn start(&mut self, columns: &Columns, state: Option<&Value>) -> Result<(), SinkError> {
        let Some(state) = state else {
            let before = self.existing().await?.map(|(version, _)| version);
            let id = self.object.wait(self.object.store.create_multipart(&self.object.path)).await;
            let id = id.map_err(|error| self.object.cant("write", &error))?;
            let part_size = self.part_size as u64;
            self.upload = Some(Upload { id, part_size, parts: Vec::new(), before });
            let head = self.body.begin(columns)?;
            return self.take(&head).await;
        };
        let state: Committed = from_saved(state)?;
        self.rest = state.rest()?;
        self.part_size = usize::try_from(state.upload.part_size).unwrap_or(usize::MAX);
        self.body.resume(columns, &state.form)?;
        self.length = state.length;
        self.upload = Some(state.upload);
        self.is_kept = true;
        Ok(())
    }

    /// Returns the version and the length of the existing object, if any.
    async fn existing(&self) -> Result<Option<(String, u64)>, SinkError> {
        match self.object.wait(self.object.store.head(&self.object.path)).await {
            Ok(meta) => {
                let e_tag = meta.e_tag.unwrap_or_default();
                Ok(Some((format!("{e_tag} {}", meta.last_modified.to_rfc3339()), meta.size)))
            }
            Err(ObjectError::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.object.cant("read", &error)),
        }
    }

    /// Adds bytes, and uploads full parts.
    async fn take(&mut self, bytes: &[u8]) -> Result<(), SinkError> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.length += bytes.len() as u64;
        if self.since == Since::Nothing {
            self.since = Since::Bytes;
        }
        let mut bytes = bytes;
        while !bytes.is_empty() {
            // Reserve the whole part: growing step by step fragments the memory.
            self.rest.reserve_exact(self.part_size.min(ROOM).saturating_sub(self.rest.len()));
            let room = self.part_size.saturating_sub(self.rest.len());
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.rest.extend_from_slice(now);
            bytes = later;
            if self.rest.len() < self.part_size {
                break;
            }
            let part = std::mem::take(&mut self.rest);
            match self.put(part).await? {
                Done::Yes => self.since = Since::Part,
                Done::Unknown => return Err(self.gone()),
            }
        }
        Ok(())
    }

    async fn put(&mut self, part: Vec<u8>) -> Result<Done, SinkError> {
        let Some(upload) = &mut self.upload else { return Err(not_open()) };
        let number = upload.parts.len();
        if number == MOST_PARTS {
            return Err(SinkError::new(format!(
                "{} has {MOST_PARTS} parts, the maximum of an upload; start over with a larger --part-size",
                self.object.url
            )));
        }
        let Object { store, path, .. } = &self.object;
        let put = store.put_part(path, &upload.id, number, part.into());
        match self.object.wait(put).await {
            Ok(part) => {
                upload.parts.push(part.content_id);
                Ok(Done::Yes)
            }
            Err(error) => self.unless_gone(error),
        }
    }

    async fn commit_written(&mut self, is_last: bool) -> Result<Option<Value>, SinkError> {
        let is_due = match self.since {
            Since::Nothing | Since::Part => true,
            Since::Bytes => is_last || self.committed.elapsed() >= AT_LEAST_EVERY,
        };
        if !is_due {
            return Ok(None);
        }
        let (bytes, form) = self.body.commit(is_last)?;
        self.take(&bytes).await?;
        let Some(form) = form else { return Ok(None) };
        let whole = self.body.whole_length(self.length, is_last)?;
        let upload = self.upload.clone().ok_or_else(not_open)?;
        let rest = BASE64.encode(&self.rest);
        let committed = Committed { upload, rest, length: self.length, whole, form };
        self.committed = Instant::now();
        self.since = Since::Nothing;
        self.is_kept = true;
        to_saved(&committed).map(Some)
    }

    async fn close(&mut self) -> Result<(), SinkError> {
        let rest = self.body.flush()?;
        self.take(&rest).await?;
        let end = self.body.end()?;
        let whole = self.length + end.len() as u64;
        self.rest.extend_from_slice(&end);
        if let Done::Unknown = self.complete().await? {
            // The export may have been killed right after completing the upload.
            let before = self.upload.as_ref().and_then(|upload| upload.before.as_ref());
            match self.existing().await? {
                Some((version, length)) if length == whole && Some(&version) != before => {}
                _ => return Err(self.gone()),
            }
        }
        self.is_whole = true;
        Ok(())
    }

    async fn complete(&mut self) -> Result<Done, SinkError> {
        while !self.rest.is_empty() {
            let rest = self.rest.split_off(self.part_size.min(self.rest.len()));
            let part = std::mem::replace(&mut self.rest, rest);
            if let Done::Unknown = self.put(part).await? {
                return Ok(Done::Unknown);
            }
        }
        let Some(upload) = &self.upload else { return Err(not_open()) };
        let parts = upload.parts.iter().map(|part| PartId { content_id: part.clone() }).collect();
        let Object { store, path, .. } = &self.object;
        let complete = store.complete_multipart(path, &upload.id, parts);
        match self.object.wait(complete).await {
            Ok(_) => Ok(Done::Yes),
            Err(error) => self.unless_gone(error),
        }
    }

    /// Returns the error, unless the bucket does not have the upload.
    fn unless_gone(&self, error: ObjectError) -> Result<Done, SinkError> {
        match is_missing(&error) {
            true => Ok(Done::Unknown),
            false => Err(self.object.cant("write", &error)),
        }
    }

    fn gone(&self) -> SinkError {
        SinkError::mismatch(format!(
            "the bucket no longer has the unfinished upload of {}, which a user or a lifecycle rule may have removed; \
             start over with --restart",
            self.object.url
        ))
    }

    async fn abort(&mut self, upload: &Upload) {
        let Object { store, path, .. } = &self.object;
        match self.object.wait(store.abort_multipart(path, &upload.id)).await {
            Ok(()) | Err(ObjectError::NotFound { .. }) => {}
            Err(error) => {
                let why = self.object.cant("abort the unfinished upload of", &error);
                self.notes.push(why.to_string());
            }
        }
    }
}

/// Whether a call succeeded, or the bucket does not have the upload.
enum Done {
    Yes,
    Unknown,
}

fn not_open() -> SinkError {
    SinkError::new("no upload is open")
}

impl Sink for BucketSink {
    fn watch(&mut self, watch: Watch) {
        self.object.watch = Some(watch);
    }

    fn on_bad_value(&mut self, on_bad_value: OnBadValue) {
        self.body.on_bad_value(on_bad_value);
    }

    fn rejected(&mut self) -> Vec<Rejected> {
        self.body.rejected()
    }

    fn open<'a>(
        &'a mut self,
        columns: &'a Columns,
        committed: Option<&'a Value>,
    ) -> SinkFuture<'a> {
        Box::pin(self.start(columns, committed))
    }

    fn write<'a>(&'a mut self, batch: &'a [Box<RawValue>]) -> SinkFuture<'a> {
        Box::pin(async {
            let mut bytes = Vec::with_capacity(batch.iter().map(|it| it.get().len() + 1).sum());
            self.body.records(batch, |part| {
                bytes.extend_from_slice(part);
                Ok(())
            })?;
            if self.since == Since::Nothing && !batch.is_empty() {
                self.since = Since::Bytes;
            }
            self.take(&bytes).await
        })
    }

    fn commit(&mut self) -> SinkFuture<'_, Option<Value>> {
        Box::pin(self.commit_written(false))
    }

    fn commit_last(&mut self) -> SinkFuture<'_, Option<Value>> {
        Box::pin(self.commit_written(true))
    }

    fn discard<'a>(&'a mut self, committed: &'a Value) -> SinkFuture<'a> {
        Box::pin(async move {
            if let Ok(Committed { upload, .. }) = from_saved(committed) {
                self.abort(&upload).await;
            }
            Ok(())
        })
    }

    fn finish(&mut self, is_whole: bool) -> SinkFuture<'_> {
        Box::pin(async move {
            match is_whole {
                true => self.close().await,
                // Keep the upload for a resume.
                false if self.is_kept => Ok(()),
                false => {
                    if let Some(upload) = self.upload.take() {
                        self.abort(&upload).await;
                    }
                    Ok(())
                }
            }
        })
    }

    fn report<'a>(&'a mut self, report: &'a str) -> SinkFuture<'a, Option<String>> {
        Box::pin(async {
            let object = self.object.aside(work_folder::REPORT)?;
            let report = report.to_owned().into_bytes();
            match object.wait(object.store.put(&object.path, report.into())).await {
                Ok(_) => Ok(Some(object.url)),
                Err(error) => Err(object.cant("write", &error)),
            }
        })
    }

    fn run_log(&mut self) -> Option<&mut dyn RunLog> {
        Some(self)
    }

    fn location(&self) -> Option<String> {
        let url = &self.object.url;
        Some(match self.is_whole {
            true => url.clone(),
            false => format!("incomplete upload to {url}"),
        })
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = self.notes.clone();
        notes.extend(self.body.notes());
        notes
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rejects_a_commit_with_inconsistent_sizes() {
        let good = json!({
            "upload": { "id": "u", "part_size": 10, "parts": ["a", "b"], "before": null },
            "rest": BASE64.encode("abc"), "length": 23, "whole": 23, "form": null,
        });
        let rest = |state: &Value| from_saved::<Committed>(state).and_then(|it| it.rest());
        assert_eq!(rest(&good).expect("a commit"), b"abc");
        for (pointer, odd) in [
            ("/length", json!(22)),
            ("/length", json!(-1)),
            ("/length", Value::Null),
            ("/whole", json!(22)),
            ("/rest", json!("!")),
            ("/rest", json!(BASE64.encode("ten bytes!"))),
            ("/upload", Value::Null),
            ("/upload/parts", json!(["a"])),
            ("/upload/part_size", json!(0)),
            ("/upload/part_size", json!(u64::MAX)),
            ("/upload/before", json!(1)),
        ] {
            let mut state = good.clone();
            *state.pointer_mut(pointer).expect("a field") = odd;
            let error = rest(&state).expect_err("not a commit");
            assert!(error.is_mismatch(), "{state}: {error}");
        }
    }
}
