//! Recognizes duplicates by id, in bounded memory.

mod item_ids;
mod recent_ids;

pub(crate) use item_ids::item_ids;
pub(crate) use recent_ids::RecentIds;
