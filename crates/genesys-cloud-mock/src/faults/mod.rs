//! Planned faults.

mod kind;
mod plan;
mod reply;
mod serve;

pub use kind::FaultKind;
pub(crate) use plan::Faults;
pub use plan::{FaultPlan, Injected};
pub(crate) use reply::Flood;
