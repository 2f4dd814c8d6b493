//! Jobs: the operations that submit them, how they run, and their results.

mod edit;
mod expected;
mod family;
mod files;
mod org;
mod plans;
mod results;
mod rules;
mod run;
mod scenario;
mod serve;
mod states;
mod table;
#[cfg(test)]
mod tests;

pub use expected::{ExpectedJob, JobEnd};
pub(crate) use family::{Families, Family};
pub(crate) use plans::Jobs;
pub use scenario::{JobPace, JobScenario};
