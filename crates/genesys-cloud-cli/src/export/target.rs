//! Where an export delivers to: a sink of records, or the files of a job.

use genesys_cloud_core::CheckpointStore;
use genesys_cloud_sinks::{Columns, Sink, Watch};
use serde_json::Value;

use super::files::{FilePart, FileTarget};
use super::plan::{Delivery, Plan};
use super::reader::Raw;
use super::rejects::Rejects;
use super::state::{Delivered, State};
use crate::failure::{Exit, Failure};

/// What an export writes to.
pub(super) enum Target {
    Records(Box<RecordTarget>),
    Files(FileTarget),
}

/// A sink, and the file for records that do not fit.
pub(super) struct RecordTarget {
    pub(super) sink: Box<dyn Sink>,
    columns: Columns,
    pub(super) rejects: Rejects,
}

impl Target {
    /// What the plan writes to. Nothing is created yet.
    pub(super) fn new(plan: &Plan) -> Result<Self, Failure> {
        match &plan.delivery {
            Delivery::Records(records) => {
                let mut sink = plan.output.sink(records.format)?;
                sink.on_bad_value(records.on_bad_value);
                let (columns, rejects) = (records.columns.clone(), Rejects::none(plan));
                Ok(Self::Records(Box::new(RecordTarget { sink, columns, rejects })))
            }
            Delivery::Files => match plan.output.file() {
                Some(out) => Ok(Self::Files(FileTarget::new(out))),
                None => Err(Failure::usage("--out must name a file")),
            },
        }
    }

    /// Where the target waits, and how it learns that the user wants to stop.
    pub(super) fn watch(&mut self, watch: Watch) {
        if let Self::Records(target) = self {
            target.sink.watch(watch);
        }
    }

    /// The store of the state, where the target is it.
    pub(super) fn store(&mut self) -> Option<&mut dyn CheckpointStore> {
        match self {
            Self::Records(target) => target.sink.store(),
            Self::Files(_) => None,
        }
    }

    /// Discards the earlier run whose state the target itself keeps.
    pub(super) async fn restart(&mut self) -> Result<(), Failure> {
        match self {
            Self::Records(target) => target.sink.restart().await.map_err(Failure::from),
            Self::Files(_) => Ok(()),
        }
    }

    /// Whether an earlier run has finished the output. Known once the state is loaded.
    pub(super) fn is_done(&self) -> bool {
        matches!(self, Self::Records(target) if target.sink.is_done())
    }

    /// Opens the output for this run: empty, or as it was when this state was saved.
    pub(super) async fn open(&mut self, run: &str, from: Option<&State>) -> Result<(), Failure> {
        match self {
            Self::Records(target) => {
                target.sink.identify(run);
                let committed = match from.map(|state| &state.delivered) {
                    Some(Delivered::Records(saved)) => Some(&saved.sink),
                    _ => None,
                };
                let opened = target.sink.open(&target.columns, committed).await;
                opened.map_err(|error| match committed.is_some() && error.is_mismatch() {
                    true => Failure::from(error).of_earlier_run(),
                    false => Failure::from(error),
                })
            }
            Self::Files(target) => target.open(),
        }
    }

    /// Opens the file for records that do not fit, once the output keeps other exports out.
    pub(super) fn open_rejects(
        &mut self,
        plan: &Plan,
        from: Option<&State>,
    ) -> Result<(), Failure> {
        if let (Self::Records(target), Delivery::Records(records)) = (self, &plan.delivery) {
            let committed = match from.map(|state| &state.delivered) {
                Some(Delivered::Records(saved)) => saved.rejects.as_ref(),
                _ => None,
            };
            target.rejects = Rejects::open(plan, records, committed)?;
        }
        Ok(())
    }

    /// Takes in a part of the files of a job.
    pub(super) fn file(&mut self, part: &FilePart) -> Result<(), Failure> {
        match self {
            Self::Files(target) => target.add(part),
            Self::Records(_) => Err(Failure::new(Exit::Failed, "a file came among records")),
        }
    }

    /// Discards what an earlier export has left in the output.
    pub(super) async fn discard(&mut self, earlier: &State) -> Result<(), Failure> {
        match (self, &earlier.delivered) {
            (Self::Records(target), Delivered::Records(saved)) => {
                target.sink.discard(&saved.sink).await.map_err(Failure::from)
            }
            _ => Ok(()),
        }
    }

    /// Ends the output. Only a complete one gets its name.
    pub(super) async fn finish(&mut self, is_whole: bool) -> Result<(), Failure> {
        match self {
            Self::Records(target) => target.sink.finish(is_whole).await.map_err(Failure::from),
            Self::Files(target) => target.finish(is_whole),
        }
    }

    /// Gives the file of rejected records its name, once the output has its own.
    pub(super) fn finish_rejects(&mut self) -> Result<(), Failure> {
        match self {
            Self::Records(target) => target.rejects.finish(),
            Self::Files(_) => Ok(()),
        }
    }

    /// Writes the report beside the output, and says where.
    pub(super) async fn report(&mut self, report: &str) -> Result<Option<String>, Failure> {
        match self {
            Self::Records(target) => target.sink.report(report).await.map_err(Failure::from),
            Self::Files(target) => target.report(report),
        }
    }

    /// Where the output is by now.
    pub(super) fn location(&self) -> Option<String> {
        match self {
            Self::Records(target) => target.sink.location(),
            Self::Files(target) => target.location(),
        }
    }

    /// What became of the records, such as how many were added.
    pub(super) fn counts(&self) -> Vec<(&'static str, u64)> {
        match self {
            Self::Records(target) => target.sink.counts(),
            Self::Files(_) => Vec::new(),
        }
    }

    /// What the user should know about the output.
    pub(super) fn notes(&self) -> Vec<String> {
        match self {
            Self::Records(target) => target.sink.notes(),
            Self::Files(_) => Vec::new(),
        }
    }
}

impl RecordTarget {
    /// Writes records, and those that do not fit to their file.
    pub(super) async fn write(&mut self, batch: &[Raw]) -> Result<(), Failure> {
        self.sink.write(batch).await?;
        self.rejects.add(&self.sink.rejected())
    }

    /// Commits what was written, if it is not too early for that. `is_last`: nothing more is written in this run.
    pub(super) async fn commit(&mut self, is_last: bool) -> Result<Option<Value>, Failure> {
        let committed = match is_last {
            true => self.sink.commit_last().await,
            false => self.sink.commit().await,
        };
        committed.map_err(Failure::from)
    }
}
