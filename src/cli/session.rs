//! What every verb works with: the printer, the user's interruptions, the surroundings, and the way to a stack.

use super::interrupt::Interrupt;
use super::options::{Output, Which};
use super::surroundings::Surroundings;
use super::vms;
use crate::boxes::Store;
use crate::engine::{self, Providers, World};
use crate::envfile::{self, LoadOptions, Loaded};
use crate::event::{Context, Event, Observer};
use crate::model::error::Attempt;
use crate::model::id::ProjectId;
use crate::model::stack::Stack;
use crate::model::{Error, Result};
use crate::provider::host::HostProvider;
use crate::provider::{self, Make, Scope};
use crate::state::{Directories, LayerRecords, Lock, Project, Wait};
use crate::ui::printer::Printer;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

/// Names the Envfile, as `--file` does.
const FILE_VARIABLE: &str = "ENVUP_FILE";

/// The program that runs, and what it was called with.
pub struct Program {
    /// The command line, the program's name first.
    pub args: Vec<OsString>,
    /// Its providers.
    pub providers: &'static [Make],
}

/// One run of one verb.
pub struct Session {
    /// The program.
    pub program: Program,
    /// Writes.
    pub printer: Printer,
    /// Whether results are JSON.
    pub json: bool,
    /// Ctrl-C.
    pub interrupt: Interrupt,
    /// Variables, directory, terminal.
    pub surroundings: Surroundings,
}

/// What is going to be done with a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Nothing is written.
    Look,
    /// The checkout gets an identity that stays.
    Change,
}

impl Session {
    /// Begins, with signals listened to.
    pub fn begin(surroundings: Surroundings, program: Program, output: &Output) -> Result<Self> {
        let printer = Printer::new(surroundings.screen, output.verbosity());
        Ok(Self { program, printer, json: output.json, interrupt: Interrupt::listen()?, surroundings })
    }

    /// Whether a question can be put.
    pub fn can_ask(&self) -> bool {
        !self.json && self.surroundings.screen.can_ask()
    }

    /// A context for calls without progress: notes are told.
    pub fn context(&self) -> Context {
        let observer = Arc::new(Notes(self.printer.clone()));
        self.interrupt.observe_with(None);
        Context::new(self.interrupt.cancel.clone(), observer)
    }

    /// Reads the Envfile.
    pub fn load(&self, which: &Which) -> Result<Loaded> {
        let loaded = envfile::load(&self.envfile(which)?, &self.load_options(which))?;
        self.warn(&loaded);
        Ok(loaded)
    }

    /// Reads the Envfile as each of its environments has it, `dev` first.
    pub fn load_all(&self, which: &Which) -> Result<Vec<Loaded>> {
        let all = envfile::load_all(&self.envfile(which)?, &self.load_options(which))?;
        all.iter().for_each(|loaded| self.warn(loaded));
        Ok(all)
    }

    /// Where the Envfile is.
    fn envfile(&self, which: &Which) -> Result<PathBuf> {
        let named =
            which.file.clone().or_else(|| self.surroundings.variable(FILE_VARIABLE).map(PathBuf::from));
        let directory = &self.surroundings.directory;
        named.or_else(|| envfile::find(directory)).ok_or_else(|| {
            Error::usage(format!("there is no Envfile in {} or above it", directory.display()))
                .hint("`env new` writes one to begin with, `--file` names one elsewhere")
        })
    }

    /// What the Envfile is read with.
    pub fn load_options(&self, which: &Which) -> LoadOptions {
        LoadOptions {
            environment: which.environment.clone(),
            variables: self.surroundings.variables.clone(),
            project: which.name.clone(),
        }
    }

    fn warn(&self, loaded: &Loaded) {
        for warning in &loaded.warnings {
            self.printer.note(&format!("{} {warning}", self.printer.paint_notes().notable("warning:")));
        }
    }

