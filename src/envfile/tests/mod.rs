//! The whole way from text to stack or errors; small parts are tested beside their code.

use super::*;
use crate::model::stack::Stack;
use std::collections::BTreeMap;
use std::path::Path;

/// A directory with an Envfile and further files.
fn project(envfile: &str, files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (path, content) in files.iter().chain(&[(FILE_NAME, envfile)]) {
        let path = directory.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    directory
}

fn options(environment: Option<&str>) -> LoadOptions {
    let variables =
        BTreeMap::from([("TAG".to_owned(), "16".to_owned()), ("HOME".to_owned(), "/home/me".to_owned())]);
    LoadOptions { variables, environment: environment.map(str::to_owned), ..LoadOptions::default() }
}

fn load_in(directory: &Path) -> crate::model::Result<Loaded> {
    load(&directory.join(FILE_NAME), &options(None))
}

fn load_as(environment: &str, envfile: &str) -> crate::model::Result<Loaded> {
    load(&project(envfile, &[]).path().join(FILE_NAME), &options(Some(environment)))
}

/// The stack as one environment has it.
fn stack_as(environment: &str, envfile: &str) -> Stack {
    load_as(environment, envfile).unwrap_or_else(|error| panic!("{}", shown(&error))).stack
}

fn refused_as(environment: &str, envfile: &str) -> String {
    shown(&load_as(environment, envfile).map(|loaded| loaded.stack).unwrap_err())
}

fn stack_of(envfile: &str, files: &[(&str, &str)]) -> Stack {
    let directory = project(envfile, files);
    load_in(directory.path()).unwrap_or_else(|error| panic!("{}", shown(&error))).stack
}

/// As the printer shows it.
fn shown(error: &crate::model::Error) -> String {
    assert_eq!(error.kind, crate::model::Kind::Usage);
    let message = Some(error.message.clone()).filter(|message| !message.is_empty());
    let hints = error.hints.iter().map(|hint| format!("hint: {hint}"));
    message.into_iter().chain(error.detail.clone()).chain(hints).collect::<Vec<_>>().join("\n")
}

fn refused(envfile: &str, files: &[(&str, &str)]) -> String {
    let directory = project(envfile, files);
    match load_in(directory.path()) {
        Ok(loaded) => panic!("accepted: {:#?}", loaded.stack),
        Err(error) => shown(&error).replace(&directory.path().display().to_string(), "DIR"),
    }
}

mod accepted;
mod crossed;
mod drift;
mod environments;
mod files;
mod hosts;
mod keys;
mod refused;
mod refused_steps;
