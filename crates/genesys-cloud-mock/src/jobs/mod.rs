//! Jobs: the operations that submit them, how they run, and their results.

mod expected;
mod files;
mod org;
mod plans;
mod response;
mod results;
mod row;
mod rules;
mod run;
mod scenario;
mod serve;
mod spec;
mod states;
mod table;
#[cfg(test)]
mod tests;

pub use expected::{ExpectedJob, JobEnd};
pub(crate) use plans::Jobs;
pub use scenario::{JobPace, JobScenario};
pub(crate) use spec::{JobSpec, JobSpecs};
