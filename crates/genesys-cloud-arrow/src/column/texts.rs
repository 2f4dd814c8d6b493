//! Texts, one after the other.

/// The offsets and bytes of texts.
pub(super) struct Texts {
    pub(super) offsets: Vec<i32>,
    pub(super) bytes: Vec<u8>,
}

impl Texts {
    pub(super) fn new() -> Self {
        Self { offsets: vec![0], bytes: Vec::new() }
    }

    /// The decoder limits the bytes of a batch, so that the offset fits.
    #[inline]
    pub(super) fn push(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
        self.offsets.push(i32::try_from(self.bytes.len()).unwrap_or(i32::MAX));
    }

    pub(super) fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    pub(super) fn pad(&mut self, count: usize) {
        pad_offsets(&mut self.offsets, count);
    }

    pub(super) fn truncate(&mut self, len: usize) {
        self.bytes.truncate(truncate_offsets(&mut self.offsets, len));
    }

    /// Returns the texts from an index on.
    pub(super) fn since(&self, first: usize) -> impl Iterator<Item = &[u8]> {
        let offsets = self.offsets.get(first..).unwrap_or_default();
        offsets.windows(2).map(|ends| match ends {
            [start, end] => self.bytes.get(*start as usize..*end as usize).unwrap_or_default(),
            _ => &[],
        })
    }

    /// Returns all texts, and starts over with room for as many.
    pub(super) fn take(&mut self) -> (Vec<i32>, Vec<u8>) {
        let bytes = Vec::with_capacity(self.bytes.len());
        (take_offsets(&mut self.offsets), std::mem::replace(&mut self.bytes, bytes))
    }
}

/// Adds empty ranges.
pub(super) fn pad_offsets(offsets: &mut Vec<i32>, count: usize) {
    let end = offsets.last().copied().unwrap_or_default();
    offsets.resize(offsets.len() + count, end);
}

/// Removes the ranges from `len` on, and returns the end of the last one.
pub(super) fn truncate_offsets(offsets: &mut Vec<i32>, len: usize) -> usize {
    offsets.truncate(len + 1);
    offsets.last().map_or(0, |end| *end as usize)
}

/// Returns the offsets, and starts over with room for as many.
pub(super) fn take_offsets(offsets: &mut Vec<i32>) -> Vec<i32> {
    let mut next = Vec::with_capacity(offsets.len());
    next.push(0);
    std::mem::replace(offsets, next)
}
