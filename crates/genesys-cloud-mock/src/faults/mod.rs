//! Planned faults.

mod kind;
mod plan;
mod response;
mod serve;

pub use kind::FaultKind;
pub(crate) use plan::Faults;
pub use plan::{FaultPlan, Injected};
pub(crate) use response::HugeBody;
