//! `cargo xtask codegen`: generates the bindings from the API document.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::boxes::box_large_records;
use crate::document::{self, Document};
use crate::exceptions::Exceptions;
use crate::flatten::flatten;
use crate::model::Model;
use crate::notes::{Notes, Rule};
use crate::output::{self, Files, Plan, checksum};
use crate::progenitor::{self, Names};
use crate::{catalogue, conformance, emit, fixups, names};

/// The pinned document, relative to the workspace.
pub const PINNED: &str = "openapi/genesys-cloud.json";
const CHECKSUM: &str = "openapi/genesys-cloud.json.sha256";

/// Options of `cargo xtask codegen`.
#[derive(clap::Args, Debug, Default)]
pub struct Options {
    /// Write nothing; fail and name each file that is out of date.
    #[arg(long)]
    pub check: bool,
    /// API document to read instead of the pinned one (Swagger 2.0, OpenAPI 3.0 or 3.1, as JSON).
    #[arg(long, value_name = "PATH", requires = "out")]
    pub spec: Option<PathBuf>,
    /// Write a separate crate to this folder instead of updating the workspace.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Overwrite generated files of the `--out` folder even if they were edited.
    #[arg(long, requires = "out")]
    pub force: bool,
    /// Fail on any construct that codegen can't represent. Always on for the pinned document.
    #[arg(long)]
    pub strict: bool,
    /// Write each construct that codegen can't represent to this file, as JSON lines.
    #[arg(long, value_name = "FILE")]
    pub notes: Option<PathBuf>,
    /// Generate only these API groups, such as `routing,users`.
    #[arg(long, value_name = "GROUP,..", value_delimiter = ',')]
    pub only: Vec<String>,
}

/// Runs codegen.
pub fn run(workspace: &Path, options: &Options) -> Result<()> {
    let mut stages = Stages::on_stderr();
    let loaded = load(workspace, options.spec.as_deref(), &mut stages)?;
    let Loaded { document, mut notes, is_pinned, file } = loaded;
    let exceptions = exceptions(workspace)?;
    let whole = options.out.is_none();
    check_groups(&document, &options.only)?;
    let document = if whole { document } else { only(document, &options.only) };
    // In a part of the pinned document, an exception may match nothing.
    let pinned = is_pinned && (whole || options.only.is_empty());
    let place = || file.display().to_string();
    let generated = generate(document, &exceptions, pinned, &mut stages);
    // Errors about the pinned document concern its exceptions, and name their file.
    let generated = if is_pinned { generated? } else { generated.with_context(place)? };
    notes.extend(generated.notes.iter().cloned());
    if let Some(path) = &options.notes {
        output::write(path, Some(&notes.json_lines(&place())))?;
    }
    if is_pinned || options.strict {
        notes.refuse().with_context(place)?;
    }

    let plan = match &options.out {
        Some(out) => Plan::standalone(out, standalone(workspace, &generated)?)?,
        None => {
            let mut files = in_workspace(workspace, &generated)?;
            let mut folders = vec![PathBuf::from("crates/genesys-cloud-api/src/generated")];
            if !options.only.is_empty() {
                folders = options.only.iter().map(|group| folders[0].join(group)).collect();
                files.retain(|path, _| folders.iter().any(|folder| path.starts_with(folder)));
            }
            Plan::in_workspace(workspace, files, &folders)?
        }
    };
    stages.done(&format!("compare {} files", plan.files()));
    if options.check {
        if plan.stale().is_empty() {
            stages.say(&format!("up to date: {} files", plan.files()));
            return Ok(());
        }
        let names: Vec<String> =
            plan.stale().iter().map(|path| format!("  {}", path.display())).collect();
        bail!(
            "{} generated files are stale; run `cargo xtask codegen`:\n{}",
            names.len(),
            names.join("\n")
        );
    }
    plan.check(options.force)?;
    plan.write()?;
    stages.done(&format!("write {} of {} files", plan.stale().len(), plan.files()));
    stages.list(&notes, &place());
    Ok(())
}

/// A document and its notes.
pub struct Loaded {
    pub document: Document,
    pub notes: Notes,
    pub is_pinned: bool,
    pub file: PathBuf,
}

/// Reads a document, by default the pinned one, and applies the fixups.
pub fn load(workspace: &Path, spec: Option<&Path>, stages: &mut Stages) -> Result<Loaded> {
    let file = spec.map_or_else(|| workspace.join(PINNED), Path::to_owned);
    let text =
        fs::read_to_string(&file).with_context(|| format!("can't read {}", file.display()))?;
    let is_pinned = spec.is_none();
    if is_pinned {
        check_sum(workspace, &text)?;
    }
    let place = || file.display().to_string();
    let (document, notes) = read(&text, is_pinned).with_context(place)?;
    if is_pinned {
        notes.refuse().with_context(place)?;
    }
    stages.done(&format!(
        "read {} operations, {} definitions",
        document.operations.len(),
        document.definitions.len(),
    ));
    Ok(Loaded { document, notes, is_pinned, file })
}

