//! The target of an export: a sink for records, or the result files of a job.

use genesys_cloud_core::CheckpointStore;
use genesys_cloud_sinks::{Columns, RunLog, Sink, TableCount, Watch};
use serde_json::Value;

use super::files::{FilePart, FileTarget};
use super::plan::{Delivery, Plan};
use super::reader::Raw;
use super::rejects::Rejects;
use super::state::{Delivered, State};
use crate::failure::{Exit, Failure};

/// The target of an export.
pub(super) enum Target {
    Records(Box<RecordTarget>),
    Files(FileTarget),
}

/// A sink and its rejects file.
pub(super) struct RecordTarget {
    pub(super) sink: Box<dyn Sink>,
    columns: Columns,
    pub(super) rejects: Rejects,
}

impl Target {
    /// Creates the target without opening it.
    pub(super) fn new(plan: &Plan) -> Result<Self, Failure> {
        match &plan.delivery {
            Delivery::Records(records) => {
                let mut sink = plan.output.sink(records.format, records.children.as_ref())?;
                sink.on_bad_value(records.on_bad_value);
                let (columns, rejects) = (records.columns.clone(), Rejects::none(plan));
                Ok(Self::Records(Box::new(RecordTarget { sink, columns, rejects })))
            }
            Delivery::Files => match plan.output.file() {
                Some(out) => Ok(Self::Files(FileTarget::new(out))),
                None => Err(Failure::usage(
                    "the results of this job are files; name a local file with --out",
                )),
            },
        }
    }

    /// Sets the watch, which reports and interrupts waits.
    pub(super) fn watch(&mut self, watch: Watch) {
        if let Self::Records(target) = self {
            target.sink.watch(watch);
        }
    }

    /// Returns the store of the state, if the target keeps it.
    pub(super) fn store(&mut self) -> Option<&mut dyn CheckpointStore> {
        match self {
            Self::Records(target) => target.sink.store(),
            Self::Files(_) => None,
        }
    }

    /// Discards an earlier run whose state the target keeps.
    pub(super) async fn restart(&mut self) -> Result<(), Failure> {
        match self {
            Self::Records(target) => target.sink.restart().await.map_err(Failure::from),
            Self::Files(_) => Ok(()),
        }
    }

    /// Returns whether an earlier run has finished the output. Valid after the state is loaded.
    pub(super) fn is_done(&self) -> bool {
        matches!(self, Self::Records(target) if target.sink.is_done())
    }

    /// Opens the output for this run, empty or as of a saved state.
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

    /// Opens the rejects file, after the output is locked.
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

    /// Adds a part of the files of a job.
    pub(super) fn file(&mut self, part: &FilePart) -> Result<(), Failure> {
        match self {
            Self::Files(target) => target.add(part),
            Self::Records(_) => {
                Err(Failure::new(Exit::Failed, "unexpected file in a list of records"))
            }
        }
    }

    /// Discards an earlier run's unfinished output.
    pub(super) async fn discard(&mut self, earlier: &State) -> Result<(), Failure> {
        match (self, &earlier.delivered) {
            (Self::Records(target), Delivered::Records(saved)) => {
                target.sink.discard(&saved.sink).await.map_err(Failure::from)
            }
            _ => Ok(()),
        }
    }

    /// Ends the output, and publishes it if complete.
    pub(super) async fn finish(&mut self, is_whole: bool) -> Result<(), Failure> {
        match self {
            Self::Records(target) => target.sink.finish(is_whole).await.map_err(Failure::from),
            Self::Files(target) => target.finish(is_whole),
        }
    }

    /// Publishes the rejects file, after the output.
    pub(super) fn finish_rejects(&mut self) -> Result<(), Failure> {
        match self {
            Self::Records(target) => target.rejects.finish(),
            Self::Files(_) => Ok(()),
        }
    }

    /// Writes the report beside the output, and returns its location.
    pub(super) async fn report(&mut self, report: &str) -> Result<Option<String>, Failure> {
        match self {
            Self::Records(target) => target.sink.report(report).await.map_err(Failure::from),
            Self::Files(target) => target.report(report),
        }
    }

    /// Returns the log of all runs that wrote to the output, if it keeps one.
    pub(super) fn run_log(&mut self) -> Option<&mut dyn RunLog> {
        match self {
            Self::Records(target) => target.sink.run_log(),
            Self::Files(target) => Some(target.run_log()),
        }
    }

    /// Returns the current location of the output.
    pub(super) fn location(&self) -> Option<String> {
        match self {
            Self::Records(target) => target.sink.location(),
            Self::Files(target) => target.location(),
        }
    }

    /// Returns counts of rows, such as how many were added.
    pub(super) fn counts(&self) -> Vec<(&'static str, u64)> {
        match self {
            Self::Records(target) => target.sink.counts(),
            Self::Files(_) => Vec::new(),
        }
    }

    /// Returns the number of rows in each child table.
    pub(super) fn tables(&self) -> Vec<TableCount> {
        match self {
            Self::Records(target) => target.sink.tables(),
            Self::Files(_) => Vec::new(),
        }
    }

    /// Returns notes about the output.
    pub(super) fn notes(&self) -> Vec<String> {
        match self {
            Self::Records(target) => target.sink.notes(),
            Self::Files(_) => Vec::new(),
        }
    }
}

impl RecordTarget {
    /// Writes records, and rejected ones to the rejects file.
    pub(super) async fn write(&mut self, batch: &[Raw]) -> Result<(), Failure> {
        self.sink.write(batch).await?;
        self.rejects.add(&self.sink.rejected())
    }

    /// Commits the written records, if the sink can resume from here. `is_last`: this run writes nothing more.
    pub(super) async fn commit(&mut self, is_last: bool) -> Result<Option<Value>, Failure> {
        let committed = match is_last {
            true => self.sink.commit_last().await,
            false => self.sink.commit().await,
        };
        committed.map_err(Failure::from)
    }
}
