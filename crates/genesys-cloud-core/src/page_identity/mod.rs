//! Recognizes whether two pages are the same, or share items.

mod fingerprint;

pub(crate) use fingerprint::{Edges, fingerprint, fingerprint_of_body};
