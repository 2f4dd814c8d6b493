//! `cargo xtask codegen`: from the API document to the bindings.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

use crate::boxes::box_large_records;
use crate::document::{self, Document};
use crate::exceptions::Exceptions;
use crate::flatten::flatten;
use crate::model::Model;
use crate::progenitor::Names;
use crate::{catalogue, conformance, emit, fixups, names};

/// The pinned document, below the workspace.
pub const PINNED: &str = "openapi/genesys-cloud.json";
const CHECKSUM: &str = "openapi/genesys-cloud.json.sha256";

/// What a user asked for.
#[derive(clap::Args, Debug, Default)]
pub struct Options {
    /// Write nothing; fail and name each file that differs from what would be written.
    #[arg(long)]
    pub check: bool,
    /// Another API document (Swagger 2.0 or OpenAPI 3.0, JSON) in the place of the pinned one.
    #[arg(long, value_name = "PATH", requires = "out")]
    pub spec: Option<PathBuf>,
    /// Make a crate of its own in this folder instead of refreshing the workspace.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Only these API groups, such as `routing,users`.
    #[arg(long, value_name = "GROUP,..", value_delimiter = ',')]
    pub only: Vec<String>,
}

/// The files that codegen makes, by their path below the folder that they go to.
pub type Files = BTreeMap<PathBuf, String>;

/// Runs codegen.
pub fn run(workspace: &Path, options: &Options) -> Result<()> {
    let mut stages = Stages::on_stderr();
    options.out.as_deref().map_or(Ok(()), check_out)?;
    let (document, pinned) = load(workspace, options.spec.as_deref(), &mut stages)?;
    let exceptions = exceptions(workspace)?;
    let whole = options.out.is_none();
    check_groups(&document, &options.only)?;
    let document = if whole { document } else { only(document, &options.only) };
    // Of a part of the pinned document, exceptions that match nothing in it say nothing.
    let strict = pinned && (whole || options.only.is_empty());
    let generated = generate(document, &exceptions, strict, &mut stages)?;

    let (root, mut files) = match &options.out {
        Some(out) => (out.clone(), standalone(workspace, &generated)?),
        None => (workspace.to_owned(), in_workspace(workspace, &generated)?),
    };
    let mut folders = generated_folders(whole);
    if whole && !options.only.is_empty() {
        folders = options
            .only
            .iter()
            .map(|group| PathBuf::from(format!("crates/genesys-cloud-api/src/generated/{group}")))
            .collect();
        files.retain(|path, _| folders.iter().any(|folder| path.starts_with(folder)));
    }
    let stale = stale(&root, &files, &folders)?;
    stages.done(&format!("compare {} files", files.len()));
    if options.check {
        if stale.is_empty() {
            stages.say(&format!("up to date: {} files", files.len()));
            return Ok(());
        }
        let names: Vec<String> = stale.iter().map(|path| format!("  {}", path.display())).collect();
        bail!(
            "{} generated files are stale; `cargo xtask codegen` mends them:\n{}",
            names.len(),
            names.join("\n")
        );
    }
    for path in &stale {
        write(&root.join(path), files.get(path).map(String::as_str))?;
    }
    stages.done(&format!("write {} of {} files", stale.len(), files.len()));
    Ok(())
}

/// Reads and mends a document; the pinned one where none is named.
pub fn load(
    workspace: &Path,
    spec: Option<&Path>,
    stages: &mut Stages,
) -> Result<(Document, bool)> {
    let pinned = workspace.join(PINNED);
    let path = spec.unwrap_or(&pinned);
    let text =
        fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))?;
    let is_pinned = spec.is_none();
    if is_pinned {
        check_sum(workspace, &text)?;
    }
    let (document, notes) =
        read(&text, is_pinned).with_context(|| format!("{}", path.display()))?;
    stages.done(&format!(
        "read {} operations, {} definitions",
        document.operations.len(),
        document.definitions.len(),
    ));
    notes.iter().for_each(|note| stages.say(note));
    Ok((document, is_pinned))
}

/// Reads and mends the text of a document, and says what was mended.
pub fn read(text: &str, strict: bool) -> Result<(Document, Vec<String>)> {
    let mut document = document::read(text)?;
    let notes = fixups::apply(&mut document, strict)?;
    document.check()?;
    Ok((document, notes))
}

fn check_sum(workspace: &Path, text: &str) -> Result<()> {
    let stated = fs::read_to_string(workspace.join(CHECKSUM))
        .with_context(|| format!("can't read {CHECKSUM}"))?;
    if stated.split_whitespace().next() != Some(&checksum(text)) {
        bail!(
            "{PINNED} is not the document whose sha256 stands in {CHECKSUM}; \
             if it was changed on purpose, `cargo xtask pin {PINNED}` says so"
        );
    }
    Ok(())
}

