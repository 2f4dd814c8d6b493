//! Jobs that exports have submitted, saved in files until their results are read.

use std::fs;
use std::path::PathBuf;

use genesys_cloud_catalogue::Catalogue;
use genesys_cloud_core::private_file as private;
use genesys_cloud_core::specs;
use genesys_cloud_core::{Client, ErrorKind, Job, SavedJob};
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;

use crate::failure::{Exit, Failure};
use crate::reporter::Reporter;
use crate::resolve;

/// Maximum number of characters of an ID in a file name.
const LONGEST_ID: usize = 100;

/// Maximum size of a saved job in bytes.
const LARGEST: u64 = 16 << 20;

/// The folder of saved jobs.
#[derive(Clone, Debug)]
pub(crate) struct JobStore(Option<PathBuf>);

/// A saved job.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct StoredJob {
    /// The API URL.
    pub(crate) api: String,
    pub(crate) job: SavedJob,
}

impl StoredJob {
    /// Saves a job of this client's API.
    pub(crate) fn new(client: &Client, job: SavedJob) -> Self {
        Self { api: client.api_url().to_owned(), job }
    }

    /// Loads the job for a client.
    pub(crate) fn load(&self, client: &Client) -> Result<Job<Box<RawValue>>, Failure> {
        if self.api != client.api_url() {
            return Err(Failure::usage(format!(
                "the job runs at {}, but this command calls {}",
                self.api,
                client.api_url()
            )));
        }
        let entry = resolve::operation(self.job.operation())?;
        let broken = |error: specs::Error| Failure::usage(error.to_string());
        let family = specs::job_spec(Catalogue::embedded(), self.job.family()).map_err(broken)?;
        let operation = specs::operation(entry).map_err(broken)?;
        Job::load(client, operation, family, self.job.clone())
            .map_err(|error| Failure::of_call(&error, Some(entry)))
    }
}

impl JobStore {
    /// Creates a store in this folder. Without a folder, saving a job fails.
    pub(crate) fn new(state_dir: Option<PathBuf>) -> Self {
        Self(state_dir.map(|folder| folder.join("jobs")))
    }

    fn folder(&self) -> Result<&PathBuf, Failure> {
        self.0.as_ref().ok_or_else(|| {
            Failure::usage("no home folder for saved jobs; set GENESYS_CLOUD_STATE_DIR")
        })
    }

    /// Saves a job.
    pub(crate) fn save(&self, stored: &StoredJob) -> Result<(), Failure> {
        let Some(path) = self.path(stored)? else { return Ok(()) };
        let text = serde_json::to_string(stored)
            .map_err(|error| Failure::new(Exit::Failed, format!("can't save a job: {error}")))?;
        fs::create_dir_all(self.folder()?)
            .and_then(|()| private::replace(&path, text.as_bytes()))
            .map_err(|error| {
                Failure::from_io(format!("can't write {}: {error}", path.display()), &error)
            })
    }

    /// Removes a job.
    pub(crate) fn remove(&self, stored: &StoredJob) -> Result<(), Failure> {
        let Some(path) = self.path(stored)? else { return Ok(()) };
        private::remove(&path).map_err(|error| {
            Failure::from_io(format!("can't remove {}: {error}", path.display()), &error)
        })
    }

    /// Returns the file of a job. A job without an ID has none, because it can't be polled.
    fn path(&self, stored: &StoredJob) -> Result<Option<PathBuf>, Failure> {
        let Some(id) = stored.job.id() else { return Ok(None) };
        // The ID comes from the service: it must not escape the folder or exceed the maximum length of a file name.
        let id: String = id
            .chars()
            .take(LONGEST_ID)
            .map(|it| if it.is_ascii_alphanumeric() || it == '-' { it } else { '_' })
            .collect();
        Ok(Some(self.folder()?.join(format!("{}-{id}.json", stored.job.operation()))))
    }

    /// Returns all saved jobs, the oldest first. Ignores other files.
    pub(crate) fn all(&self) -> Result<Vec<StoredJob>, Failure> {
        let Ok(files) = fs::read_dir(self.folder()?) else { return Ok(Vec::new()) };
        let texts = files.flatten().filter_map(|file| private::read(&file.path(), LARGEST).ok());
        let mut all: Vec<StoredJob> =
            texts.filter_map(|text| serde_json::from_slice(&text).ok()).collect();
        all.sort_by_key(|it| it.job.submitted());
        Ok(all)
    }

    /// Finds the job whose ID starts with `id`.
    pub(crate) fn find(&self, id: &str) -> Result<StoredJob, Failure> {
        let mut found: Vec<StoredJob> = self.all()?;
        found.retain(|it| it.job.id().is_some_and(|known| known.starts_with(id)));
        if found.iter().any(|it| it.job.id() == Some(id)) {
            found.retain(|it| it.job.id() == Some(id));
        }
        match found.len() {
            1 => Ok(found.remove(0)),
            0 => Err(Failure::usage(format!("no saved job has an ID that starts with `{id}`"))
                .advise("`genesys-cloud jobs list` lists the saved jobs")),
            many => {
                Err(Failure::usage(format!("{many} saved jobs have IDs that start with `{id}`")))
            }
        }
    }

    /// Cancels jobs of a discarded export if the API allows it, and removes them.
    pub(crate) async fn abandon(
        &self,
        client: &Client,
        jobs: &[SavedJob],
        reporter: &Reporter,
    ) -> Result<(), Failure> {
        if jobs.is_empty() {
            return Ok(());
        }
        let is_one = |it: &StoredJob| {
            let name = |job: &SavedJob| (job.operation().to_owned(), job.id().map(str::to_owned));
            jobs.iter().any(|job| name(job) == name(&it.job)) && it.api == client.api_url()
        };
        for stored in self.all()?.into_iter().filter(is_one) {
            // Leave a job of another release alone.
            let Ok(mut job) = stored.load(client) else { continue };
            if job.spec().cancel().is_some() {
                let id = stored.job.id().unwrap_or_default();
                match job.cancel().await {
                    Ok(()) => {
                        let text = format!("cancelled job {id} of the interrupted export");
                        reporter.say("cancelled", &text, json!({ "id": id }));
                    }
                    // The API has already deleted it.
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    Err(error) => {
                        let text = format!("can't cancel job {id}: {error:#}");
                        reporter.say("not-cancelled", &text, json!({ "id": id }));
                        continue;
                    }
                }
            }
            self.remove(&stored)?;
        }
        Ok(())
    }
}
