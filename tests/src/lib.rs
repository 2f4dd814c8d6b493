//! End-to-end and snapshot tests of the Genesys Cloud SDK for Rust
