//! What can be completed from the stack in the current directory and from what this user keeps: files are read, no engine is asked.

use super::surroundings::Surroundings;
use crate::boxes::Store;
use crate::envfile::{self, LoadOptions};
use crate::model::digest::short;
use crate::model::id::DEFAULT_ENVIRONMENT;
use crate::model::stack::Stack;
use crate::state::{Directories, LayerRecord, LayerRecords, remembered_snapshots};
use clap_complete::CompletionCandidate;
use clap_complete::engine::{PathCompleter, ValueCompleter};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Names of the machines.
pub fn machines() -> Vec<CompletionCandidate> {
    let Some(stack) = stack() else { return Vec::new() };
    stack
        .machines
        .values()
        .map(|machine| CompletionCandidate::new(&machine.name).help(Some(machine.source_name().into())))
        .collect()
}

/// Paths, here and of the machines, as `env copy` takes them.
pub fn places(typed: &OsStr) -> Vec<CompletionCandidate> {
    let machines = stack().map(|stack| stack.machines).unwrap_or_default();
    or_path(machines.into_keys().map(|name| CompletionCandidate::new(format!("{name}:"))), typed)
}

/// What drift is told against: environments, and paths of captures.
pub fn references(typed: &OsStr) -> Vec<CompletionCandidate> {
    or_path(environments().into_iter(), typed)
}

/// Those that begin as it was typed, and paths that do.
fn or_path(names: impl Iterator<Item = CompletionCandidate>, typed: &OsStr) -> Vec<CompletionCandidate> {
    let begins = |name: &CompletionCandidate| name.get_value().as_bytes().starts_with(typed.as_bytes());
    names.filter(begins).chain(PathCompleter::any().complete(typed)).collect()
}

/// Names of steps.
pub fn steps() -> Vec<CompletionCandidate> {
    let machines = stack().map(|stack| stack.machines).unwrap_or_default();
    let names: BTreeSet<String> =
        machines.into_values().flat_map(|machine| machine.provision).map(|step| step.name).collect();
    names.into_iter().map(CompletionCandidate::new).collect()
}

/// What there is help on.
pub fn topics() -> Vec<CompletionCandidate> {
    crate::passthrough::VERBS.iter().copied().chain(["envfile"]).map(CompletionCandidate::new).collect()
}

/// Names of the environments.
pub fn environments() -> Vec<CompletionCandidate> {
    let mut names = stack().map(|stack| stack.environments).unwrap_or_default();
    if !names.iter().any(|name| name == DEFAULT_ENVIRONMENT) {
        names.insert(0, DEFAULT_ENVIRONMENT.to_owned());
    }
    names.into_iter().map(CompletionCandidate::new).collect()
}

/// Boxes that are kept.
pub fn boxes() -> Vec<CompletionCandidate> {
    let names: BTreeSet<String> = store()
        .map(|store| store.list())
        .unwrap_or_default()
        .into_iter()
        .map(|kept| kept.meta.name)
        .collect();
    names.into_iter().map(CompletionCandidate::new).collect()
}

/// Boxes that can be built.
pub fn recipes() -> Vec<CompletionCandidate> {
    let recipes = store().and_then(|store| store.recipes().list().ok()).unwrap_or_default();
    recipes.iter().map(|recipe| CompletionCandidate::new(recipe.name())).collect()
}

/// Layers that this user made or used.
pub fn layers() -> Vec<CompletionCandidate> {
    let Ok(directories) = Directories::from_environment() else { return Vec::new() };
    let known = LayerRecords::of(&directories).read().layers;
    let candidate = |(key, record): (&String, &LayerRecord)| {
        CompletionCandidate::new(short(key)).help(Some(record.steps.join(", ").into()))
    };
    known.iter().map(candidate).collect()
}

/// Names of the stack's snapshots.
pub fn snapshots() -> Vec<CompletionCandidate> {
    let (Some(stack), Ok(directories)) = (stack(), Directories::from_environment()) else {
        return Vec::new();
    };
    let names = remembered_snapshots(&directories, &stack.directory, &stack.full_name());
    names.into_iter().map(CompletionCandidate::new).collect()
}

fn store() -> Option<Store> {
    let file = envfile(&Surroundings::of_this_process().ok()?);
    let checkout = file.as_deref().and_then(Path::parent);
    Some(Store::open(&Directories::from_environment().ok()?, checkout))
}

fn envfile(surroundings: &Surroundings) -> Option<PathBuf> {
    let named = surroundings.variable("ENVUP_FILE").map(PathBuf::from);
    named.or_else(|| envfile::find(&surroundings.directory))
}

/// A broken Envfile completes nothing; `env validate` says what is wrong with it.
fn stack() -> Option<Stack> {
    let surroundings = Surroundings::of_this_process().ok()?;
    let file = envfile(&surroundings)?;
    let options = LoadOptions { variables: surroundings.variables, ..LoadOptions::default() };
    Some(envfile::load(&file, &options).ok()?.stack)
}