/// Reads the text of a document, applies the fixups, and notes what codegen can't represent.
pub fn read(text: &str, pinned: bool) -> Result<(Document, Notes)> {
    let (mut document, mut notes) = document::read(text)?;
    fixups::apply(&mut document, pinned, &mut notes)?;
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

/// `cargo xtask pin`: pins a document, in canonical form.
pub fn pin(workspace: &Path, spec: &Path) -> Result<()> {
    let text =
        fs::read_to_string(spec).with_context(|| format!("can't read {}", spec.display()))?;
    let place = || spec.display().to_string();
    let (_, notes) = read(&text, false).with_context(place)?;
    notes.refuse().with_context(place)?;
    let canonical = document::canonical(&text)?;
    let sum = format!("{}  genesys-cloud.json\n", checksum(&canonical));
    output::write(&workspace.join(PINNED), Some(&canonical))?;
    output::write(&workspace.join(CHECKSUM), Some(&sum))
}

/// Reads the exceptions, reviewed for the pinned document. They apply to the same operations of another document.
pub fn exceptions(workspace: &Path) -> Result<Exceptions> {
    let read = |name: &str| {
        let path = workspace.join("openapi").join(name);
        fs::read_to_string(&path).with_context(|| format!("can't read {}", path.display()))
    };
    Exceptions::parse(&read("operations.toml")?, &read("page-sizes.tsv")?, &read("parents.tsv")?)
}

/// Everything generated from a document.
pub struct Generated {
    pub model: Model,
    /// Sources by path below `src/generated`.
    pub sources: BTreeMap<String, String>,
    pub operations: String,
    pub definitions: String,
    pub families: String,
    pub notes: Notes,
}

/// Generates the bindings of a document. For the pinned one, every exception must apply and no note may be left.
pub fn generate(
    mut document: Document,
    exceptions: &Exceptions,
    pinned: bool,
    stages: &mut Stages,
) -> Result<Generated> {
    let mut left_out = Notes::default();
    let (flat, mut notes, progenitor) = loop {
        let mut flat = document.clone();
        let notes = flatten(&mut flat);
        let reached: BTreeSet<String> =
            flat.reached(&flat.operations).into_iter().map(str::to_owned).collect();
        flat.definitions.retain(|name, _| reached.contains(name));
        stages.done(&format!("flatten to {} types", flat.definitions.len()));
        match Names::of(&flat) {
            Ok(names) => break (flat, notes, names),
            Err(error) if pinned => return Err(error),
            Err(error) => leave_out_unnamed(&mut document, &flat, error, &mut left_out)?,
        }
    };
    notes.extend(left_out);
    stages.done("progenitor");

    let mut model = Model::new(&flat, &progenitor, exceptions, pinned)?;
    notes.extend(model.notes.iter().cloned());
    box_large_records(&mut model);
    if pinned {
        exceptions.check_used(&flat)?;
    }
    stages.done(&format!("tag and name, {} groups", model.groups.len()));

    let sources = emit::sources(&model)?;
    let (operations, definitions) = catalogue::files(&document, &model);
    let families = catalogue::families(&model)?;
    let size: usize = sources.values().map(String::len).sum();
    stages.done(&format!("write {:.1} MB of source", size as f64 / 1e6));
    Ok(Generated { model, sources, operations, definitions, families, notes })
}

/// Removes the operations that progenitor rejects.
fn leave_out_unnamed(
    document: &mut Document,
    flat: &Document,
    error: anyhow::Error,
    notes: &mut Notes,
) -> Result<()> {
    let refused: BTreeMap<usize, String> = progenitor::rejected(flat).into_iter().collect();
    if refused.is_empty() {
        return Err(error);
    }
    let mut index = 0;
    document.operations.retain(|operation| {
        let why = refused.get(&index);
        if let Some(why) = why {
            let what = format!("{}: {why}", operation.place());
            notes.add(Rule::Name, operation.at.as_str(), what);
        }
        index += 1;
        why.is_none()
    });
    Ok(())
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

/// The generated files by path in the workspace.
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

/// The files of a separate crate: the workspace's crate, with the groups of another document.
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

/// Replaces the text between the marks.
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

/// Prints the progress of codegen, and the time of each stage, to stderr.
pub struct Stages {
    quiet: bool,
    begin: Instant,
    last: Instant,
}

impl Stages {
    pub fn on_stderr() -> Self {
        Self { quiet: false, begin: Instant::now(), last: Instant::now() }
    }

    /// Prints nothing: for tests, and for commands with other output.
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

    /// Lists the notes on a document by rule, the first few of each.
    fn list(&self, notes: &Notes, file: &str) {
        if !self.quiet && !notes.is_empty() {
            eprintln!("{} notes on {file}; `--notes FILE` writes all of them", notes.len());
            eprint!("{}", notes.summary());
        }
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
