//! The log of the runs that wrote to an object: an object for each run, named by its ID.

use futures::TryStreamExt as _;
use object_store::{ObjectStore as _, ObjectStoreExt as _};

use super::BucketSink;
use super::object::Object;
use crate::run_log::{ENTRY, LARGEST_ENTRY, LoggedRun, RunLog, check_id, is_id, latest};
use crate::work_folder::RUNS;
use crate::{SinkError, SinkFuture};

impl BucketSink {
    fn entry(&self, id: &str) -> Result<Object, SinkError> {
        check_id(id)?;
        self.object.aside(&format!("{RUNS}/{id}{ENTRY}"))
    }

    async fn log(&self, id: &str, report: &str) -> Result<(), SinkError> {
        let object = self.entry(id)?;
        let report = report.to_owned().into_bytes();
        match object.wait(object.store.put(&object.path, report.into())).await {
            Ok(_) => Ok(()),
            Err(error) => Err(object.cant("write", &error)),
        }
    }

    async fn logged(&self, count: usize) -> Result<Vec<LoggedRun>, SinkError> {
        let folder = self.object.aside(RUNS)?;
        let found = folder.store.list(Some(&folder.path)).try_filter_map(|found| async move {
            let id = found.location.filename().and_then(|name| name.strip_suffix(ENTRY));
            Ok(id.filter(|id| is_id(id)).map(str::to_owned))
        });
        let ids: Vec<String> =
            folder.wait(found.try_collect()).await.map_err(|error| folder.cant("list", &error))?;
        let mut runs = Vec::new();
        for id in latest(ids, count) {
            let object = self.entry(&id)?;
            let got = object.wait(object.store.get(&object.path)).await;
            let got = got.map_err(|error| object.cant("read", &error))?;
            let report = match got.meta.size <= LARGEST_ENTRY {
                false => None,
                true => {
                    let bytes = object.wait(got.bytes()).await;
                    let bytes = bytes.map_err(|error| object.cant("read", &error))?;
                    String::from_utf8(bytes.into()).ok()
                }
            };
            runs.push(LoggedRun { id, report });
        }
        Ok(runs)
    }
}

impl RunLog for BucketSink {
    fn put<'a>(&'a mut self, id: &'a str, report: &'a str) -> SinkFuture<'a> {
        Box::pin(self.log(id, report))
    }

    fn last(&mut self, count: usize) -> SinkFuture<'_, Vec<LoggedRun>> {
        Box::pin(self.logged(count))
    }
}
