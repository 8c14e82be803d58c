//! Boxes in the pool: the disk that machines' own disks lie upon, kernel and initrd; brought there once, removed when no machine
//! needs them.

use crate::pool;
use envup::event::{Context, Event};
use envup::model::error::Attempt;
use envup::model::{Error, Result};
use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use virt::connect::Connect;
use virt::storage_pool::StoragePool;

/// Names of a box's volumes.
pub struct BoxVolumes {
    stem: String,
}

impl BoxVolumes {
    /// Those of a box by its name in an engine, `envup-box/debian-12:90ac…`.
    pub fn of(reference: &str) -> Self {
        let name = reference.rsplit('/').next().unwrap_or(reference);
        Self { stem: format!("{}{}", pool::OF_BOX, name.replace(':', "-")) }
    }

    /// The disk.
    pub fn disk(&self) -> String {
        format!("{}.qcow2", self.stem)
    }

    /// The kernel.
    pub fn kernel(&self) -> String {
        format!("{}.kernel", self.stem)
    }

    /// The initrd.
    pub fn initrd(&self) -> String {
        format!("{}.initrd", self.stem)
    }

    /// An empty one, written last: where it is, everything is.
    fn mark(&self) -> String {
        format!("{}.whole", self.stem)
    }
}

/// Brings a box into the pool unless it is there.
pub fn import(
    connection: &Connect,
    reference: &str,
    files: (&Path, &Path, &Path),
    context: &Context,
) -> Result<()> {
    let pool = pool::open(connection)?;
    let volumes = BoxVolumes::of(reference);
    if pool::volume(&pool, &volumes.mark())?.is_some() {
        return Ok(());
    }
    let (disk, kernel, initrd) = files;
    let what = format!("giving {reference} to libvirt");
    for (path, name) in [(disk, volumes.disk()), (kernel, volumes.kernel()), (initrd, volumes.initrd())] {
        let attempt = || format!("cannot read {}", path.display());
        let mut file = File::open(path).attempt(attempt)?;
        let length = file.metadata().attempt(attempt)?.len();
        pool::write(connection, &pool, &name, &mut file, length, &what, context)?;
    }
    pool::write(connection, &pool, &volumes.mark(), &mut &b"\n"[..], 1, &what, context).map(drop)
}

/// The initrd of a box as bytes, for those who append to it.
pub fn initrd(connection: &Connect, pool: &StoragePool, volumes: &BoxVolumes) -> Result<Vec<u8>> {
    let missing = || {
        Error::failed("the box's initrd is gone from libvirt's pool")
            .hint("run it again: the box is brought there anew")
    };
    let volume = pool::volume(pool, &volumes.initrd())?.ok_or_else(missing)?;
    pool::read(connection, &volume)
}

/// Removes the boxes that no disk of a machine or layer lies upon. `used` are the references that machines were made from.
pub fn prune(connection: &Connect, used: &BTreeSet<String>, context: &Context) -> Result<()> {
    let Some(pool) = pool::find(connection)? else { return Ok(()) };
    let mut used: Vec<String> = used.iter().map(|reference| BoxVolumes::of(reference).stem).collect();
    // Layers lie upon them too.
    let below = pool::above(&pool)?.into_keys();
    used.extend(below.filter_map(|name| name.strip_suffix(".qcow2").map(str::to_owned)));
    for name in pool::names(&pool)?.iter().filter(|name| name.starts_with(pool::OF_BOX)) {
        if !used.iter().any(|stem| name.starts_with(&format!("{stem}."))) {
            let is_gone = pool::remove(&pool, name)?;
            // The rest of a box goes with its disk.
            if let Some(stem) = name.strip_suffix(".qcow2").filter(|_| is_gone) {
                context.emit(Event::Note { text: format!("removed {stem} from libvirt's pool") });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes_bear_the_name_of_their_box() {
        let volumes = BoxVolumes::of("envup-box/debian-12:5e8c1d75abb9");
        assert_eq!(volumes.disk(), "box-debian-12-5e8c1d75abb9.qcow2");
        assert_eq!(volumes.mark(), "box-debian-12-5e8c1d75abb9.whole");
    }
}
