//! Operations of the catalogue as the runtime takes them.

pub use genesys_cloud_core::specs::{
    Error, IntervalSpec as IntervalTag, OperationKind as Way, family, interval, kind as way,
    operation,
};
