//! A store in memory with injected failures, whose saves take several polls.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use genesys_cloud_core::{Checkpoint, CheckpointStore, StoreError, StoreFuture};

#[derive(Clone, Default)]
pub(crate) struct Memory(Arc<Mutex<Kept>>);

#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) texts: HashMap<String, String>,
    /// Whether every save fails.
    pub(crate) fails: bool,
    /// The index of a save that fails once, and whether it fails after saving.
    pub(crate) fails_once: Option<(u64, bool)>,
    /// The number of saves, including failed ones.
    pub(crate) saves: u64,
    /// Whether a save is in progress.
    pub(crate) is_saving: bool,
}

impl Memory {
    pub(crate) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().expect("no panic")
    }

    /// The stored checkpoint of a key.
    pub(crate) fn checkpoint(&self, key: &str) -> Option<Checkpoint> {
        let text = self.kept().texts.get(key).cloned()?;
        Some(serde_json::from_str(&text).expect("a checkpoint"))
    }

    fn save_now(&self, key: &str, text: &str) -> Result<(), StoreError> {
        let mut kept = self.kept();
        kept.is_saving = false;
        let number = kept.saves;
        kept.saves += 1;
        let fails = kept.fails_once.filter(|(at, _)| *at == number);
        if kept.fails || fails.is_some_and(|(_, after)| !after) {
            return Err(StoreError::unavailable("full"));
        }
        kept.texts.insert(key.to_owned(), text.to_owned());
        match fails {
            None => Ok(()),
            Some(_) => Err(StoreError::unavailable("no answer")),
        }
    }
}

impl CheckpointStore for Memory {
    fn load<'a>(&'a mut self, key: &'a str) -> StoreFuture<'a, Option<String>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            Ok(self.kept().texts.get(key).cloned())
        })
    }

    fn save<'a>(&'a mut self, key: &'a str, text: &'a str) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            self.kept().is_saving = true;
            tokio::task::yield_now().await;
            let saved = self.save_now(key, text);
            tokio::task::yield_now().await;
            saved
        })
    }

    fn clear<'a>(&'a mut self, key: &'a str) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            self.kept().texts.remove(key);
            Ok(())
        })
    }

    fn location(&self, key: &str) -> String {
        format!("{key} in memory")
    }
}

/// Polls a future, and drops it when the total of pending polls reaches `at`. Returns `None` then.
pub(crate) async fn unless_dropped<F: Future>(
    future: F,
    pending: &mut usize,
    drop_at: usize,
) -> Option<F::Output> {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|cx| match future.as_mut().poll(cx) {
        std::task::Poll::Ready(output) => std::task::Poll::Ready(Some(output)),
        std::task::Poll::Pending => {
            *pending += 1;
            match *pending == drop_at {
                true => std::task::Poll::Ready(None),
                false => std::task::Poll::Pending,
            }
        }
    })
    .await
}
