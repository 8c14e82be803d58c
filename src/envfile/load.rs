//! Finds the Envfile, reads it and what it names, and hands out the stack or all that is wrong.

use super::check::{check, doubts};
use super::dotenv;
use super::environment;
use super::keys::KeyDoc;
use super::reader::{Reader, Scope};
use super::schema::{self, Given};
use super::source::{Diagnostic, Source, report};
use crate::model::id::{DEFAULT_ENVIRONMENT, why_bad_name};
use crate::model::stack::Stack;
use crate::model::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use toml::de::DeTable;

/// The name by which an Envfile is found.
pub const FILE_NAME: &str = "Envfile";

/// The way out when there is none.
const NO_FILE: &str = "`env new` writes an Envfile to begin with, `--file` names one elsewhere.";

/// More than this is not an Envfile but a mistake.
const LARGEST: u64 = 1 << 20;

/// What the caller gives besides the file.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    /// Name of the environment; `dev` when not given.
    pub environment: Option<String>,
    /// The host's environment variables.
    pub variables: BTreeMap<String, String>,
    /// Name of the project instead of the Envfile's, for further copies.
    pub project: Option<String>,
}

/// A stack and what was found on the way.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The stack.
    pub stack: Stack,
    /// What is doubtful but not wrong.
    pub warnings: Vec<String>,
    /// Every file whose content went into the stack.
    pub files_read: Vec<PathBuf>,
}

/// The nearest Envfile in `start` or a directory above it.
pub fn find(start: &Path) -> Option<PathBuf> {
    start.ancestors().map(|directory| directory.join(FILE_NAME)).find(|file| file.is_file())
}

/// Reads an Envfile and everything it names.
pub fn load(file: &Path, options: &LoadOptions) -> Result<Loaded> {
    load_noting(file, options).map(|(loaded, _)| loaded)
}

/// The same, and which keys were there.
pub(super) fn load_noting(file: &Path, options: &LoadOptions) -> Result<(Loaded, BTreeSet<KeyDoc>)> {
    let examined = Envfile::read(file, options)?.load(options)?;
    Ok((examined.loaded, examined.seen))
}

/// Reads an Envfile as if it had been edited already, and gives the edited text too.
pub(super) fn load_edited(
    file: &Path,
    options: &LoadOptions,
    edit: impl FnOnce(&str) -> Result<String>,
) -> Result<(Loaded, String)> {
    let mut envfile = Envfile::read(file, options)?;
    let text = edit(&envfile.source.text)?;
    envfile.source = Rc::new(Source { name: envfile.source.name.clone(), text: text.clone() });
    Ok((envfile.load(options)?.loaded, text))
}

/// Reads an Envfile as every one of its environments has it: first as `dev`, then in the Envfile's order. What is wrong or
/// doubtful in an environment only is told with its name.
pub fn load_all(file: &Path, options: &LoadOptions) -> Result<Vec<Loaded>> {
    let envfile = Envfile::read(file, options)?;
    let document = envfile.parse()?;
    let mut names = environment::declared(&document);
    names.retain(|name| name != DEFAULT_ENVIRONMENT);
    let dev = envfile.examine(&document, DEFAULT_ENVIRONMENT);
    let (mut found, mut all) = (dev.found, vec![dev.loaded]);
    let told: BTreeSet<String> = found.iter().map(Diagnostic::render).collect();
    for name in &names {
        let mut examined = envfile.examine(&document, name);
        let own = examined.found.into_iter().filter(|one| !told.contains(&one.render()));
        found.extend(own.map(|one| one.of_environment(name)));
        let warnings = &mut examined.loaded.warnings;
        warnings.retain(|warning| !all[0].warnings.contains(warning));
        warnings.iter_mut().for_each(|warning| *warning = format!("environment {name}: {warning}"));
        all.push(examined.loaded);
    }
    if found.is_empty() { Ok(all) } else { Err(report(found)) }
}

/// An Envfile with what is read once for all its environments.
struct Envfile<'o> {
    file: PathBuf,
    directory: PathBuf,
    source: Rc<Source>,
    /// The host's environment over `.env`.
    host: BTreeMap<String, String>,
    files_read: Vec<PathBuf>,
    project: Option<&'o str>,
}

/// One environment's reading of an Envfile; the stack is only worth something when nothing was found.
struct Examined {
    loaded: Loaded,
    found: Vec<Diagnostic>,
    seen: BTreeSet<KeyDoc>,
}

