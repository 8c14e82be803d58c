//! What a machine starts from, as a name in the engine, and making sure that it is there.

use super::World;
use crate::event::{Context, Event};
use crate::model::digest::{Digester, short};
use crate::model::error::Attempt;
use crate::model::machine::{Build, Machine, Source};
use crate::model::observed::{Observed, ObservedMachine};
use crate::model::{Error, Result};
use crate::provider::{BoxFiles, Operation, Provider};
use crate::provision::digest_of_file;
use crate::transport::build_context;
use std::collections::BTreeMap;
use std::fs;

/// The names of the images of all machines, as far as they are known; found once, because the name of an image that is
/// built is the digest of all that goes in.
pub fn all(world: &World, observed: &Observed) -> Result<BTreeMap<String, String>> {
    let machines = world.stack.machines.values();
    machines
        .map(|machine| Ok((machine.name.clone(), known(world, machine, observed.machine(&machine.name))?)))
        .collect()
}

/// The image's name as far as it is known without making anything; a host's is empty.
///
/// A box that is not built yet has no name: the machine's present one stands in, so that a box that was removed from the
/// store does not replace a machine made from it.
fn known(world: &World, machine: &Machine, observed: Option<&ObservedMachine>) -> Result<String> {
    match &machine.source {
        Source::Image(name) => Ok(name.clone()),
        Source::Build(build) => built(world, machine, build),
        Source::Host(_) => Ok(String::new()),
        Source::Box(source) => {
            let reference = if world.providers.get(&machine.provider)?.capabilities().disks {
                world.boxes.find_disk(source)?.map(|disk| disk.reference())
            } else {
                world.boxes.find(source)?.map(|stored| stored.reference())
            };
            if let Some(reference) = reference {
                return Ok(reference);
            }
            let present = observed.filter(|observed| observed.source == machine.source_name());
            let present = present.and_then(|observed| observed.fields.get("image"));
            Ok(present.unwrap_or(&format!("{} (not built yet)", machine.source_name())).to_owned())
        }
    }
}

/// Machines of the same key start from the same image; `known` is its name as far as it is known.
pub fn key(machine: &Machine, known: &str) -> String {
    let platform = machine.platform.as_deref().unwrap_or_default();
    // Before a box is built, its name may stand for different images.
    let source = if machine.is_box() { machine.source_name() } else { known.to_owned() };
    format!("{} {source} {platform}", machine.provider)
}

/// Makes sure that the image of this machine is there, and gives its name; `known` is that as far as it is known.
pub fn ensure(
    world: &World,
    machine: &Machine,
    known: &str,
    provider: &dyn Provider,
    context: &Context,
) -> Result<String> {
    let doing = |what: String| context.emit(Event::Doing { machine: Some(machine.name.clone()), what });
    let platform = machine.platform.as_deref();
    let import = |reference: &str, files: BoxFiles<'_>| {
        provider.apply(&world.identity, Operation::ImportBox { reference, files }, context)?;
        Ok(reference.to_owned())
    };
    match &machine.source {
        Source::Image(name) => {
            let operation = Operation::PullImage { reference: name, platform };
            provider.apply(&world.identity, operation, context)?;
            Ok(name.clone())
        }
        Source::Build(build) => {
            let operation = Operation::BuildImage { reference: known, build, platform };
            provider.apply(&world.identity, operation, context)?;
            Ok(known.to_owned())
        }
        Source::Box(source) => {
            if world.boxes.find(source)?.is_none() {
                doing(format!("building the box {}", machine.source_name()));
            }
            if provider.capabilities().disks {
                let stored = world.boxes.ensure_disk(source, context)?;
                let (disk, kernel, initrd) = (stored.image(), stored.kernel(), stored.initrd());
                let files = BoxFiles::Disk { disk: &disk, kernel: &kernel, initrd: &initrd };
                return import(&stored.reference(), files);
            }
            let stored = world.boxes.ensure(source, context)?;
            import(&stored.reference(), BoxFiles::Archive(&stored.path))
        }
        Source::Host(_) => {
            Err(Error::failed(format!("machine {} exists or not: nothing makes it", machine.name)))
        }
    }
}

/// The name of an image that is built: it holds the digest of all that goes in, so equal inputs are built once.
fn built(world: &World, machine: &Machine, build: &Build) -> Result<String> {
    let mut digester = Digester::new("build/1");
    digester.part(&build.dockerfile);
    for (name, value) in &build.args {
        digester.part("argument").part(name).part(value);
    }
    for (label, value) in [("target", &build.target), ("platform", &machine.platform)] {
        if let Some(value) = value {
            digester.part(label).part(value);
        }
    }
    if !build.context.is_dir() {
        return Err(Error::usage(format!(
            "the build context {} of machine {} does not exist",
            build.context.display(),
            machine.name
        )));
    }
    for entry in build_context::entries(&build.context, &build.dockerfile)? {
        let reading = || format!("reading {}", entry.file.display());
        let kind = fs::symlink_metadata(&entry.file).attempt(reading)?.file_type();
        digest_of_file(&mut digester, entry.path.as_ref(), &entry.file, kind)?;
    }
    Ok(format!("{}:{}", world.identity.machine(&machine.name), short(&digester.finish())))
}
