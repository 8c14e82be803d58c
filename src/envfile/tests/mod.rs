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

fn load_in(directory: &Path) -> crate::model::Result<Loaded> {
    let variables =
        BTreeMap::from([("TAG".to_owned(), "16".to_owned()), ("HOME".to_owned(), "/home/me".to_owned())]);
    load(&directory.join(FILE_NAME), &LoadOptions { variables, ..LoadOptions::default() })
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
mod files;
mod keys;
mod refused;
mod refused_steps;