impl<'o> Envfile<'o> {
    fn read(file: &Path, options: &'o LoadOptions) -> Result<Self> {
        let file = located(file)?;
        let directory = file.parent().unwrap_or(Path::new("/")).to_owned();
        let project = options.project.as_deref();
        if let Some((name, why)) = project.and_then(|name| Some((name, why_bad_name(name)?))) {
            return Err(Error::usage(format!("the name `{name}` {why}")));
        }
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let text =
            read_text(&file).map_err(|error| if file.exists() { error } else { error.hint(NO_FILE) })?;
        let source = Rc::new(Source { name, text });

        let mut files_read = vec![file.clone()];
        let mut host = BTreeMap::new();
        let dotenv_file = directory.join(".env");
        if dotenv_file.is_file() {
            let dotenv = Rc::new(Source { name: ".env".to_owned(), text: read_text(&dotenv_file)? });
            host = dotenv::parse(&dotenv).map_err(|wrong| report(vec![wrong]))?;
            files_read.push(dotenv_file);
        }
        host.extend(options.variables.clone());
        Ok(Self { file, directory, source, host, files_read, project })
    }

    fn parse(&self) -> Result<DeTable<'_>> {
        let (document, errors) = DeTable::parse_recoverable(&self.source.text);
        if errors.is_empty() {
            return Ok(document.into_inner());
        }
        let finding = |error: &toml::de::Error| {
            let span = error.span().unwrap_or(0..0);
            Diagnostic::new(&self.source, span, error.message())
        };
        // What follows the first slip is mostly its consequence.
        Err(report(errors.iter().take(3).map(finding).collect()).hint("an Envfile is written in TOML."))
    }

    /// One environment's reading, in which nothing is wrong.
    fn load(&self, options: &LoadOptions) -> Result<Examined> {
        let document = self.parse()?;
        let environment = options.environment.as_deref().unwrap_or(DEFAULT_ENVIRONMENT);
        environment::known(environment, &environment::declared(&document))?;
        let examined = self.examine(&document, environment);
        if examined.found.is_empty() { Ok(examined) } else { Err(report(examined.found)) }
    }

    fn examine(&self, document: &DeTable, environment: &str) -> Examined {
        let reader = Reader {
            source: self.source.clone(),
            directory: self.directory.clone(),
            found: Default::default(),
            warnings: Default::default(),
            files_read: self.files_read.clone().into(),
            scope: Scope { host: self.host.clone(), ..Scope::default() }.into(),
            spans: Default::default(),
            seen: Default::default(),
        };
        let project = self.project.map(str::to_owned);
        let given = Given { file: self.file.clone(), project, environment: environment.to_owned() };
        let stack = schema::stack(&reader, document, given);
        let mut found = reader.found.into_inner();
        found.extend(check(&stack, &reader.spans.into_inner(), &self.source));
        let mut warnings = reader.warnings.into_inner();
        warnings.extend(doubts(&stack));
        let files_read = reader.files_read.into_inner();
        Examined { loaded: Loaded { stack, warnings, files_read }, found, seen: reader.seen.into_inner() }
    }
}

/// The file's absolute path; its directory without symbolic links, because a project is known by it.
fn located(file: &Path) -> Result<PathBuf> {
    let missing = |error: std::io::Error| {
        let error = Error::usage(format!("cannot read {}", file.display())).because(error);
        error.hint(NO_FILE)
    };
    let absolute = std::path::absolute(file).map_err(missing)?;
    let (Some(directory), Some(name)) = (absolute.parent(), absolute.file_name()) else {
        return Err(Error::usage(format!("{} is a directory, not an Envfile", file.display())));
    };
    Ok(directory.canonicalize().map_err(missing)?.join(name))
}

/// A text file of a reasonable size, without a byte order mark.
pub(super) fn read_text(path: &Path) -> Result<String> {
    let shown = path.display();
    let refused = |why: String| Error::usage(format!("cannot read {shown}: {why}"));
    let metadata = path.metadata().map_err(|error| refused(error.to_string()))?;
    if metadata.is_dir() {
        return Err(refused("it is a directory".to_owned()));
    }
    // Anything else could block for ever or never end.
    if !metadata.is_file() {
        return Err(refused("it is not a regular file".to_owned()));
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| refused(error.to_string()))?;
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|error| refused(error.to_string()))?;
    if bytes.len() as u64 > LARGEST {
        return Err(refused(format!("it is larger than {} MiB", LARGEST >> 20)));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        refused(format!("it is not text (byte {} is not UTF-8)", offset + 1))
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}
