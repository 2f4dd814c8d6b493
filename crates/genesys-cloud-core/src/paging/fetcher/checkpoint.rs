//! The place in the list, for a checkpoint.

use std::sync::Arc;
use std::time::Duration;

use super::{Last, PageFetcher};
use crate::paging::checkpoint_state::{ListPoint, Yielded, is_end_of_list};
use crate::paging::cursor_state::{CursorState, Position};
use crate::paging::item_hashes::PageText;
use crate::paging::progress::Progress;
use crate::paging::request_fingerprint::RequestFingerprint;
use crate::paging::scheme::{Advance, SequenceUnit};
use crate::paging::selection::Overlap;
use crate::paging::step::End;

impl PageFetcher {
    /// The fingerprint of the request.
    pub(in crate::paging) fn identity(&self) -> Arc<RequestFingerprint> {
        let org = self.client.identity();
        let known = self.identity.get_or_init(|| {
            let options = &self.options.job;
            Arc::new(self.source.identity(&self.request, self.spec(), options))
        });
        // The organization may have become known since.
        match known.org == org {
            true => known.clone(),
            false => Arc::new(RequestFingerprint { org, ..(**known).clone() }),
        }
    }

    /// The place in the list, given how much of the last page and how many items in all were yielded. It does not have
    /// the hashes of that page's items yet.
    pub(in crate::paging) fn point(
        &self,
        yielded: Yielded,
        items: u64,
        text: Option<&PageText>,
    ) -> ListPoint {
        if let Some(point) = self.resume.point() {
            return point.clone();
        }
        let mut progress = Progress { read: items, delivered: items, ..self.progress.clone() };
        // Milliseconds, as stored.
        let waited = &mut progress.calls.waited;
        *waited = Duration::from_millis(u64::try_from(waited.as_millis()).unwrap_or(0));
        // A last page in doubt is read again on resume.
        let is_in_doubt = || progress.report(&self.cursor.at, self.end()).is_in_doubt();
        let is_last = |end: &End| is_end_of_list(*end) && yielded.is_all() && !is_in_doubt();
        let end = self.end().filter(is_last);
        let (mut at, offset) = self.place(yielded, items, text, end);
        at.page_size = self.cursor.at.page_size;
        // Only the first page itself states how many items it covers.
        at.grid = at.grid.or(progress.page_size_granted);
        // The items of the page that were delivered before, if it was read again.
        let is_in_page = self.is_in_last_page(yielded, end);
        let overlap = self.rereads.overlapped.as_ref().filter(|_| is_in_page);
        ListPoint {
            subject: self.identity(),
            scheme: self.spec().scheme().name().to_owned(),
            at,
            offset,
            known: Vec::new(),
            overlap: overlap.map(Overlap::item_hashes).unwrap_or_default(),
            ids: Vec::new(),
            page: None,
            progress,
            end,
            job: self.source.saved_job(),
            is_lost: self.source.is_lost(),
        }
    }

    /// The place, and how much of the page due there was delivered.
    fn place(
        &self,
        yielded: Yielded,
        items: u64,
        text: Option<&PageText>,
        end: Option<End>,
    ) -> (CursorState, u64) {
        if let Some((_, found_at)) = &self.rereads.overlap {
            // The page being read again was delivered before.
            return (found_at.kept(), 0);
        }
        // The next item may be on another page, as files are split differently each time.
        if let Some(unit) = self.cursor.sequence {
            let (unread, counted) = match &self.last {
                Last::Passed(at) if !yielded.is_all() => {
                    (text.map_or(0, PageText::len), at.counted)
                }
                _ => (0, self.cursor.at.counted),
            };
            let offset = match unit {
                SequenceUnit::Items => items,
                SequenceUnit::Bytes => self.queue.bytes.saturating_sub(unread),
            };
            return (CursorState { counted, ..CursorState::beginning(Position::Start) }, offset);
        }
        match &self.last {
            Last::Passed(at) if self.is_in_last_page(yielded, end) => {
                (at.kept(), yielded.items as u64)
            }
            Last::Unmoved { before } if self.is_in_last_page(yielded, end) => {
                (CursorState { counted: *before, ..self.cursor.at.kept() }, yielded.items as u64)
            }
            Last::None | Last::Passed(_) | Last::Unmoved { .. } => (self.cursor.at.kept(), 0),
        }
    }

    /// Whether the place is in the page accepted last, so that it is read again on resume.
    fn is_in_last_page(&self, yielded: Yielded, end: Option<End>) -> bool {
        match &self.last {
            _ if self.rereads.overlap.is_some() || self.cursor.sequence.is_some() => false,
            Last::None => false,
            // The previous page shows which items a window shares with it, and the last items of a numbered page show
            // whether the next page still begins where it did.
            Last::Passed(_) => {
                let is_read_again =
                    matches!(self.cursor.advances_by(), Advance::Window | Advance::Numbers { .. });
                !yielded.is_all() || (is_read_again && yielded.of > 0)
            }
            Last::Unmoved { .. } => end.is_none(),
        }
    }
}
