use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use bytes::Bytes;

use crate::journal::RecordedRequest;

/// Pages as sent over the wire, so that a benchmark measures the client and not the org.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    /// Capacity in bytes.
    room: usize,
    pages: RwLock<(usize, HashMap<String, Bytes>)>,
}

impl Cache {
    pub(crate) fn new(room: usize) -> Self {
        Self { room, ..Self::default() }
    }

    /// Everything that a page depends on while its list does not change.
    pub(crate) fn key(request: &RecordedRequest) -> String {
        let RecordedRequest { method, path, query, body, .. } = request;
        format!("{method} {path}?{query}\n{}", String::from_utf8_lossy(body))
    }

    pub(crate) fn get(&self, key: impl FnOnce() -> String) -> Option<Bytes> {
        if self.room == 0 {
            return None;
        }
        let pages = self.pages.read().unwrap_or_else(PoisonError::into_inner);
        pages.1.get(&key()).cloned()
    }

    pub(crate) fn put(&self, key: impl FnOnce() -> String, page: &Bytes) {
        if self.room == 0 {
            return;
        }
        let mut pages = self.pages.write().unwrap_or_else(PoisonError::into_inner);
        if pages.0 + page.len() <= self.room {
            pages.0 += page.len();
            pages.1.insert(key(), page.clone());
        }
    }

    pub(crate) fn clear(&self) {
        *self.pages.write().unwrap_or_else(PoisonError::into_inner) = Default::default();
    }
}
