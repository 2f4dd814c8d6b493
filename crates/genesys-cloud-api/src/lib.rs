//! Generated bindings of the Genesys Cloud Platform API: one module and one feature per API group.
//!
//! Users depend on the crate `genesys-cloud`, which re-exports all of this.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![allow(clippy::too_many_arguments)] // Required parameters are arguments.
#![allow(missing_docs)] // The API document does not describe all fields and parameters.

mod client;
#[rustfmt::skip]
mod generated;
mod prelude;

pub use client::{Client, ClientBuilder};
pub use generated::*;
