//! Jobs: which operations submit them, how they run, and what comes of them.

mod edit;
mod family;
mod files;
mod org;
mod plans;
mod rules;
mod run;
mod scenario;
mod serve;
mod states;
mod table;
#[cfg(test)]
mod tests;
mod truth;
mod yields;

pub(crate) use family::{Families, Family};
pub(crate) use plans::Jobs;
pub use scenario::{JobPace, JobScenario};
pub use truth::{JobEnd, JobTruth};
