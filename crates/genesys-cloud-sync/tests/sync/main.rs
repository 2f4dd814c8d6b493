//! Plans and runs against the fake org.

mod clock;
mod lives;
mod org;
mod plans;
mod runs;
