//! Lists that come in pages, as streams.
//!
//! A page's way from the wire to the stream: [`source`] gets it, [`fetcher`] knows which one is due, [`read`] takes items
//! and [`Facts`](standing::Facts) from its body in one pass, [`step`] decides from the facts and from where the
//! [`walk`] is whether and where the list continues, and [`paginator`] delivers the items. [`listing`]
//! is the data that steers this; a further scheme is a row of the table in [`scheme`]. What was read is counted in
//! [`progress`], from which the [`report`] is derived. [`point`] is a place in a list to continue from later, [`resume`]
//! how that is done.

mod adapters;
mod extracted;
mod fetcher;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod grid;
mod items;
mod link;
mod listing;
mod macros;
mod marks;
mod page;
mod paginator;
mod picked;
mod point;
mod progress;
mod raw;
mod read;
mod report;
mod resume;
mod scalar;
mod scheme;
mod search;
mod seen;
mod source;
mod standing;
mod step;
mod subject;
mod walk;

pub use adapters::{Batches, Pages};
pub use extracted::Extracted;
pub use listing::{Cap, Listing, PageSize, Place, TokenOut};
pub use page::Page;
pub use paginator::Paginator;
pub use raw::RawItem;
pub use report::{Reason, Report, Verdict};
pub use scheme::Scheme;
pub use step::End;

pub(crate) use point::{ListForm, ListPoint};
pub(crate) use raw::raw as read_raw;
pub(crate) use scheme::SequenceUnit;
pub(crate) use source::{Opened, PageCall, PageSource, TakenBack, places};
pub(crate) use subject::{Subject, SubjectForm};

pub(crate) use read::{ReadPage, bytes as read_bytes, serde as read_json, wire as read_wire};
