//! `cargo xtask bench compile`: the cost of compiling the bindings.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::cargo;
use super::cost::{Cost, measured};

/// Prints the figures.
pub fn run(workspace: &Path) -> Result<()> {
    let target = workspace.join("target/bench-compile");
    let bindings = |verb: &[&str], feature: Option<&str>| -> Result<Cost> {
        let mut command = cargo(workspace, &target);
        command.args(verb).args(["--package", "genesys-cloud-api", "--no-default-features"]);
        command.args(feature.iter().flat_map(|feature| ["--features", feature]));
        measured(&command)
    };

    println!("Bindings only, dependencies already built:\n");
    println!("| what | CPU | wall | peak memory |\n| --- | --- | --- | --- |");
    for (name, verb) in [("check", &["check"][..]), ("release build", &["build", "--release"])] {
        bindings(verb, None)?;
        for feature in ["routing", "full"] {
            touch(&workspace.join("crates/genesys-cloud-api/src/lib.rs"))?;
            let cost = bindings(verb, Some(feature))?;
            print_cost(&format!("{name}, `{feature}`"), &cost);
        }
    }
    let generated = workspace.join("crates/genesys-cloud-api/src/generated");
    println!("\nGenerated source: {:.1} MB\n", size(&generated)? as f64 / 1e6);

    println!("A program with three calls, full release build, stripped size:\n");
    println!("| what | CPU | wall | peak memory | binary |\n| --- | --- | --- | --- | --- |");
    for (name, folder) in [("through the SDK", "sdk"), ("by hand", "by_hand")] {
        let source = workspace.join("xtask/bench").join(folder);
        let target = target.join(folder);
        if target.exists() {
            fs::remove_dir_all(&target)?;
        }
        // Both sides use the same versions.
        fs::copy(workspace.join("Cargo.lock"), source.join("Cargo.lock"))?;
        let mut fetch = cargo(&source, &target);
        fetch.arg("fetch");
        measured(&fetch)?;
        let mut build = cargo(&source, &target);
        build.args(["build", "--release"]);
        let cost = measured(&build)?;
        let binary =
            target.join("release").join(format!("three-calls-{}", folder.replace('_', "-")));
        let binary = fs::metadata(&binary)?.len() as f64 / 1e6;
        print!("{}", row(name, &cost));
        println!(" {binary:.2} MB |");
    }
    Ok(())
}

fn print_cost(name: &str, cost: &Cost) {
    println!("{}", row(name, cost));
}

fn row(name: &str, cost: &Cost) -> String {
    format!(
        "| {name} | {:.1} s | {:.1} s | {:.2} GB |",
        cost.cpu_seconds,
        cost.wall_seconds,
        cost.peak_kilobytes as f64 / 1e6,
    )
}

/// Makes cargo recompile a crate.
fn touch(path: &Path) -> Result<()> {
    let file = fs::File::options().append(true).open(path)?;
    file.set_modified(std::time::SystemTime::now())?;
    Ok(())
}

fn size(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    let mut ahead: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(folder) = ahead.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                ahead.push(entry.path());
            } else {
                bytes += entry.metadata()?.len();
            }
        }
    }
    Ok(bytes)
}
