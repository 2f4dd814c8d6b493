//! A target whose connection is lost at a commit.

use std::sync::atomic::{AtomicU64, Ordering};

use genesys_cloud_sync::{
    Changes, Difference, Memory, ParentRead, Row, Scope, TableSchema, TableState, TableWriter,
    Target, TargetError, TargetFuture, TargetSession,
};

/// Fails to apply one table.
pub(crate) struct Flaky {
    pub(crate) memory: Memory,
    /// The number of the table that fails, from 1.
    pub(crate) fails: u64,
    /// Whether it fails after the changes.
    pub(crate) is_after: bool,
}

struct FlakyWriter {
    writer: Box<dyn TableWriter>,
    fails: bool,
    is_after: bool,
}

impl Target for Flaky {
    fn open<'a>(&'a self, run: &'a str) -> TargetFuture<'a, Box<dyn TargetSession>> {
        let Self { memory, fails, is_after } = self;
        let (memory, fails, is_after) = (memory.clone(), *fails, *is_after);
        Box::pin(async move {
            let session: Box<dyn TargetSession> = Box::new(FlakySession {
                session: memory.open(run).await?,
                fails: AtomicU64::new(fails),
                is_after,
            });
            Ok(session)
        })
    }
}

struct FlakySession {
    session: Box<dyn TargetSession>,
    fails: AtomicU64,
    is_after: bool,
}

impl TargetSession for FlakySession {
    fn begin<'a>(&'a self, schema: &'a TableSchema) -> TargetFuture<'a, Box<dyn TableWriter>> {
        Box::pin(async move {
            let writer = self.session.begin(schema).await?;
            let fails = self.fails.fetch_sub(1, Ordering::Relaxed) == 1;
            let writer: Box<dyn TableWriter> =
                Box::new(FlakyWriter { writer, fails, is_after: self.is_after });
            Ok(writer)
        })
    }

    fn close(self: Box<Self>) -> TargetFuture<'static> {
        self.session.close()
    }
}

impl TableWriter for FlakyWriter {
    fn state(&self) -> Option<&TableState> {
        self.writer.state()
    }

    fn stage(&mut self, rows: Vec<Row>) -> TargetFuture<'_, u64> {
        self.writer.stage(rows)
    }

    fn stage_parents(&mut self, parents: Vec<ParentRead>) -> TargetFuture<'_> {
        self.writer.stage_parents(parents)
    }

    fn compare<'a>(&'a mut self, scope: &'a Scope) -> TargetFuture<'a, Difference> {
        self.writer.compare(scope)
    }

    fn apply<'a>(&'a mut self, changes: &'a Changes<'a>) -> TargetFuture<'a> {
        Box::pin(async move {
            if self.fails && !self.is_after {
                return Err(TargetError::new("the connection was lost"));
            }
            self.writer.apply(changes).await?;
            match self.fails {
                true => Err(TargetError::new("the connection was lost during a COMMIT")),
                false => Ok(()),
            }
        })
    }
}
