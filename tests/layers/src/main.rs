//! Prints the import graph of each crate: `cargo run -p genesys-cloud-layers [-- FOLDER]`, where the folder is
//! another checkout of the workspace.

#![allow(clippy::print_stdout)] // The output is the result.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::Result;
use genesys_cloud_layers::graph::Graph;
use genesys_cloud_layers::rules::{CORE, CRATES};

fn main() -> Result<()> {
    let folder = std::env::args_os().nth(1).map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")),
        PathBuf::from,
    );
    for name in CRATES {
        let src = folder.join("crates").join(name).join("src");
        if !src.is_dir() {
            continue;
        }
        let graph = Graph::read(&src)?;
        let pairs: BTreeSet<_> = graph.edges.iter().map(|edge| (&edge.from, &edge.to)).collect();
        let cycles = graph.cycles();
        println!(
            "{name}: {} modules, {} imports between {} pairs, {} cycles",
            graph.modules.len(),
            graph.edges.len(),
            pairs.len(),
            cycles.len()
        );
        for cycle in cycles {
            println!("  cycle of {}: {}", cycle.len(), cycle.join(", "));
        }
        if *name != "genesys-cloud-core" {
            continue;
        }
        let upward = graph.upward(CORE);
        println!("  {} imports from a higher layer", upward.len());
        for edge in upward {
            println!("    {}:{}: {} -> {}", edge.file.display(), edge.line, edge.from, edge.to);
        }
        let unlisted = graph.unlisted(CORE);
        if !unlisted.is_empty() {
            println!("  without a layer: {}", unlisted.join(", "));
        }
    }
    Ok(())
}
