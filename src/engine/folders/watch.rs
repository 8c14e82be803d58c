//! Copies folders again whenever something in them changes, as the kernel tells.

use super::{Sent, copied, rsync};
use crate::engine::World;
use crate::engine::prepare::with_workshop;
use crate::event::Context;
use crate::model::error::Attempt;
use crate::model::machine::Folder;
use crate::model::{Error, Result};
use notify::{ErrorKind, Event, EventKind, RecursiveMode, Watcher};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// How often it is looked whether the user interrupts.
const GLANCE: Duration = Duration::from_millis(200);

/// Changes come in flocks: one copy follows when nothing more came for so long.
const SETTLE: Duration = Duration::from_millis(100);

/// Copies the folders of these machines now and whenever they change; ends when interrupted.
pub fn watch_folders<'a>(
    world: &'a World,
    machines: &BTreeSet<String>,
    on_sent: &mut dyn FnMut(Sent<'a>) -> Result<()>,
    context: &Context,
) -> Result<()> {
    let folders = copied(world, machines)?;
    let (sender, changes) = channel();
    let mut watcher = notify::recommended_watcher(sender).attempt(|| "cannot watch folders")?;
    for (_, folder) in &folders {
        // Before the first copy, so that nothing is missed.
        watcher.watch(&folder.host, RecursiveMode::Recursive).map_err(|error| explain(folder, &error))?;
    }
    with_workshop(world, |workshop| {
        let mut changed: BTreeSet<usize> = (0..folders.len()).collect();
        loop {
            for place in std::mem::take(&mut changed) {
                let (machine, folder) = folders[place];
                rsync::run(machine, folder, workshop, context)?;
                on_sent(Sent { machine: &machine.name, folder })?;
            }
            while changed.is_empty() {
                context.check("watching folders")?;
                let hosts = folders.iter().map(|(_, folder)| folder.host.as_path());
                changed = next(&changes, &hosts.collect::<Vec<_>>())?;
            }
        }
    })
}

/// Which of these folders changed, once it is quiet again; none when nothing did for a moment.
fn next(changes: &Receiver<notify::Result<Event>>, folders: &[&Path]) -> Result<BTreeSet<usize>> {
    let mut changed = BTreeSet::new();
    let mut patience = GLANCE;
    loop {
        match changes.recv_timeout(patience) {
            Ok(event) => {
                changed.extend(concerned(&event.attempt(|| "cannot watch folders")?, folders));
                patience = SETTLE;
            }
            Err(RecvTimeoutError::Timeout) => return Ok(changed),
            Err(RecvTimeoutError::Disconnected) => return Err(Error::failed("the watch over folders ended")),
        }
    }
}

/// The folders that an event is about. Reading changes nothing; when events were lost, anything may have changed.
fn concerned(event: &Event, folders: &[&Path]) -> Vec<usize> {
    if matches!(event.kind, EventKind::Access(_)) {
        return Vec::new();
    }
    let is_below = |folder: &Path| event.paths.iter().any(|path| path.starts_with(folder));
    let places = folders.iter().enumerate();
    places.filter(|(_, folder)| event.need_rescan() || is_below(folder)).map(|(place, _)| place).collect()
}

fn explain(folder: &Folder, error: &notify::Error) -> Error {
    let ours = Error::failed(format!("cannot watch {}", folder.host.display()));
    match error.kind {
        ErrorKind::MaxFilesWatch => ours
            .because(std::io::Error::other("this user watches as many files as the kernel allows"))
            .hint("sudo sysctl fs.inotify.max_user_watches=524288"),
        _ => ours.because(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify::event::{AccessKind, CreateKind, Flag};

    #[test]
    fn a_change_is_of_the_folder_it_lies_in() {
        let folders = [Path::new("/a/app"), Path::new("/a/ops")];
        let event = |kind, path: &str| Event::new(kind).add_path(path.into());
        let made = EventKind::Create(CreateKind::File);
        assert_eq!(concerned(&event(made, "/a/ops/x"), &folders), [1]);
        assert_eq!(concerned(&event(made, "/a/opsx"), &folders), Vec::<usize>::new());
        assert_eq!(
            concerned(&event(EventKind::Access(AccessKind::Read), "/a/app/x"), &folders),
            Vec::<usize>::new()
        );
        assert_eq!(concerned(&Event::new(EventKind::Other).set_flag(Flag::Rescan), &folders), [0, 1]);
    }

    #[test]
    fn a_flock_of_changes_is_told_once() {
        let place = tempfile::tempdir().unwrap();
        let (sender, changes) = channel();
        let mut watcher = notify::recommended_watcher(sender).unwrap();
        watcher.watch(place.path(), RecursiveMode::Recursive).unwrap();
        assert_eq!(next(&changes, &[place.path()]).unwrap(), BTreeSet::new());
        for name in ["a", "b", "c"] {
            std::fs::write(place.path().join(name), "x").unwrap();
        }
        assert_eq!(next(&changes, &[place.path()]).unwrap(), BTreeSet::from([0]));
        assert_eq!(next(&changes, &[place.path()]).unwrap(), BTreeSet::new());
    }
}