fn checksum(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `cargo xtask pin`: makes a document the pinned one, in canonical form.
pub fn pin(workspace: &Path, spec: &Path) -> Result<()> {
    let text =
        fs::read_to_string(spec).with_context(|| format!("can't read {}", spec.display()))?;
    read(&text, false).with_context(|| format!("{}", spec.display()))?;
    let canonical = document::canonical(&text)?;
    let sum = format!("{}  genesys-cloud.json\n", checksum(&canonical));
    write(&workspace.join(PINNED), Some(&canonical))?;
    write(&workspace.join(CHECKSUM), Some(&sum))
}

/// The exceptions that were reviewed for the pinned document. Of another document, they hold for the
/// operations that it has too.
pub fn exceptions(workspace: &Path) -> Result<Exceptions> {
    let read = |name: &str| {
        let path = workspace.join("openapi").join(name);
        fs::read_to_string(&path).with_context(|| format!("can't read {}", path.display()))
    };
    Exceptions::parse(&read("operations.toml")?, &read("page-sizes.tsv")?)
}

/// All that was made of a document.
pub struct Generated {
    pub model: Model,
    /// Sources by their path below `src/generated`.
    pub sources: BTreeMap<String, String>,
    pub operations: String,
    pub definitions: String,
    pub families: String,
}

/// Makes the bindings of a document.
pub fn generate(
    document: Document,
    exceptions: &Exceptions,
    strict: bool,
    stages: &mut Stages,
) -> Result<Generated> {
    let mut flat = document.clone();
    let notes = flatten(&mut flat)?;
    let reached: BTreeSet<String> =
        flat.reached(&flat.operations).into_iter().map(str::to_owned).collect();
    flat.definitions.retain(|name, _| reached.contains(name));
    stages.done(&format!("flatten to {} types", flat.definitions.len()));
    notes.iter().for_each(|note| stages.say(note));

    let progenitor = Names::of(&flat)?;
    stages.done("progenitor");

    let mut model = Model::new(&flat, &progenitor, exceptions, strict)?;
    model.notes.iter().for_each(|note| stages.say(note));
    box_large_records(&mut model);
    if strict {
        exceptions.check_used(&flat)?;
    }
    stages.done(&format!("tag and name, {} groups", model.groups.len()));

    let sources = emit::sources(&model)?;
    let (operations, definitions) = catalogue::files(&document, &model);
    let families = catalogue::families(&model)?;
    let size: usize = sources.values().map(String::len).sum();
    stages.done(&format!("write {:.1} MB of source", size as f64 / 1e6));
    Ok(Generated { model, sources, operations, definitions, families })
}

fn check_groups(document: &Document, only: &[String]) -> Result<()> {
    let known: BTreeSet<String> = document.operations.iter().map(names::group).collect();
    for group in only {
        if !known.contains(group) {
            let all: Vec<&str> = known.iter().map(String::as_str).collect();
            bail!("--only: the document has no group `{group}`; it has {}", all.join(", "));
        }
    }
    Ok(())
}

fn only(mut document: Document, only: &[String]) -> Document {
    if !only.is_empty() {
        document.operations.retain(|operation| only.contains(&names::group(operation)));
    }
    document
}

/// Where the generated files go in the workspace.
fn in_workspace(workspace: &Path, generated: &Generated) -> Result<Files> {
    let mut files = Files::new();
    for (path, text) in &generated.sources {
        files.insert(format!("crates/genesys-cloud-api/src/generated/{path}").into(), text.clone());
    }
    let lists = conformance::lists(&generated.model);
    files.insert("tests/conformance/lists.rs".into(), lists);
    let submits = conformance::submits(&generated.model);
    files.insert("tests/conformance/submits.rs".into(), submits);
    let data = "crates/genesys-cloud-catalogue/data";
    files.insert(format!("{data}/operations.jsonl").into(), generated.operations.clone());
    files.insert(format!("{data}/definitions.jsonl").into(), generated.definitions.clone());
    files.insert(format!("{data}/families.jsonl").into(), generated.families.clone());
    let groups = || generated.model.groups.keys().map(String::as_str);
    for (manifest, features) in [
        ("crates/genesys-cloud-api/Cargo.toml", emit::features(groups())),
        ("crates/genesys-cloud/Cargo.toml", emit::forwarded_features(groups())),
    ] {
        let text = fs::read_to_string(workspace.join(manifest))
            .with_context(|| format!("can't read {manifest}"))?;
        files.insert(
            manifest.into(),
            between_marks(&text, &features).with_context(|| manifest.to_owned())?,
        );
    }
    Ok(files)
}

/// A crate of its own: what the workspace's crate holds, with the groups of another document.
fn standalone(workspace: &Path, generated: &Generated) -> Result<Files> {
    let source = "crates/genesys-cloud-api";
    let mut files = Files::new();
    for (path, text) in &generated.sources {
        files.insert(format!("src/generated/{path}").into(), text.clone());
    }
    for name in ["client.rs", "lib.rs", "prelude.rs"] {
        let text = fs::read_to_string(workspace.join(source).join("src").join(name))
            .with_context(|| format!("can't read {source}/src/{name}"))?;
        files.insert(format!("src/{name}").into(), text);
    }
    files.insert("catalogue/operations.jsonl".into(), generated.operations.clone());
    files.insert("catalogue/definitions.jsonl".into(), generated.definitions.clone());
    files.insert("catalogue/families.jsonl".into(), generated.families.clone());
    let groups = generated.model.groups.keys().map(String::as_str);
    let workspace = workspace.canonicalize()?;
    files.insert("Cargo.toml".into(), emit::standalone_manifest(&workspace, groups));
    Ok(files)
}

/// Refuses a folder that holds a crate which codegen did not make: this workspace, for one.
fn check_out(out: &Path) -> Result<()> {
    let manifest = out.join("Cargo.toml");
    match fs::read_to_string(&manifest) {
        Ok(text) if !text.starts_with(emit::STANDALONE_HEADER) => bail!(
            "--out: {} is not a crate that codegen made; name a folder of its own",
            manifest.display()
        ),
        _ => Ok(()),
    }
}

fn generated_folders(whole: bool) -> Vec<PathBuf> {
    let source = if whole { "crates/genesys-cloud-api/src/generated" } else { "src/generated" };
    vec![source.into()]
}

/// The files that differ from what they should hold, and those that should not be there.
fn stale(root: &Path, files: &Files, folders: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut stale: BTreeSet<PathBuf> = files
        .iter()
        .filter(|(path, text)| fs::read(root.join(path)).ok().as_deref() != Some(text.as_bytes()))
        .map(|(path, _)| path.clone())
        .collect();
    let mut ahead: Vec<PathBuf> = folders.to_vec();
    while let Some(folder) = ahead.pop() {
        let Ok(entries) = fs::read_dir(root.join(&folder)) else { continue };
        for entry in entries {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                ahead.push(path);
            } else if !files.contains_key(&path) {
                stale.insert(path);
            }
        }
    }
    Ok(stale.into_iter().collect())
}

