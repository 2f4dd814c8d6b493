//! Runs the seeds of the fuzz targets and simple, reproducible mutants. `fuzz/` finds new ones.

use std::fs;
use std::hash::{DefaultHasher, Hasher as _};
use std::panic;
use std::path::{Path, PathBuf};

use genesys_cloud_core::fuzzing;

/// Mutants per seed.
const MUTANTS: u64 = 300;

/// Seeds are truncated to this length.
const LONGEST: usize = 8 << 10;

type Target = fn(&[u8]);

const TARGETS: [(&str, Target); 9] = [
    ("checkpoint", fuzzing::checkpoint),
    ("document", xtask::document::fuzzing::document),
    ("error_response", fuzzing::error_response),
    ("file", fuzzing::file),
    ("headers", fuzzing::headers),
    ("job", fuzzing::job),
    ("link", fuzzing::link),
    ("list", fuzzing::list),
    ("page", fuzzing::page),
];

/// Random insertions: fragments of JSON, URLs and headers, and extreme numbers.
const FRAGMENTS: [&[u8]; 28] = [
    b"\0",
    b"\n",
    b"\"",
    b"\\",
    b"\\u00e9",
    b"\\ud800",
    b"{",
    b"}",
    b"[",
    b"]",
    b"[[[[[[[[",
    b":",
    b",",
    b"null",
    b"true",
    b"-1",
    b"0",
    b"18446744073709551615",
    b"99999999999999999999",
    b"1e999",
    b"0.5",
    b"/",
    b"..",
    b"//",
    b"?",
    b"%2e",
    b"\xff",
    b"\xef\xbb\xbf",
];

#[test]
fn every_target_has_seeds_and_every_seed_a_target() {
    let folders = fs::read_dir(folder("")).expect("the folder of the seeds");
    let mut folders: Vec<_> = folders.map(|entry| entry.expect("an entry").file_name()).collect();
    folders.sort();
    assert_eq!(folders, TARGETS.map(|(name, _)| name));
    for (name, _) in TARGETS {
        assert!(!seeds(name).is_empty(), "{name}");
        let program = folder("").with_file_name("fuzz_targets").join(name).with_extension("rs");
        assert!(program.exists(), "{}", program.display());
    }
}

#[test]
fn seeds_and_mutants_pass_every_target() {
    for (name, target) in TARGETS {
        let seeds = seeds(name);
        for (at, (path, seed)) in seeds.iter().enumerate() {
            run(target, seed, path, "as it is");
            let mut rng = Rng::of(name, seed);
            for number in 0..MUTANTS {
                let mut mutant = seed.clone();
                for _ in 0..=rng.below(4) {
                    let other = &seeds[(at + rng.below(seeds.len())) % seeds.len()].1;
                    mutate(&mut mutant, other, &mut rng);
                }
                mutant.truncate(LONGEST);
                run(target, &mutant, path, &format!("mutant {number}"));
            }
        }
    }
}

/// Reports the failing input, so that it can become a seed.
fn run(target: Target, data: &[u8], seed: &Path, what: &str) {
    let outcome = panic::catch_unwind(|| target(data));
    assert!(outcome.is_ok(), "{}, {what}: \"{}\"", seed.display(), data.escape_ascii());
}

fn mutate(data: &mut Vec<u8>, other: &[u8], rng: &mut Rng) {
    let at = rng.below(data.len() + 1);
    let end = (at + 1 + rng.below(16)).min(data.len());
    match rng.below(6) {
        0 if at < data.len() => data[at] ^= 1 << rng.below(8),
        1 => drop(data.drain(at..end)),
        2 => data.truncate(at),
        3 => {
            let copy = data[at..end].to_vec();
            data.splice(at..at, copy);
        }
        4 => {
            let from = rng.below(other.len() + 1);
            data.truncate(at);
            data.extend_from_slice(&other[from..]);
        }
        _ => drop(data.splice(at..at, FRAGMENTS[rng.below(FRAGMENTS.len())].iter().copied())),
    }
}

fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("fuzz").join("seeds").join(target)
}

/// Sorted by name.
fn seeds(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = fs::read_dir(folder(target)).expect("a folder of seeds");
    let mut paths: Vec<_> = folder.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    let read = |path: PathBuf| {
        let seed = fs::read(&path).expect("a seed");
        (path, seed)
    };
    paths.into_iter().map(read).collect()
}

/// Reproducible random numbers.
struct Rng(u64);

impl Rng {
    fn of(target: &str, seed: &[u8]) -> Self {
        let mut hasher = DefaultHasher::new();
        hasher.write(target.as_bytes());
        hasher.write(seed);
        Self(hasher.finish())
    }

    /// Returns a number in `0..most` (SplitMix64).
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) as usize % most.max(1)
    }
}
