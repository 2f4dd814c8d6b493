//! The workspace crates that a crate depends on.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use toml::Table;

/// Returns the workspace crates in one section of a manifest, such as `dependencies`.
pub fn dependencies(manifest: &Path, section: &str) -> Result<Vec<String>> {
    let text = fs::read_to_string(manifest).with_context(|| manifest.display().to_string())?;
    of(&text, section).with_context(|| manifest.display().to_string())
}

fn of(text: &str, section: &str) -> Result<Vec<String>> {
    let manifest: Table = text.parse()?;
    let targets = manifest.get("target").and_then(|it| it.as_table()).into_iter().flatten();
    let tables = targets.filter_map(|(_, target)| target.as_table()).chain([&manifest]);
    let names = tables.filter_map(|table| table.get(section)?.as_table()).flat_map(Table::keys);
    Ok(names.filter(|name| name.starts_with("genesys-cloud")).cloned().collect())
}

/// Returns the dependencies of a crate that do not precede it in this order.
pub fn against<'a>(order: &[&str], name: &str, dependencies: &'a [String]) -> Vec<&'a str> {
    let before = order.iter().position(|it| *it == name).unwrap_or(0);
    let is_before = |name: &str| order[..before].contains(&name);
    dependencies.iter().map(String::as_str).filter(|name| !is_before(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_dependencies_by_section() {
        let text = "[dependencies]\nserde = \"1\"\ngenesys-cloud-b.workspace = true\n\
            [target.'cfg(unix)'.dependencies]\ngenesys-cloud-c = { workspace = true }\n\
            [dev-dependencies]\ngenesys-cloud-d.workspace = true\n";
        let of = |section| of(text, section).expect("a manifest");
        assert_eq!(of("dependencies"), ["genesys-cloud-c", "genesys-cloud-b"]);
        assert_eq!(of("dev-dependencies"), ["genesys-cloud-d"]);
    }

    #[test]
    fn finds_a_dependency_on_a_higher_crate() {
        let dependencies = ["a", "c", "unknown"].map(str::to_owned);
        assert_eq!(against(&["a", "b", "c"], "b", &dependencies), ["c", "unknown"]);
        assert_eq!(against(&["a", "b", "c", "d"], "d", &dependencies[..2]), Vec::<&str>::new());
    }
}
