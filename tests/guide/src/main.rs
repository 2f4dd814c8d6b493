//! Runs one Rust sample of the guide, by chapter and line: `guide-samples calling:12`.

#![allow(
    clippy::needless_question_mark,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "the samples are written for readers"
)]

include!(concat!(env!("OUT_DIR"), "/samples.rs"));

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sample = std::env::args().nth(1).ok_or("name a sample, such as calling:12")?;
    run(&sample)
}
