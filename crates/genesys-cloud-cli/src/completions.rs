//! Shell completion. The script of a shell runs this program for the candidates, so that they include the operations
//! and parameters of its own API document.

use std::ffi::{OsStr, OsString};

use clap_complete::CompletionCandidate;
use clap_complete::Shell;
use clap_complete::env::{CompleteEnv, Shells};
use genesys_cloud_catalogue::{Catalogue, Location, Operation};
use genesys_cloud_core::specs::{self, OperationKind};

use crate::capabilities;
use crate::failure::{Exit, Failure};
use crate::profiles;
use crate::resolve::rust_name;

/// The variable with the shell for which the program completes a command line.
const VARIABLE: &str = "GENESYS_CLOUD_COMPLETE";

const PROGRAM: &str = "genesys-cloud";

/// Prints candidates for this command and exits, if a shell requests them.
pub(crate) fn complete(command: impl Fn() -> clap::Command) {
    CompleteEnv::with_factory(command).var(VARIABLE).bin(PROGRAM).complete();
}

/// Returns the script that registers the completion.
pub(crate) fn script(shell: Shell) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    let shells = Shells::builtins();
    let completer = shells.completer(&shell.to_string()).ok_or_else(|| {
        Failure::new(Exit::Usage, format!("completions for {shell} are not supported"))
    })?;
    completer.write_registration(VARIABLE, PROGRAM, PROGRAM, PROGRAM, &mut text)?;
    Ok(text)
}

/// Completes the name of an operation; for `export`, of one that can be exported.
pub(crate) fn operations(current: &OsStr) -> Vec<CompletionCandidate> {
    let exports = std::env::args_os().any(|word| word == "export");
    names(current, |entry| {
        let kind = || specs::kind(Catalogue::embedded(), entry);
        !exports || matches!(kind(), Ok(OperationKind::List(_) | OperationKind::Job(_)))
    })
}

/// Completes the name of an operation or a type.
pub(crate) fn subjects(current: &OsStr) -> Vec<CompletionCandidate> {
    let types = Catalogue::embedded().definition_names().filter(|name| {
        // All types would hide the operations.
        !current.is_empty() && starts(name, current)
    });
    let mut found = operations(current);
    found.extend(types.map(CompletionCandidate::new));
    found
}

fn names(current: &OsStr, is_wanted: impl Fn(&Operation) -> bool) -> Vec<CompletionCandidate> {
    let operations = || Catalogue::embedded().operations();
    let candidate = |name: String, entry: &Operation| {
        let help = entry.summary.clone().map(Into::into);
        CompletionCandidate::new(name).help(help)
    };
    let wanted = |it: &&Operation| starts(&rust_name(it), current) && is_wanted(it);
    let mut found: Vec<_> =
        operations().filter(wanted).map(|it| candidate(rust_name(it), it)).collect();
    if found.is_empty() {
        let wanted = |it: &&Operation| starts(&it.id, current) && is_wanted(it);
        found = operations().filter(wanted).map(|it| candidate(it.id.clone(), it)).collect();
    }
    found
}

/// Completes the name of a parameter of the operation on the command line, and its value if it has a fixed set.
pub(crate) fn parameters(current: &OsStr) -> Vec<CompletionCandidate> {
    let words: Vec<OsString> = std::env::args_os().collect();
    operation_of(&words).map(|it| parameters_of(it, current)).unwrap_or_default()
}

/// Finds the operation in the command line.
fn operation_of(words: &[OsString]) -> Option<&'static Operation> {
    let catalogue = Catalogue::embedded();
    let is_command = |word: &OsString| word == "export" || word == "call";
    let words = words.iter().skip_while(|word| !is_command(word)).skip(1);
    words.filter_map(|word| word.to_str()).find_map(|word| catalogue.operation(word))
}

fn parameters_of(entry: &Operation, current: &OsStr) -> Vec<CompletionCandidate> {
    let current = current.to_string_lossy();
    let kind = specs::kind(Catalogue::embedded(), entry).ok();
    let is_set = |name: &str| {
        kind.as_ref().is_some_and(|kind| capabilities::chooses_page(kind, entry, name))
    };
    if let Some((name, value)) = current.split_once('=') {
        let Some(parameter) = entry.parameter(name) else { return Vec::new() };
        let listed = parameter.items.as_ref().map_or(&parameter.values, |it| &it.values);
        let values = listed.iter().filter_map(|it| it.as_str()).filter(|it| it.starts_with(value));
        return values.map(|it| CompletionCandidate::new(format!("{name}={it}"))).collect();
    }
    let known = entry.parameters.iter().filter(|it| !is_set(&it.name));
    let mut known: Vec<_> = known.filter(|it| it.name.starts_with(&*current)).collect();
    // Required parameters come first.
    known.sort_by_key(|it| !(it.required || it.location == Location::Path));
    let candidate = |it: &genesys_cloud_catalogue::Parameter| {
        let help = it.description.clone().map(Into::into);
        CompletionCandidate::new(format!("{}=", it.name)).help(help)
    };
    known.into_iter().map(candidate).collect()
}

/// Completes the name of a profile.
pub(crate) fn profiles(current: &OsStr) -> Vec<CompletionCandidate> {
    let names = profiles::names().into_iter().filter(|name| starts(name, current));
    names.map(CompletionCandidate::new).collect()
}

fn starts(name: &str, current: &OsStr) -> bool {
    current.to_str().is_some_and(|current| name.starts_with(current))
}
