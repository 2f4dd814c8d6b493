//! Lists that come in pages, as streams.
//!
//! A page's way from the wire to the stream: [`paginator`] asks for it, [`read`] takes items and
//! [`Facts`](step::Facts) from its body in one pass, [`step`] decides from the facts alone whether and
//! where the list goes on, and [`paginator`] hands the items out. [`listing`] is the data that steers
//! this; a further scheme is a value there and an arm of [`step`].

mod adapters;
mod bind;
mod listing;
mod paginator;
mod read;
mod step;

pub use adapters::{Chunks, Pages};
pub use listing::{Listing, PageSize, Scheme};
pub use paginator::{Page, Paginator, Report};
pub use step::End;
