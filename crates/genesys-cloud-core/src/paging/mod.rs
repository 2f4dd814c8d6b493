//! Lists that come in pages, as streams.
//!
//! The path of a page from the wire to the stream: [`fetcher`] knows which page is due, [`source`] gets it, [`read`]
//! decodes its items and [`PageInfo`](cursor_state::PageInfo) in one pass, [`step`] decides from the page info and the
//! [`cursor`] whether and where the list continues, and [`paginator`] yields the items. [`list_spec`] is the data that
//! drives this; a new scheme is a row of the table in [`scheme`]. [`progress`] has the counts from which the [`report`]
//! is derived. [`checkpoint_state`] is a place in a list, and [`resume`] continues from one.

mod adapters;
mod checkpoint_state;
mod cursor;
mod cursor_state;
mod cycle_detector;
mod extracted;
mod fetcher;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod grid;
mod item_hashes;
mod items;
mod list_spec;
mod list_url;
mod macros;
mod page;
mod paginator;
mod progress;
mod raw;
mod read;
mod report;
mod request_fingerprint;
mod resume;
mod scalar;
mod scheme;
mod search;
mod selection;
mod source;
mod step;
pub(crate) mod stored_counts;

pub use adapters::{Batches, Pages};
pub use extracted::ExtractedPage;
pub use list_spec::{Cap, ListSpec, NextToken, PageSize, ParamLocation};
pub use page::Page;
pub use paginator::Paginator;
pub use raw::RawItem;
pub use report::{Reason, Report, Verdict};
pub use scheme::Scheme;
pub use step::End;

pub(crate) use checkpoint_state::{ListForm, ListPoint};
pub(crate) use raw::raw as read_raw;
pub(crate) use request_fingerprint::{FingerprintForm, RequestFingerprint};
pub(crate) use scheme::SequenceUnit;
pub(crate) use source::{Opened, PageCall, PageSource, TakenBack, places};

pub(crate) use read::{ReadPage, bytes as read_bytes, serde as read_json, wire as read_wire};
