//! Which lists supply the path parameters of a list.

use serde::{Deserialize, Serialize};

/// Where the values of a path parameter come from.
///
/// A list with path parameters is read once for each of their values. Where another list of the API has all of them,
/// such as `getRoutingQueues` for `queueId`, the two can be read as a tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    /// The path parameter.
    pub parameter: String,
    /// The list or job whose records have the values; `None` if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<ParentList>,
    /// Why there is no such list, as a clause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A list or job whose records have the values of a path parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParentList {
    /// Its operationId.
    pub operation: String,
    /// The path of the field in its records, names joined by dots.
    pub field: String,
}
