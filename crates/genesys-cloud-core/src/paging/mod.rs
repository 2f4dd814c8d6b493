//! Lists that come in pages, as streams.
//!
//! A page's way from the wire to the stream: [`engine`] asks for it, [`read`] takes items and
//! [`Facts`](standing::Facts) from its body in one pass, [`step`] decides from the facts and from where the
//! [`walk`] stands whether and where the list goes on, and [`paginator`] hands the items out. [`listing`]
//! is the data that steers this; a further scheme is a row of the table in [`scheme`]. [`point`] is a place in a list to
//! go on from later.

mod adapters;
mod engine;
mod extracted;
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
mod scalar;
mod scheme;
mod search;
mod seen;
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
pub(crate) use progress::Calls;
pub(crate) use subject::{Subject, SubjectForm};

pub(crate) use read::{ReadPage, bytes as read_bytes, serde as read_json, wire as read_wire};
