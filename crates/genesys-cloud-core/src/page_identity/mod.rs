//! Tells whether two pages are the same page, or share items.

mod fingerprint;

pub(crate) use fingerprint::{Edges, fingerprint, fingerprint_of_body};