    /// The stack with all that is needed to work on it.
    pub fn open(&self, which: &Which, purpose: Purpose) -> Result<World> {
        let loaded = envfile::load(&self.envfile(which)?, &self.load_options(which))?;
        let directories = Directories::from_environment()?;
        let mut providers = self.providers(&directories);
        if vms::concern(&loaded.stack, &directories) {
            vms::hand_over(self, &providers)?;
        }
        self.warn(&loaded);
        let stack = loaded.stack;
        providers.0.push(Box::new(HostProvider::new(&stack, directories.runtime.clone())));
        let adopt = || adopt(&providers, &stack);
        let project = match purpose {
            // Whoever needs the engine finds out; whoever does not need not have one.
            Purpose::Look => {
                Project::look(&directories, &stack.directory, || Ok(adopt().unwrap_or_default()))?
            }
            Purpose::Change => Project::open(&directories, &stack.directory, adopt)?,
        };
        let identity = project.identity(&stack.full_name());
        let boxes = self.boxes(&directories, Some(&stack));
        let layers = LayerRecords::of(&directories);
        let (program, runtime) = (program()?, directories.runtime.clone());
        Ok(World { identity, providers, project, boxes, layers, stack, program, runtime })
    }

    /// A stack that the engines know, without its Envfile.
    pub fn open_listed(&self, wanted: &str) -> Result<World> {
        let directories = Directories::from_environment()?;
        let providers = self.all_providers(&directories);
        let found = engine::listed(&providers, wanted, &self.context())?;
        let project = Project::remembered(&directories, &found.id, PathBuf::from(&found.directory))?;
        let stack = Stack::undeclared(&found.project, &found.environment, &project.directory);
        let boxes = self.boxes(&directories, None);
        let layers = LayerRecords::of(&directories);
        let (program, runtime) = (program()?, directories.runtime.clone());
        let identity = project.identity(&found.project);
        Ok(World { identity, providers, project, boxes, layers, stack, program, runtime })
    }

    /// The providers of this program. Which machines are hosts only an Envfile says.
    pub fn providers(&self, directories: &Directories) -> Providers {
        let surroundings = provider::Surroundings {
            home: self.surroundings.variable("HOME").map(PathBuf::from),
            variables: self.surroundings.variables.clone(),
        };
        Providers(self.program.providers.iter().map(|make| make(&surroundings, directories)).collect())
    }

    /// The same for what is about everything of ours on this host: with VMs, where this host can have any.
    pub fn all_providers(&self, directories: &Directories) -> Providers {
        let providers = self.providers(directories);
        vms::hand_over_where_possible(self, &providers);
        providers
    }

    /// The boxes of this user; recipes beside the Envfile come first.
    pub fn boxes(&self, directories: &Directories, stack: Option<&Stack>) -> Store {
        Store::open(directories, stack.map(|stack| stack.directory.as_path()))
    }

    /// Takes the stack's lock; `verb` is what others are told who wait for it.
    pub fn lock(&self, world: &World, verb: &str, no_wait: bool, context: &Context) -> Result<Lock> {
        let wait = if no_wait { Wait::No } else { Wait::Yes };
        let directories = Directories::from_environment()?;
        Lock::stack(&directories, &world.identity, &format!("env {verb}"), wait, context)
    }
}

fn program() -> Result<PathBuf> {
    std::env::current_exe().attempt(|| "cannot tell where this program is")
}

/// Whose machines were made from the stack's directory: asked when the checkout's record was lost.
fn adopt(providers: &Providers, stack: &Stack) -> Result<Option<ProjectId>> {
    let directory = stack.directory.to_string_lossy();
    for provider in providers.of(stack)? {
        let observed = provider.observe(Scope::Directory(&directory))?;
        let owners = observed.machines.iter().map(|machine| &machine.owner);
        let owners =
            owners.chain(observed.networks.iter().chain(&observed.volumes).map(|thing| &thing.owner));
        let mut owners = owners.filter(|owner| owner.directory == directory);
        if let Some(owner) = owners.next() {
            return Ok(Some(owner.id.clone()));
        }
    }
    Ok(None)
}

/// Tells notes and nothing else.
struct Notes(Printer);

impl Observer for Notes {
    fn on(&self, event: &Event) {
        if let Event::Note { text } = event {
            self.0.note(text);
        }
    }
}
