//! `env box`: build, list, show, remove, verify.

use super::Run;
use super::options::Output;
use super::session::Session;
use crate::boxes::{BoxFile, Made, Mmdebstrap, Recipe, Store};
use crate::engine::ImageBuilder;
use crate::envfile;
use crate::model::digest::short;
use crate::model::{Error, Result};
use crate::state::Directories;
use crate::ui::human::{Table, bytes};
use crate::ui::{exit, json};
use clap::{Args, Subcommand};
use clap_complete::ArgValueCandidates;
use serde::Serialize;
use serde_json::json;

/// Build, list, show, remove and verify boxes
#[derive(Debug, Args)]
#[command(after_help = "\
`env up` builds or fetches what it needs by itself; these verbs are for looking and for making room.

Examples:
  env box list
  env box build debian/12
  env box remove debian/12")]
pub struct Boxes {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Build(Build),
    List(List),
    Show(Show),
    Remove(Remove),
    Verify(Verify),
}

/// Build a box from its recipe, also when there is one already
#[derive(Debug, Args)]
#[command(after_help = "Example: env box build debian/12 --mirror http://mirror.example/debian")]
struct Build {
    /// The box
    #[arg(value_name = "BOX", add = ArgValueCandidates::new(super::candidates::recipes))]
    name: String,
    /// Where packages come from, instead of where this host's apt gets them
    #[arg(long, value_name = "URL")]
    mirror: Vec<String>,
    /// Build with docker from this image, for hosts without mmdebstrap
    #[arg(long, value_name = "IMAGE", conflicts_with = "mirror")]
    base: Option<String>,
    /// Make the disk that VMs start from too
    #[arg(long, conflicts_with = "base")]
    vm: bool,
    #[command(flatten)]
    output: Output,
}

/// List the boxes that are kept and those that can be built
#[derive(Debug, Args)]
struct List {
    #[command(flatten)]
    output: Output,
}

/// Show all that is known about a box
#[derive(Debug, Args)]
struct Show {
    /// The box: NAME, NAME@VERSION or the beginning of its digest
    #[arg(value_name = "BOX", add = ArgValueCandidates::new(super::candidates::boxes))]
    name: String,
    #[command(flatten)]
    output: Output,
}

/// Let go of a box; machines made from it stay
#[derive(Debug, Args)]
struct Remove {
    /// The boxes
    #[arg(value_name = "BOX", required = true, add = ArgValueCandidates::new(super::candidates::boxes))]
    names: Vec<String>,
    #[command(flatten)]
    output: Output,
}

/// Read boxes whole and compare their digests
#[derive(Debug, Args)]
struct Verify {
    /// The boxes; all when none is given
    #[arg(value_name = "BOX", add = ArgValueCandidates::new(super::candidates::boxes))]
    names: Vec<String>,
    #[command(flatten)]
    output: Output,
}

impl Run for Boxes {
    fn output(&self) -> &Output {
        match &self.verb {
            Verb::Build(verb) => &verb.output,
            Verb::List(verb) => &verb.output,
            Verb::Show(verb) => &verb.output,
            Verb::Remove(verb) => &verb.output,
            Verb::Verify(verb) => &verb.output,
        }
    }

    fn run(self, session: &Session) -> Result<u8> {
        let directories = Directories::from_environment()?;
        // Recipes of a checkout lie beside its Envfile.
        let file = envfile::find(&session.surroundings.directory);
        let store = Store::open(&directories, file.as_deref().and_then(std::path::Path::parent));
        match self.verb {
            Verb::Build(verb) => verb.run(session, store, &directories)?,
            Verb::List(_) => list(session, &store)?,
            Verb::Show(verb) => show(session, &get(&store, &verb.name)?),
            Verb::Remove(verb) => {
                for name in &verb.names {
                    let found = get(&store, name)?;
                    store.remove(&found)?;
                    session.printer.note(&format!("removed {}", found.title()));
                }
            }
            Verb::Verify(verb) => verify(session, &store, &verb.names)?,
        }
        Ok(exit::DONE)
    }
}

impl Build {
    fn run(self, session: &Session, store: Store, directories: &Directories) -> Result<()> {
        let store = match self.base {
            Some(base) => store
                .with_builder(ImageBuilder { providers: session.providers(directories), base: Some(base) }),
            None => store.with_builder(Mmdebstrap { mirrors: self.mirror, ..Mmdebstrap::default() }),
        };
        let recipe = store.recipes().find(&self.name)?.ok_or_else(|| {
            let known = store.recipes().list().unwrap_or_default();
            let known: Vec<&str> = known.iter().map(Recipe::name).collect();
            Error::usage(format!("there is no recipe for the box {}", self.name))
                .hint(format!("recipes: {}", known.join(", ")))
        })?;
        let mut watch = session.watch_quietly();
        let built = store.build(&recipe, &watch.context)?;
        let disk = match self.vm {
            true => Some(store.build_disk(&recipe, &built, &watch.context)?),
            false => None,
        };
        watch.finish();
        if session.json {
            show(session, &built);
        } else {
            let digest = short(&built.meta.sha256);
            let mut summary = format!("built {} · {} · {digest}", built.title(), bytes(built.meta.size));
            if let Some(disk) = disk {
                summary += &format!(" · VM disk {} · {}", bytes(disk.size()), short(disk.sha256()));
            }
            session.printer.summary(&summary);
        }
        Ok(())
    }
}

