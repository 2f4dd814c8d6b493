//! The Genesys Cloud SDK for Rust: typed calls and paginators for the whole Platform API
