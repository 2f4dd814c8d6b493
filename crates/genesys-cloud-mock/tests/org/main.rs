//! What a client of a mock org gets to see.

#[cfg(feature = "cli")]
mod binary;
mod client;
mod faults;
mod lists;
mod login;
mod paging;
mod records;
mod refusals;
mod schemes;
mod walk;
