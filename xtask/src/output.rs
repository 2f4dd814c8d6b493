//! Writes what codegen makes: whole files, and none that it did not create.
//!
//! A crate in a folder of its own (`--out`) has a list of the files that codegen wrote there, with their checksums.
//! A file that is not in the list belongs to someone else, and one whose checksum differs was edited.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

/// The files that codegen makes, by their path below the folder that they go to.
pub type Files = BTreeMap<PathBuf, String>;

/// The list of the files that codegen wrote to a folder.
const MANIFEST: &str = ".codegen-files";

/// What has to be done in a folder, so that it holds the generated files and no older ones.
pub struct Plan {
    root: PathBuf,
    files: Files,
    /// The files that differ from what they should hold, and those that should not be there.
    stale: Vec<PathBuf>,
    /// The checksums that generated files may have, if there is a list of them.
    manifest: Option<Manifest>,
}

/// Checksums by path. While files are written, one may have that of before or after.
type Manifest = BTreeMap<PathBuf, BTreeSet<String>>;

impl Plan {
    /// For the workspace, where the given folders hold generated files only.
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

    /// For a crate in a folder of its own.
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

    /// Refuses to write over files that codegen did not create. Those that were edited since are overwritten with
    /// `force` only.
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
                "--out: {folder} has generated files that were edited since; use --force to overwrite them:\n{}",
                edited.join("\n")
            );
        }
        Ok(())
    }

    /// Writes what differs and removes what should not be there.
    pub fn write(&self) -> Result<()> {
        let of_files = || {
            let sums = self.files.iter().map(|(path, text)| (path.clone(), checksum(text)));
            sums.map(|(path, sum)| (path, BTreeSet::from([sum]))).collect::<Manifest>()
        };
        if let Some(before) = &self.manifest {
            // Should this be interrupted, the next run still knows what it may write over.
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

/// The files that differ from what they should hold.
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
        // Something above the folder may be a file: that is for who writes to say.
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
                "{}: `{line}` is not a file that codegen wrote; remove this list and the files",
                path.display()
            ),
        }
    }
    Ok(manifest)
}

pub fn checksum(text: impl AsRef<[u8]>) -> String {
    Sha256::digest(text.as_ref()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes a file beside its place and moves it there, or removes it.
pub fn write(path: &Path, text: Option<&str>) -> Result<()> {
    let place = || format!("can't write {}", path.display());
    let Some(text) = text else { return fs::remove_file(path).with_context(place) };
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).with_context(place)?;
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // As any file that is made: less what the user's mask takes away.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut beside = builder.tempfile_in(folder).with_context(place)?;
    beside.write_all(text.as_bytes()).with_context(place)?;
    beside.persist(path).with_context(place)?;
    Ok(())
}
