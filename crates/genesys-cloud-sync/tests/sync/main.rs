//! Plans and runs against the fake org.

mod clock;
mod flaky;
mod lives;
mod org;
mod plans;
#[cfg(feature = "postgres")]
mod postgres;
mod runs;
#[cfg(feature = "postgres")]
mod server;
