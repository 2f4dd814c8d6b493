//! The Genesys Cloud Platform API as data: every operation with its parameters, body and responses, every definition
//! they refer to, and how operations page and jobs run.
//!
//! `cargo xtask codegen` generates the tables from the published API document. They are embedded in the binary, so that
//! a tool can find, call or fake any operation by name, without the generated bindings.
//!
//! ```
//! use genesys_cloud_catalogue::Catalogue;
//!
//! let catalogue = Catalogue::embedded();
//! let queues = catalogue.operation("GET /api/v2/routing/queues").expect("an operation of the API");
//! assert_eq!(queues.id, "getRoutingQueues");
//!
//! let page_size = queues.parameter("pageSize").expect("a parameter of the operation");
//! assert_eq!(page_size.default, Some(25.into()));
//!
//! let page = catalogue.resolve(queues.reply().expect("a response with a body"));
//! let (_, entities) = page.properties.iter().find(|(name, _)| name == "entities").expect("a list");
//! assert_eq!(entities.items.as_ref().and_then(|item| item.reference.as_deref()), Some("Queue"));
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]

mod catalogue;
mod error;
mod operation;
mod schema;
mod table;
pub mod tags;

pub use catalogue::Catalogue;
pub use error::Error;
pub use operation::{Body, Location, Operation, Parameter, Reply};
pub use schema::{Kind, Schema};

/// Tests the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
