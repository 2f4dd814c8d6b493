//! Plans and runs against the fake org.

mod lives;
mod org;
mod plans;
mod runs;
