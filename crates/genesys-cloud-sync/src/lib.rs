//! Keeps a replica of lists of the Genesys Cloud API: a database that equals the org.
//!
//! A [`Plan`] says what to replicate. A [`Replicator`] reads what may have changed since the last run, compares it with
//! the rows of a [`Target`], and applies the difference. A row is deleted only if the list that lacks it is proven
//! complete ([`Decision`]), and time ranges never advance beyond the data that the API has ([`watermark`]).
//!
//! | feature | adds |
//! | --- | --- |
//! | `postgres` | [`Postgres`]: a PostgreSQL database as the target |

#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(feature = "postgres"), allow(rustdoc::broken_intra_doc_links))]

mod canonical;
mod deletes;
mod error;
mod estimate;
mod memory;
mod method;
mod plan;
#[cfg(feature = "postgres")]
mod postgres;
mod range;
mod reader;
mod replicator;
mod report;
mod row;
mod schema;
mod state;
mod target;

pub use crate::deletes::{Decision, Deletes, Evidence, MaxDeletes};
pub use crate::estimate::Estimate;
pub use crate::memory::{Memory, MemoryRow};
pub use crate::method::Method;
pub use crate::plan::{Fault, Plan, PlanError, Table};
#[cfg(feature = "postgres")]
pub use crate::postgres::Postgres;
pub use crate::range::{ChunkRead, DayRange, chunks, complete_days, watermark};
pub use crate::replicator::Replicator;
pub use crate::report::{RunReport, TableReport};
pub use crate::row::{ParentRead, Place, Row, Scope};
pub use crate::schema::{PlaceKind, TableSchema};
pub use crate::state::TableState;
pub use crate::target::{
    Changes, Difference, TableWriter, Target, TargetError, TargetFuture, TargetSession,
};
