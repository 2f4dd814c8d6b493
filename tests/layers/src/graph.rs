//! The modules of a crate, and their imports of each other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::scan::{Import, imports};

/// An import of one top-level module by another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    pub from: String,
    pub to: String,
    pub file: PathBuf,
    pub line: usize,
}

/// The top-level modules of a crate, and their imports.
#[derive(Debug, Default)]
pub struct Graph {
    pub modules: BTreeSet<String>,
    pub edges: Vec<Edge>,
}

impl Graph {
    /// Reads the sources of a crate. `src` is the folder of its `lib.rs`.
    pub fn read(src: &Path) -> Result<Self> {
        let mut files = Vec::new();
        collect(src, &mut files)?;
        let mut sources = Vec::new();
        for file in files {
            let source = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
            sources.push((file.strip_prefix(src)?.to_owned(), source));
        }
        Ok(Self::of(&sources))
    }

    /// Builds the graph from files by their path below `src`.
    pub fn of(sources: &[(PathBuf, String)]) -> Self {
        let sources: Vec<_> =
            sources.iter().map(|(file, source)| (file, module(file), source)).collect();
        let modules: BTreeSet<String> =
            sources.iter().filter_map(|(_, module, _)| module.first().cloned()).collect();
        let is_module = |name: &String| modules.contains(name);
        // Re-exports of the crate root and macros, which are also available there, by their module.
        let mut names = BTreeMap::new();
        for (_, module, source) in &sources {
            match module.first() {
                None => {
                    let relative = imports(&[], source).into_iter().map(|import| import.path);
                    for path in relative.filter(|path| path.len() > 1) {
                        names.insert(path[path.len() - 1].clone(), path[0].clone());
                    }
                }
                Some(top) => {
                    for (_, rest) in source
                        .match_indices("macro_rules! ")
                        .map(|(at, word)| (at, &source[at + word.len()..]))
                    {
                        let name =
                            rest.split(|sign: char| !sign.is_alphanumeric() && sign != '_').next();
                        names.insert(name.unwrap_or_default().to_owned(), top.clone());
                    }
                }
            }
        }
        let mut edges = Vec::new();
        for (file, module, source) in &sources {
            // The root may import everything.
            let Some(from) = module.first() else { continue };
            for Import { line, path } in imports(module, source) {
                let Some(first) = path.first() else { continue };
                let to = if is_module(first) { Some(first) } else { names.get(first) };
                if let Some(to) = to.filter(|to| *to != from) {
                    let file = file.to_path_buf();
                    edges.push(Edge { from: from.clone(), to: to.clone(), file, line });
                }
            }
        }
        edges.sort();
        Self { modules, edges }
    }

    /// The imports of a lower layer from a higher one.
    pub fn upward(&self, layers: &[(&str, &[&str])]) -> Vec<&Edge> {
        let layer = |module: &str| layers.iter().position(|(_, modules)| modules.contains(&module));
        let is_upward = |edge: &&Edge| {
            layer(&edge.from).zip(layer(&edge.to)).is_some_and(|(from, to)| from < to)
        };
        self.edges.iter().filter(is_upward).collect()
    }

    /// The modules that are in no layer.
    pub fn unlisted(&self, layers: &[(&str, &[&str])]) -> Vec<&str> {
        let is_listed = |module: &str| layers.iter().any(|(_, modules)| modules.contains(&module));
        self.modules.iter().map(String::as_str).filter(|module| !is_listed(module)).collect()
    }

    /// Groups of modules that import each other, directly or indirectly; groups and members are sorted.
    pub fn cycles(&self) -> Vec<Vec<&str>> {
        let reached = |from: &str| {
            let (mut reached, mut open) = (BTreeSet::new(), vec![from.to_owned()]);
            while let Some(module) = open.pop() {
                for edge in self.edges.iter().filter(|edge| edge.from == module) {
                    if reached.insert(edge.to.as_str()) {
                        open.push(edge.to.clone());
                    }
                }
            }
            reached
        };
        let reached: BTreeMap<&str, BTreeSet<&str>> =
            self.modules.iter().map(|module| (module.as_str(), reached(module))).collect();
        let mut cycles = BTreeSet::new();
        for (module, to) in &reached {
            let cycle: Vec<&str> =
                to.iter().filter(|other| reached[**other].contains(module)).copied().collect();
            if cycle.len() > 1 {
                cycles.insert(cycle);
            }
        }
        cycles.into_iter().collect()
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    Ok(())
}

/// The module path of a file; empty for `lib.rs` and `main.rs`.
fn module(file: &Path) -> Vec<String> {
    let mut path: Vec<String> =
        file.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let is_root = path.len() == 1 && matches!(path[0].as_str(), "lib" | "main");
    if is_root || path.last().is_some_and(|last| last == "mod") {
        path.pop();
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(files: &[(&str, &str)]) -> Graph {
        let files: Vec<_> =
            files.iter().map(|(file, text)| (PathBuf::from(file), (*text).to_owned())).collect();
        Graph::of(&files)
    }

    const LAYERS: &[(&str, &[&str])] = &[("low", &["a", "b"]), ("high", &["c"])];

    #[test]
    fn finds_an_import_from_a_higher_layer() {
        let of = |text: &str| {
            let graph = graph(&[
                ("lib.rs", "mod a;\npub use crate::c::Thing;"),
                ("a/mod.rs", ""),
                ("a/x.rs", text),
                ("c.rs", "macro_rules! made { () => {} }\nuse crate::a::Y;"),
                ("b.rs", ""),
            ]);
            graph
                .upward(LAYERS)
                .into_iter()
                .map(|edge| format!("{}:{} {}", edge.file.display(), edge.line, edge.to))
                .collect::<Vec<_>>()
        };
        assert_eq!(of("use crate::b::Z;\nuse super::y::X;"), Vec::<String>::new());
        assert_eq!(of("\nuse crate::c::D;"), ["a/x.rs:2 c"]);
        assert_eq!(of("fn f() {\n    super::super::c::d()\n}"), ["a/x.rs:2 c"]);
        // Through a re-export of the root, and a macro.
        assert_eq!(of("use crate::Thing;"), ["a/x.rs:1 c"]);
        assert_eq!(of("crate::made!();"), ["a/x.rs:1 c"]);
    }

    #[test]
    fn finds_a_module_without_a_layer() {
        let graph = graph(&[("lib.rs", "mod a;"), ("a.rs", ""), ("new/x.rs", "")]);
        assert_eq!(graph.unlisted(LAYERS), ["new"]);
    }

    #[test]
    fn finds_cycles() {
        let of = |a: &str, b: &str, c: &str| {
            let graph = graph(&[("lib.rs", ""), ("a.rs", a), ("b.rs", b), ("c.rs", c)]);
            graph.cycles().into_iter().map(|cycle| cycle.join(" ")).collect::<Vec<_>>()
        };
        let uses = |name: &str| format!("use crate::{name}::X;");
        assert_eq!(of(&uses("b"), &uses("c"), ""), Vec::<String>::new());
        assert_eq!(of(&uses("b"), &uses("a"), &uses("a")), ["a b"]);
        assert_eq!(of(&uses("b"), &uses("c"), &uses("a")), ["a b c"]);
    }
}
