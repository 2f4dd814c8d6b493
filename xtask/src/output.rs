//! Writes the generated files, without touching files that codegen did not create.
//!
//! A separate crate (`--out`) has a list of the files that codegen wrote, with their checksums. A file that is not in
//! the list belongs to someone else, and a file with another checksum was edited.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

/// The generated files, by path below the output folder.
pub type Files = BTreeMap<PathBuf, String>;

/// The name of the list of generated files.
const MANIFEST: &str = ".codegen-files";

/// The changes that bring a folder up to date.
pub struct Plan {
    root: PathBuf,
    files: Files,
    /// Files to write, and files to remove.
    stale: Vec<PathBuf>,
    /// The checksums of the generated files, if the folder has a list.
    manifest: Option<Manifest>,
}

/// Checksums by path. During a write, a file may have either the old or the new one.
type Manifest = BTreeMap<PathBuf, BTreeSet<String>>;

impl Plan {
    /// Plans an update of the workspace, where the given folders have only generated files.
    pub fn in_workspace(root: &Path, files: Files, folders: &[PathBuf]) -> Result<Self> {
        let mut stale = differing(root, &files);
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
        let stale = stale.into_iter().collect();
        Ok(Self { root: root.to_owned(), files, stale, manifest: None })
    }

    /// Plans an update of a separate crate.
    pub fn standalone(root: &Path, files: Files) -> Result<Self> {
        let manifest = read_manifest(root)?;
        let mut stale = differing(root, &files);
        let is_there = |path: &Path| root.join(path).symlink_metadata().is_ok();
        stale
            .extend(manifest.keys().filter(|it| !files.contains_key(*it) && is_there(it)).cloned());
        let stale = stale.into_iter().collect();
        Ok(Self { root: root.to_owned(), files, stale, manifest: Some(manifest) })
    }

    pub fn files(&self) -> usize {
        self.files.len()
    }

    pub fn stale(&self) -> &[PathBuf] {
        &self.stale
    }

    /// Fails if a file to write was not created by codegen or, without `force`, was edited.
    pub fn check(&self, force: bool) -> Result<()> {
        let Some(manifest) = &self.manifest else { return Ok(()) };
        let (mut foreign, mut edited) = (Vec::new(), Vec::new());
        for path in &self.stale {
            let name = format!("  {}", path.display());
            let path_there = self.root.join(path);
            let held = match fs::read(&path_there) {
                Ok(held) => held,
                Err(_) if path_there.symlink_metadata().is_err() => continue,
                Err(_) => {
                    foreign.push(name);
                    continue;
                }
            };
            match manifest.get(path) {
                None => foreign.push(name),
                Some(sums) if sums.contains(&checksum(&held)) => {}
                Some(_) => edited.push(name),
            }
        }
        let folder = self.root.display();
        if !foreign.is_empty() {
            bail!(
                "--out: {folder} has files that codegen did not create; choose another folder:\n{}",
                foreign.join("\n")
            );
        }
        if !edited.is_empty() && !force {
            bail!(
                "--out: {folder} has generated files that were edited; use --force to overwrite them:\n{}",
                edited.join("\n")
            );
        }
        Ok(())
    }

    /// Writes stale files and removes obsolete ones.
    pub fn write(&self) -> Result<()> {
        let of_files = || {
            let sums = self.files.iter().map(|(path, text)| (path.clone(), checksum(text)));
            sums.map(|(path, sum)| (path, BTreeSet::from([sum]))).collect::<Manifest>()
        };
        if let Some(before) = &self.manifest {
            // If this is interrupted, the next run still knows which files it may overwrite.
            let mut both = of_files();
            for (path, sums) in before {
                both.entry(path.clone()).or_default().extend(sums.iter().cloned());
            }
            self.write_manifest(&both)?;
        }
        for path in &self.stale {
            write(&self.root.join(path), self.files.get(path).map(String::as_str))?;
        }
        match self.manifest {
            Some(_) => self.write_manifest(&of_files()),
            None => Ok(()),
        }
    }

    fn write_manifest(&self, manifest: &Manifest) -> Result<()> {
        let mut text =
            String::from("# Files that `cargo xtask codegen --out` wrote, with their sha256.\n");
        for (path, sums) in manifest {
            for sum in sums {
                text.push_str(&format!("{sum}  {}\n", path.display()));
            }
        }
        let path = self.root.join(MANIFEST);
        match fs::read_to_string(&path) {
            Ok(known) if known == text => Ok(()),
            _ => write(&path, Some(&text)),
        }
    }
}

/// The files whose content differs.
fn differing(root: &Path, files: &Files) -> BTreeSet<PathBuf> {
    files
        .iter()
        .filter(|(path, text)| fs::read(root.join(path)).ok().as_deref() != Some(text.as_bytes()))
        .map(|(path, _)| path.clone())
        .collect()
}

fn read_manifest(root: &Path) -> Result<Manifest> {
    let path = root.join(MANIFEST);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        // A parent of the folder may be a file: writing will report that.
        Err(_) if !path.exists() => return Ok(Manifest::new()),
        Err(error) => return Err(error).with_context(|| format!("can't read {}", path.display())),
    };
    let mut manifest = Manifest::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let entry = line.split_once("  ").map(|(sum, file)| (sum, PathBuf::from(file)));
        let is_below = |file: &Path| file.components().all(|it| matches!(it, Component::Normal(_)));
        match entry {
            Some((sum, file)) if is_below(&file) => {
                manifest.entry(file).or_default().insert(sum.to_owned());
            }
            _ => bail!(
                "{}: `{line}` is not an entry of this list; remove the list and the generated files",
                path.display()
            ),
        }
    }
    Ok(manifest)
}

pub fn checksum(text: impl AsRef<[u8]>) -> String {
    Sha256::digest(text.as_ref()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Replaces a file atomically, or removes it.
pub fn write(path: &Path, text: Option<&str>) -> Result<()> {
    let place = || format!("can't write {}", path.display());
    let Some(text) = text else { return fs::remove_file(path).with_context(place) };
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).with_context(place)?;
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // The mode of any new file, subject to the umask.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut beside = builder.tempfile_in(folder).with_context(place)?;
    beside.write_all(text.as_bytes()).with_context(place)?;
    beside.persist(path).with_context(place)?;
    Ok(())
}
