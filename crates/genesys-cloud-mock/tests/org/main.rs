//! The behavior of the fake org, as seen by a client.

#[cfg(feature = "cli")]
mod binary;
mod client;
mod events;
mod faults;
mod history;
mod jobs;
mod lies;
mod lists;
mod login;
mod media;
mod members;
mod paging;
mod plan;
mod reader;
mod records;
mod refusals;
mod schemes;
mod selection;
mod timeline;
