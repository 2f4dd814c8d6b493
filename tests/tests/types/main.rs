//! The generated types, on JSON as the API sends it.

mod lenient;
mod scalars;
mod traits;
mod unknown;
mod whole;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

fn read<T: DeserializeOwned>(json: &str) -> T {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"))
}

fn refused<T: DeserializeOwned + std::fmt::Debug>(json: &str) -> String {
    serde_json::from_str::<T>(json).expect_err(json).to_string()
}

/// Reads a value and writes it again.
fn there_and_back<T: Serialize + for<'de> Deserialize<'de>>(json: &str) -> Value {
    serde_json::to_value(read::<T>(json)).expect("JSON")
}
