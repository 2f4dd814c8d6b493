//! Checks the sources of the workspace against the layers in `src/rules.rs`.

use std::fs;
use std::path::{Path, PathBuf};

use genesys_cloud_layers::graph::Graph;
use genesys_cloud_layers::manifest::{against, dependencies};
use genesys_cloud_layers::rules::{CORE, CRATES, CYCLES, INDEPENDENT};

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates")
}

fn graph(name: &str) -> Graph {
    Graph::read(&crates().join(name).join("src")).expect("the sources")
}

#[test]
fn no_module_of_the_core_imports_a_higher_layer() {
    let graph = graph("genesys-cloud-core");
    assert!(graph.edges.len() > 100, "only {} imports found", graph.edges.len());
    let unlisted = graph.unlisted(CORE);
    assert!(unlisted.is_empty(), "without a layer in `tests/layers/src/rules.rs`: {unlisted:?}");
    let upward = graph.upward(CORE);
    let upward = upward.into_iter().map(|edge| {
        format!("{}:{}: `{}` imports `{}`", edge.file.display(), edge.line, edge.from, edge.to)
    });
    let upward: Vec<String> = upward.collect();
    assert!(upward.is_empty(), "imports from a higher layer:\n{}", upward.join("\n"));
    let gone: Vec<_> = CORE.iter().flat_map(|(_, modules)| *modules).collect();
    let gone: Vec<_> = gone.into_iter().filter(|name| !graph.modules.contains(**name)).collect();
    assert!(gone.is_empty(), "in `tests/layers/src/rules.rs`, but not in the core: {gone:?}");
}

#[test]
fn all_module_cycles_are_listed() {
    for name in CRATES.iter().filter(|name| **name != "genesys-cloud-api") {
        let listed = CYCLES.iter().find(|(of, _)| of == name).map_or(&[][..], |(_, cycles)| cycles);
        let graph = graph(name);
        let cycles = graph.cycles();
        for cycle in &cycles {
            let is_listed = listed.iter().any(|listed| listed == cycle);
            let edges = graph.edges.iter().filter(|edge| {
                cycle.contains(&edge.from.as_str()) && cycle.contains(&edge.to.as_str())
            });
            let edges = edges.map(|edge| {
                format!("{}:{}: imports `{}`", edge.file.display(), edge.line, edge.to)
            });
            let edges: Vec<String> = edges.collect();
            assert!(is_listed, "{name}: {cycle:?} import each other:\n{}", edges.join("\n"));
        }
        for listed in listed {
            assert!(cycles.iter().any(|cycle| cycle == listed), "{name}: no longer: {listed:?}");
        }
    }
}

#[test]
fn crates_depend_only_on_lower_crates() {
    let mut names: Vec<String> = fs::read_dir(crates())
        .expect("the crates")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    let mut listed = CRATES.to_vec();
    listed.sort_unstable();
    assert_eq!(names, listed, "the crates of `tests/layers/src/rules.rs`");
    for name in CRATES {
        let manifest = crates().join(name).join("Cargo.toml");
        let used = dependencies(&manifest, "dependencies").expect("a manifest");
        let higher = against(CRATES, name, &used);
        assert!(higher.is_empty(), "{name} depends on {higher:?}");
    }
}

#[test]
fn the_fake_org_does_not_know_the_client() {
    let (name, allowed) = INDEPENDENT;
    let manifest = crates().join(name).join("Cargo.toml");
    for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
        let used = dependencies(&manifest, section).expect("a manifest");
        let other: Vec<_> = used.iter().filter(|used| !allowed.contains(&used.as_str())).collect();
        assert!(other.is_empty(), "{name} has {other:?} in `{section}`");
    }
}
