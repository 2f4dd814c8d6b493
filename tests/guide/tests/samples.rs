//! Runs every Rust sample of the guide against the fake org, and compares what it prints with the text that follows.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::Stdio;

use futures::StreamExt as _;
use genesys_cloud::test_util::mock::MockOrg;
use tokio::process::Command;

mod markdown {
    include!("../src/markdown.rs");
}
mod output {
    include!("../src/output.rs");
}

use markdown::{Block, blocks};

fn chapters() -> Vec<(String, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guide/src");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let paths = paths.filter(|path| path.extension().is_some_and(|it| it == "md"));
    let name = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    let mut chapters: Vec<_> = paths.map(|path| (name(&path), path)).collect();
    chapters.sort();
    chapters
}

/// Runs a sample in an empty folder, with its own fake org in the environment.
async fn run(sample: &str, block: &Block) -> (bool, String, String) {
    let mut org = MockOrg::builder().default_count(100);
    for (operation, count) in block.lists() {
        org = match operation {
            "calls" => org.calls_per_minute(count),
            list => org.list(list, count),
        };
    }
    let org = org.start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_guide-samples"))
        .arg(sample)
        .current_dir(folder.path())
        .env("GENESYS_CLOUD_API_URL", org.url())
        .env("GENESYS_CLOUD_LOGIN_URL", org.url())
        .env("GENESYS_CLOUD_CLIENT_ID", org.client_id())
        .env("GENESYS_CLOUD_CLIENT_SECRET", org.client_secret())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

/// Returns what is wrong with a sample.
async fn check(sample: String, block: &Block, shown: Option<&str>) -> Option<String> {
    let (succeeded, out, err) = run(&sample, block).await;
    if !succeeded {
        return Some(format!("{sample} failed: {err}"));
    }
    let is_other = shown.is_some_and(|shown| !output::matches(shown, &out));
    is_other.then(|| format!("{sample} prints:\n{out}"))
}

#[tokio::test]
async fn samples_run_and_print_the_text_that_follows() {
    let chapters: Vec<_> = chapters()
        .into_iter()
        .map(|(name, path)| (name, blocks(&std::fs::read_to_string(path).unwrap())))
        .collect();
    let mut checks = Vec::new();
    for (name, blocks) in &chapters {
        for (index, block) in blocks.iter().enumerate() {
            if block.language() != "rust" || block.has("no_run") {
                continue;
            }
            // The output follows after one empty line.
            let end = block.line + block.text.lines().count() + 1;
            let next =
                blocks.get(index + 1).filter(|next| next.info == "text" && next.line == end + 2);
            let shown = next.map(|next| next.text.as_str());
            checks.push(check(format!("{name}:{}", block.line), block, shown));
        }
    }
    assert!(checks.len() >= 40, "{} samples", checks.len());
    let failures: Vec<_> = futures::stream::iter(checks)
        .buffer_unordered(4)
        .filter_map(|failure| async { failure })
        .collect()
        .await;
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
