//! Lists that come in pages, as streams.
//!
//! A page's way from the wire to the stream: [`engine`] asks for it, [`read`] takes items and
//! [`Facts`](standing::Facts) from its body in one pass, [`step`] decides from the facts and from where the
//! [`walk`] stands whether and where the list goes on, and [`paginator`] hands the items out. [`listing`]
//! is the data that steers this; a further scheme is a row of the table there.

mod adapters;
mod bind;
mod engine;
mod extracted;
mod fingerprint;
mod ids;
mod link;
mod listing;
mod marks;
mod paginator;
mod point;
mod read;
mod report;
mod scalar;
mod seen;
mod standing;
mod step;
mod subject;
mod walk;

pub use adapters::{Chunks, Pages};
pub use extracted::Extracted;
pub use listing::{Cap, Listing, PageSize, Place, Scheme, TokenOut};
pub use paginator::{OnStale, Page, Paginator};
pub use report::{Reason, Report, Verdict};
pub use step::End;

pub(crate) use point::{ListForm, ListPoint};
pub(crate) use subject::Subject;

pub(crate) use read::{ReadPage, bytes as read_bytes, serde as read_json, wire as read_wire};
