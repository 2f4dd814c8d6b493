//! Checks the Markdown files of the repository, and the metadata for publishing.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// The published crates, by name.
fn crates() -> BTreeMap<String, PathBuf> {
    let folders = fs::read_dir(workspace().join("crates")).unwrap().map(|entry| entry.unwrap());
    let named = folders.map(|it| (it.file_name().into_string().unwrap(), it.path()));
    named.filter(|(_, path)| path.join("Cargo.toml").exists()).collect()
}

fn documents() -> Vec<PathBuf> {
    let files = fs::read_dir(workspace()).unwrap().map(|entry| entry.unwrap().path());
    let root = files.filter(|path| path.extension().is_some_and(|it| it == "md"));
    let crates = crates().into_values().map(|path| path.join("README.md"));
    root.chain(crates).chain(chapters()).collect()
}

/// The files of the guide.
fn chapters() -> Vec<PathBuf> {
    let files = fs::read_dir(workspace().join("guide/src")).unwrap();
    files.map(|entry| entry.unwrap().path()).collect()
}

/// The lines outside of code blocks.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut in_code = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        !in_code && !is_fence
    })
}

/// The link targets in a line, without those in code spans.
fn links(line: &str) -> Vec<&str> {
    line.match_indices("](")
        .filter(|(at, _)| line[..*at].matches('`').count().is_multiple_of(2))
        .filter_map(|(at, _)| line[at + 2..].split(')').next())
        .collect()
}

/// The anchors of the headings of a document, as code hosts generate them.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for heading in prose(text).filter(|line| line.starts_with('#')) {
        let title = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|it| it.is_alphanumeric() || " -_".contains(*it));
        let anchor: String = kept.map(|it| if it == ' ' { '-' } else { it }).collect();
        let repeated = (1..).map(|number| format!("{anchor}-{number}"));
        let free = std::iter::once(anchor.clone()).chain(repeated).find(|it| !anchors.contains(it));
        anchors.extend(free);
    }
    anchors
}

/// Why a link in a document is broken.
fn broken(document: &Path, link: &str) -> Option<String> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = match path {
        "" => document.to_owned(),
        path => document.parent().unwrap().join(path),
    };
    if !target.exists() {
        return Some(format!("there is no {path}"));
    }
    let text = || fs::read_to_string(&target).unwrap();
    (!anchor.is_empty() && !anchors(&text()).contains(anchor))
        .then(|| format!("{} has no heading for #{anchor}", target.display()))
}

#[test]
fn links_within_the_repository_work() {
    let mut count = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for link in prose(&text).flat_map(links) {
            count += 1;
            let broken = broken(&document, link);
            assert_eq!(broken, None, "{}: ({link})", document.display());
        }
    }
    assert!(count > 5, "{count} links");
}

/// The guide is also published as a book, without the rest of the repository.
#[test]
fn the_guide_links_to_its_own_chapters_only() {
    for chapter in chapters() {
        let text = fs::read_to_string(&chapter).unwrap();
        for link in prose(&text).flat_map(links) {
            let is_own = link.starts_with("https://") || !link.contains('/');
            assert!(is_own, "{}: ({link})", chapter.display());
        }
    }
}

#[test]
fn the_summary_of_the_guide_lists_every_chapter_once() {
    let summary = fs::read_to_string(workspace().join("guide/src/SUMMARY.md")).unwrap();
    let mut listed: Vec<&str> = prose(&summary).flat_map(links).collect();
    listed.sort_unstable();
    let names = chapters().into_iter().map(|it| it.file_name().unwrap().to_owned());
    let mut names: Vec<String> = names.map(|it| it.into_string().unwrap()).collect();
    names.retain(|name| name != "SUMMARY.md");
    names.sort_unstable();
    assert_eq!(listed, names);
    for chapter in names {
        let text = fs::read_to_string(workspace().join("guide/src").join(&chapter)).unwrap();
        let title = text.lines().next().unwrap().trim_start_matches("# ");
        assert!(summary.contains(&format!("[{title}]({chapter})")), "{chapter} has another title");
    }
}

