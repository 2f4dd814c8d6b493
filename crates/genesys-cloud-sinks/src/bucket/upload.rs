//! Whole files in a bucket folder, and its journal.

use object_store::path::Path;
use object_store::{
    Error as ObjectError, MultipartUpload, ObjectStoreExt as _, PutMode, PutOptions, PutPayload,
};

use super::folder::BucketFolder;
use super::object::{Object, is_missing};
use crate::SinkError;
use crate::watch::Watch;

/// Size of a part in bytes. A smaller file is a single upload.
const PART: usize = 8 << 20;

/// The objects under a prefix, with one client.
#[derive(Clone)]
pub(crate) struct BucketFiles {
    /// Any object of the folder.
    object: Object,
    /// Key prefix, with a slash at the end unless it is empty.
    prefix: String,
    url: String,
}

/// A file that is being uploaded.
pub(crate) struct BucketUpload {
    object: Object,
    upload: Option<Box<dyn MultipartUpload>>,
    rest: Vec<u8>,
}

impl BucketFiles {
    /// Connects to the bucket, without a call.
    pub(crate) fn new(folder: &BucketFolder) -> Result<Self, SinkError> {
        let any = folder.object("object").map_err(SinkError::new)?.open()?;
        let prefix = any.path.as_ref().strip_suffix("object").unwrap_or_default().to_owned();
        Ok(Self { object: any, prefix, url: folder.to_string() })
    }

    /// Sets the watch, which interrupts waits for the bucket.
    pub(crate) fn watch(&mut self, watch: Watch) {
        self.object.watch = Some(watch);
    }

    fn object(&self, name: &str) -> Result<Object, SinkError> {
        let url = format!("{}{name}", self.url);
        let path = Path::parse(format!("{}{name}", self.prefix)).map_err(|error| {
            SinkError::new(format!("{url} is not a valid object name: {error}"))
        })?;
        Ok(Object { path, url, ..self.object.clone() })
    }

    /// Starts the upload of a file.
    pub(crate) fn upload(&self, name: &str) -> Result<BucketUpload, SinkError> {
        Ok(BucketUpload { object: self.object(name)?, upload: None, rest: Vec::new() })
    }

    /// Reads a part of the journal. `None` if it does not exist.
    pub(crate) async fn read(&self, name: &str) -> Result<Option<Vec<u8>>, SinkError> {
        let object = self.object(name)?;
        let read = async { object.store.get(&object.path).await?.bytes().await };
        match object.wait(read).await {
            Ok(bytes) => Ok(Some(bytes.into())),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(object.cant("read", &error)),
        }
    }

    /// Creates an object. Fails if it exists, because another export has created it.
    pub(crate) async fn create(&self, name: &str, bytes: Vec<u8>) -> Result<(), SinkError> {
        let object = self.object(name)?;
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let bytes = PutPayload::from(bytes);
        let put = async {
            match object.store.put_opts(&object.path, bytes.clone(), options).await {
                // A server without conditional writes can't notice another export.
                Err(ObjectError::NotImplemented { .. }) => {
                    object.store.put(&object.path, bytes).await
                }
                put => put,
            }
        };
        match object.wait(put).await {
            Ok(_) => Ok(()),
            Err(ObjectError::AlreadyExists { .. } | ObjectError::Precondition { .. }) => {
                Err(SinkError::taken(format!("another export is writing to {}", self.url)))
            }
            Err(error) => Err(object.cant("write", &error)),
        }
    }
}

impl BucketUpload {
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), SinkError> {
        self.rest.extend_from_slice(bytes);
        while self.rest.len() >= PART {
            let rest = self.rest.split_off(PART);
            let part = std::mem::replace(&mut self.rest, rest);
            self.part(part).await?;
        }
        Ok(())
    }

    async fn part(&mut self, part: Vec<u8>) -> Result<(), SinkError> {
        let object = &self.object;
        if self.upload.is_none() {
            let begun = object.wait(object.store.put_multipart(&object.path)).await;
            self.upload = Some(begun.map_err(|error| object.cant("write", &error))?);
        }
        let Some(upload) = &mut self.upload else { return Ok(()) };
        let put = upload.put_part(PutPayload::from(part));
        object.wait(put).await.map_err(|error| object.cant("write", &error))
    }

    /// Makes the file appear.
    pub(crate) async fn publish(mut self) -> Result<(), SinkError> {
        let rest = std::mem::take(&mut self.rest);
        if self.upload.is_some() && !rest.is_empty() {
            self.part(rest).await?;
            return self.complete().await;
        }
        match self.upload.is_some() {
            true => self.complete().await,
            false => {
                let object = &self.object;
                let put = object.wait(object.store.put(&object.path, rest.into())).await;
                put.map(drop).map_err(|error| object.cant("write", &error))
            }
        }
    }

    async fn complete(&mut self) -> Result<(), SinkError> {
        let (object, Some(upload)) = (&self.object, &mut self.upload) else { return Ok(()) };
        let done = object.wait(upload.complete()).await;
        done.map(drop).map_err(|error| object.cant("write", &error))
    }

    /// Discards the file.
    pub(crate) async fn discard(mut self) {
        if let Some(upload) = &mut self.upload {
            // A lifecycle rule of the bucket removes what is left.
            let _ = self.object.wait(upload.abort()).await;
        }
    }
}
