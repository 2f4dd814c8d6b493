//! Writes a module for each Rust sample of the guide, and a function that runs one by name.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

#[allow(dead_code, reason = "the tests use the rest")]
mod markdown {
    include!("src/markdown.rs");
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guide/src");
    println!("cargo::rerun-if-changed={}", folder.display());
    println!("cargo::rerun-if-changed=src/markdown.rs");
    let mut chapters: Vec<PathBuf> =
        fs::read_dir(&folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    chapters.retain(|path| path.extension().is_some_and(|it| it == "md"));
    chapters.sort();
    let (mut modules, mut arms) = (String::new(), String::new());
    for chapter in chapters {
        println!("cargo::rerun-if-changed={}", chapter.display());
        let name = chapter.file_stem().and_then(|it| it.to_str()).unwrap_or_default();
        for block in markdown::blocks(&fs::read_to_string(&chapter)?) {
            if block.language() != "rust" {
                continue;
            }
            let (line, module) = (block.line, format!("{}_{}", name.replace('-', "_"), block.line));
            writeln!(
                modules,
                "// guide/src/{name}.md:{line}\nmod {module} {{\n{}}}",
                module_of(&block)
            )?;
            writeln!(arms, "\"{name}:{line}\" => {module}::run(),")?;
        }
    }
    let code = format!(
        "{modules}\n/// Runs a sample by chapter and line.\n\
         fn run(sample: &str) -> Result<(), Box<dyn std::error::Error>> {{\n\
         match sample {{\n{arms}other => Err(format!(\"no sample {{other}}\").into()),\n}}\n}}\n"
    );
    fs::write(Path::new(&env::var("OUT_DIR")?).join("samples.rs"), code)?;
    Ok(())
}

/// Returns the code of a sample with a function `run`. A sample without `main` or tests is the body of an
/// async function that has a `client`.
fn module_of(block: &markdown::Block) -> String {
    let text = &block.text;
    if text.contains("fn main()") {
        return format!(
            "{text}pub(super) fn run() -> Result<(), Box<dyn std::error::Error>> {{ Ok(main()?) }}\n"
        );
    }
    if text.contains("#[tokio::test]") || text.contains("#[test]") {
        return format!(
            "#![allow(dead_code, unused_imports)]\n{text}pub(super) fn run() -> Result<(), Box<dyn std::error::Error>> {{ Ok(()) }}\n"
        );
    }
    let client = match text.contains("let client = ") {
        true => "",
        false => "let client = genesys_cloud::Client::from_env()?;\n",
    };
    format!(
        "#[tokio::main]\npub(super) async fn run() -> Result<(), Box<dyn std::error::Error>> {{\n\
         {client}{text}let _ = &client;\nOk(())\n}}\n"
    )
}