#[test]
fn finds_a_dead_link() {
    let readme = workspace().join("README.md");
    assert_eq!(broken(&readme, "https://docs.rs"), None);
    assert_eq!(broken(&readme, "CONTRIBUTING.md#rules"), None);
    assert!(broken(&readme, "CONTRIBUTING.md#no-such-heading").is_some());
    assert!(broken(&readme, "#no-such-heading").is_some());
    assert!(broken(&readme, "NOWHERE.md").is_some());
    let line = "see [a](b.md#c), `[no](link)` and [d](https://e)";
    assert_eq!(links(line), ["b.md#c", "https://e"]);
    let text = "# What it\u{2019}s: A `b` c\n```sh\n# no\n```\n## Twice\n## Twice\n";
    assert_eq!(
        anchors(text).into_iter().collect::<Vec<_>>(),
        ["twice", "twice-1", "what-its-a-b-c"]
    );
}

/// The guide has the details. Code hosts show the hidden lines of rustdoc.
#[test]
fn the_readme_is_short_and_hides_no_lines() {
    let text = fs::read_to_string(workspace().join("README.md")).unwrap();
    assert!(text.lines().count() <= 200);
    let code = text.split("```rust").skip(1).map(|it| it.split("```").next().unwrap());
    let hidden: Vec<&str> =
        code.flat_map(str::lines).filter(|line| line.starts_with("# ")).collect();
    assert!(hidden.is_empty(), "{hidden:?}");
}

/// Registries and rustdoc show a README without the other files.
#[test]
fn the_readme_of_a_crate_has_no_relative_links() {
    for (name, path) in crates() {
        let text = fs::read_to_string(path.join("README.md")).unwrap();
        for link in prose(&text).flat_map(links) {
            assert!(link.starts_with("https://"), "{name}: ({link})");
        }
    }
}

#[test]
fn each_crate_has_its_metadata() {
    let crates = crates();
    assert!(crates.len() >= 6);
    for (name, path) in crates {
        for file in ["README.md", "LICENSE-MIT", "LICENSE-APACHE"] {
            let text = fs::read_to_string(path.join(file)).unwrap_or_default();
            assert!(!text.is_empty(), "{name} has no {file}");
        }
        let manifest = fs::read_to_string(path.join("Cargo.toml")).unwrap();
        for line in [
            "description = ",
            "keywords",
            "categories",
            "license.workspace = true",
            "repository.workspace = true",
            "homepage.workspace = true",
            "readme = \"README.md\"",
            &format!("documentation = \"https://docs.rs/{name}\""),
            "[package.metadata.docs.rs]",
            "rustdoc-args = [\"--cfg\", \"docsrs\"]",
        ] {
            let has = manifest.lines().any(|it| it.starts_with(line));
            assert!(has, "the manifest of {name} has no `{line}`");
        }
        let lib = fs::read_to_string(path.join("src/lib.rs")).unwrap();
        assert!(lib.contains("#![cfg_attr(docsrs, feature(doc_cfg))]"), "{name} has no badges");
        assert!(!manifest.contains("publish = false"), "{name}");
    }
}

/// The features of a manifest that are for users, without API groups.
fn features(manifest: &str) -> Vec<&str> {
    let Some((_, features)) = manifest.split_once("[features]\n") else { return Vec::new() };
    let features = features.split("\n[").next().unwrap_or_default();
    let (before, groups) = features.split_once("# begin groups").unwrap_or((features, ""));
    let (_, after) = groups.split_once("# end groups").unwrap_or_default();
    let lines = before.lines().chain(after.lines());
    let names = lines.filter(|line| !line.starts_with([' ', '#', ']']));
    let names = names.filter_map(|line| Some(line.split_once(" = ")?.0));
    names.filter(|name| !["default", "fuzzing"].contains(name)).collect()
}

#[test]
fn the_readme_of_a_crate_lists_its_features() {
    let mut count = 0;
    for (name, path) in crates() {
        let manifest = fs::read_to_string(path.join("Cargo.toml")).unwrap();
        let readme = fs::read_to_string(path.join("README.md")).unwrap();
        for feature in features(&manifest) {
            count += 1;
            let row = format!("| `{feature}`");
            assert!(readme.contains(&row), "the README of {name} does not list `{feature}`");
        }
    }
    assert!(count > 15, "{count} features");
}