fn get(store: &Store, name: &str) -> Result<BoxFile> {
    store.get(name).ok_or_else(|| {
        Error::usage(format!("the box {name} is not kept here")).hint("`env box list` shows those that are")
    })
}

fn list(session: &Session, store: &Store) -> Result<()> {
    let kept = store.list();
    let recipes = store.recipes().list()?;
    let built = |recipe: &&Recipe| kept.iter().any(|found| found.meta.name == recipe.name());
    if session.json {
        #[derive(Serialize)]
        struct Document {
            boxes: Vec<serde_json::Value>,
            recipes: Vec<serde_json::Value>,
        }
        let recipes = recipes.iter().map(|recipe| {
            json!({"name": recipe.name(), "version": recipe.definition.version, "summary": recipe.definition.summary})
        });
        let document = Document { boxes: kept.iter().map(document).collect(), recipes: recipes.collect() };
        json::document(&session.printer, &document);
        return Ok(());
    }
    let mut table =
        Table::headed(&["box", "version", "size", "VM disk", "sha256", "from"], session.printer.paint());
    for found in &kept {
        let meta = &found.meta;
        table
            .row()
            .plain(&meta.name)
            .plain(&meta.version)
            .plain(bytes(meta.size))
            .plain(found.disk().map_or_else(String::new, |disk| bytes(disk.size())))
            .plain(short(&meta.sha256))
            .plain(origin(&meta.made));
    }
    for recipe in recipes.iter().filter(|recipe| !built(recipe)) {
        let (name, version) = (recipe.name(), &recipe.definition.version);
        table.row().plain(name).plain(version).plain("").plain("").plain("").plain("recipe, not built yet");
    }
    session.printer.result(&table.render());
    Ok(())
}

fn origin(made: &Made) -> String {
    match made {
        Made::Built { .. } => "its recipe".to_owned(),
        Made::Fetched { url } => url.clone(),
    }
}

fn show(session: &Session, found: &BoxFile) {
    if session.json {
        json::document(&session.printer, &document(found));
        return;
    }
    let meta = &found.meta;
    let mut table = Table::indented(0);
    let created =
        i64::try_from(meta.created).ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    let rows = [
        ("name", meta.name.clone()),
        ("version", meta.version.clone()),
        ("architecture", meta.architecture.clone()),
        ("sha256", meta.sha256.clone()),
        ("size", bytes(meta.size)),
        ("made", created.map(|time| time.to_string()).unwrap_or_default()),
        ("from", origin(&meta.made)),
        ("file", found.path.display().to_string()),
        ("image", found.reference()),
    ];
    for (name, value) in rows {
        table.row().plain(name).plain(value);
    }
    if let Some(disk) = found.disk() {
        let rows = [
            ("VM disk", disk.image().display().to_string()),
            ("sha256", disk.sha256().to_owned()),
            ("size", bytes(disk.size())),
            ("kernel", disk.kernel().display().to_string()),
            ("initrd", disk.initrd().display().to_string()),
            ("volume", disk.reference()),
        ];
        for (name, value) in rows {
            table.row().plain(name).plain(value);
        }
    }
    session.printer.result(&table.render());
}

fn document(found: &BoxFile) -> serde_json::Value {
    let meta = &found.meta;
    let url = match &meta.made {
        Made::Built { .. } => None,
        Made::Fetched { url } => Some(url),
    };
    let disk = found.disk().map(|disk| {
        json!({
            "file": disk.image(), "kernel": disk.kernel(), "initrd": disk.initrd(), "sha256": disk.sha256(),
            "size": disk.size(), "image": disk.reference(),
        })
    });
    json!({
        "disk": disk,
        "name": meta.name, "box_version": meta.version, "architecture": meta.architecture, "sha256": meta.sha256,
        "size": meta.size, "created": meta.created, "url": url, "file": found.path, "image": found.reference(),
    })
}

fn verify(session: &Session, store: &Store, names: &[String]) -> Result<()> {
    let boxes = match names {
        [] => store.list(),
        names => names.iter().map(|name| get(store, name)).collect::<Result<_>>()?,
    };
    let mut watch = session.watch_quietly();
    boxes.iter().try_for_each(|found| {
        found.verify(&watch.context)?;
        found.disk().map_or(Ok(()), |disk| disk.verify(&watch.context))
    })?;
    watch.finish();
    let titles: Vec<String> = boxes.iter().map(BoxFile::title).collect();
    session.printer.note(&format!("verified {}", titles.join(", ")));
    Ok(())
}