/// Writes a file beside its place and moves it there, or removes it.
fn write(path: &Path, text: Option<&str>) -> Result<()> {
    let place = || format!("can't write {}", path.display());
    let Some(text) = text else { return fs::remove_file(path).with_context(place) };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(place)?;
    }
    let beside = path.with_extension("new");
    fs::write(&beside, text).and_then(|()| fs::rename(&beside, path)).with_context(place)
}

/// The text with what stands between the marks replaced.
fn between_marks(text: &str, new: &str) -> Result<String> {
    let (before, rest) = text
        .split_once("# begin groups")
        .and_then(|(before, rest)| {
            let line = rest.find('\n')? + 1;
            Some((format!("{before}# begin groups{}", &rest[..line]), &rest[line..]))
        })
        .context("the line `# begin groups` is missing")?;
    let end = rest.find("# end groups").context("the line `# end groups` is missing")?;
    Ok(format!("{before}{new}{}", &rest[end..]))
}

/// Tells on stderr how far codegen is and how long each stage took.
pub struct Stages {
    quiet: bool,
    begin: Instant,
    last: Instant,
}

impl Stages {
    pub fn on_stderr() -> Self {
        Self { quiet: false, begin: Instant::now(), last: Instant::now() }
    }

    /// Says nothing, for tests and for commands whose output is something else.
    pub fn quiet() -> Self {
        Self { quiet: true, ..Self::on_stderr() }
    }

    pub fn done(&mut self, what: &str) {
        let now = Instant::now();
        let (took, all) = (now - self.last, now - self.begin);
        if !self.quiet {
            eprintln!("{} {what} (at {})", seconds(took), seconds(all).trim_start());
        }
        self.last = now;
    }

    pub fn say(&self, note: &str) {
        if !self.quiet {
            eprintln!("        {note}");
        }
    }
}

fn seconds(time: Duration) -> String {
    format!("{:6.2} s", time.as_secs_f64())
}
