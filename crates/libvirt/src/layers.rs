//! Layers: disks of machines under construction that stay when the machine goes.
//!
//! Such a machine has its disk under a name of its own from the beginning, so that keeping it copies nothing: the machine is
//! undefined, and an empty volume beside the disk says which layer it is. Making that is one call; where it is, the layer is whole.
//! No machine is ever defined with a disk that is a layer, whenever a run was killed.

use crate::trouble::Explain;
use crate::{machine, pool, xml};
use envup::model::digest::{sha256, short};
use envup::model::id::Identity;
use envup::model::layer::Layer;
use envup::model::{Error, Result};
use std::collections::BTreeSet;
use virt::connect::Connect;
use virt::storage_pool::StoragePool;

/// What the names of all volumes of layers begin with.
const PREFIX: &str = "layer-";

/// How they end: the disk, the mark of a whole layer, the mark of one that was let go and on whose disk others still lie.
const DISK: &str = ".qcow2";
const WHOLE: &str = ".whole";
const GONE: &str = ".gone";

/// The disk of a machine under construction.
pub fn disk(engine_name: &str, instance: &str) -> String {
    format!("{}{instance}{DISK}", beginning(engine_name))
}

/// What is in a layer tells nobody whose it was, and its name does not either.
fn beginning(engine_name: &str) -> String {
    format!("{PREFIX}{}-", short(&sha256(engine_name.as_bytes())))
}

/// The disk of a layer that is kept.
pub fn find(pool: &StoragePool, key: &str) -> Result<Option<String>> {
    let names = pool::names(pool)?;
    Ok(whole(&names).find(|(_, known)| *known == key).map(|(stem, _)| format!("{stem}{DISK}")))
}

/// Layers by what their names begin with, with their keys.
fn whole(names: &BTreeSet<String>) -> impl Iterator<Item = (&str, &str)> {
    let marks = names.iter().filter_map(|name| name.strip_suffix(WHOLE)?.rsplit_once('.'));
    marks.filter(|(stem, _)| stem.starts_with(PREFIX) && names.contains(&format!("{stem}{DISK}")))
}

/// Makes a layer of the disk of a machine under construction, which is gone afterwards.
pub fn save(connection: &Connect, identity: &Identity, name: &str, key: &str) -> Result<()> {
    let found = machine::lookup(connection, identity, name)?;
    let stopped = found.filter(|(found, labels)| {
        labels.machine.construction.is_some() && !found.is_active().unwrap_or(true)
    });
    let Some((found, labels)) = stopped else {
        return Err(Error::failed(format!(
            "machine {name} is not under construction and stopped: its disk is its own"
        )));
    };
    let disk = disk(&identity.machine(name), &labels.machine.instance);
    let stem = disk.trim_end_matches(DISK);
    let pool = pool::open(connection)?;
    machine::undefine(connection, identity, &found, name)?;
    pool::mark(&pool, &format!("{stem}.{key}{WHOLE}")).inspect_err(|_| {
        // Nobody would find it any more.
        let _ = pool::remove(&pool, &disk);
    })
}

/// All that are kept, each once.
pub fn list(connection: &Connect) -> Result<Vec<Layer>> {
    let Some(pool) = pool::find(connection)? else { return Ok(Vec::new()) };
    let names = pool::names(&pool)?;
    let mut layers: Vec<Layer> = Vec::new();
    for (stem, key) in whole(&names) {
        let volumes = (
            pool::volume(&pool, &format!("{stem}.{key}{WHOLE}"))?,
            pool::volume(&pool, &format!("{stem}{DISK}"))?,
        );
        // Somebody may have removed it meanwhile.
        let (Some(mark), Some(disk)) = volumes else { continue };
        let cannot = || format!("cannot look at layer {}", short(key));
        let description = mark.xml_desc(0).explain(cannot)?;
        let size = disk.info().explain(cannot)?.allocation;
        if layers.iter().all(|known| known.key != key) {
            layers.push(Layer { key: key.to_owned(), created: made(&description), size });
        }
    }
    Ok(layers)
}

/// When a volume was written, by its description.
fn made(description: &str) -> u64 {
    let document = roxmltree::Document::parse(description).ok();
    let path = ["target", "timestamps", "mtime"];
    let time = document.as_ref().and_then(|document| xml::find(document.root_element(), &path)?.text());
    time.and_then(|time| time.split('.').next()?.parse().ok()).unwrap_or(0)
}

/// Lets go of a layer; one that a machine lies on stays as long as the machine.
pub fn remove(connection: &Connect, key: &str) -> Result<bool> {
    let Some(pool) = pool::find(connection)? else { return Ok(true) };
    let names = pool::names(&pool)?;
    let mut is_free = true;
    for (stem, _) in whole(&names).filter(|(_, known)| *known == key) {
        let (whole, gone) = (format!("{stem}.{key}{WHOLE}"), format!("{stem}{GONE}"));
        // From now on no machine starts from it; who is just about to notices, see `disks`.
        pool::mark(&pool, &gone)?;
        pool::remove(&pool, &whole)?;
        let above = pool::above(&pool)?;
        let is_machine = |name: &String| !name.starts_with(PREFIX);
        if above.get(&format!("{stem}{DISK}")).is_some_and(|names| names.iter().any(is_machine)) {
            pool::mark(&pool, &whole)?;
            pool::remove(&pool, &gone)?;
            is_free = false;
        }
    }
    sweep(&pool)?;
    Ok(is_free)
}

/// Removes the disks of layers that were let go, once nothing lies on them any more; gives how many.
pub fn sweep(pool: &StoragePool) -> Result<usize> {
    let mut gone = 0;
    loop {
        let names = pool::names(pool)?;
        if !names.iter().any(|name| is_let_go(name)) {
            return Ok(gone);
        }
        let above = pool::above(pool)?;
        let kept: BTreeSet<&str> = whole(&names).map(|(stem, _)| stem).collect();
        let free = names.iter().filter(|name| is_let_go(name)).filter_map(|name| name.strip_suffix(GONE));
        let free = free.filter(|stem| !kept.contains(stem) && !above.contains_key(&format!("{stem}{DISK}")));
        let mut is_done = true;
        for stem in free {
            gone += usize::from(pool::remove(pool, &format!("{stem}{DISK}"))?);
            pool::remove(pool, &format!("{stem}{GONE}"))?;
            // What it lay on may be free now.
            is_done = false;
        }
        if is_done {
            return Ok(gone);
        }
    }
}

fn is_let_go(name: &str) -> bool {
    name.starts_with(PREFIX) && name.ends_with(GONE)
}

/// Removes disks that this machine was under construction with and that never became a layer.
pub fn clear(pool: &StoragePool, engine_name: &str) -> Result<()> {
    let names = pool::names(pool)?;
    for name in unfinished(&names, engine_name) {
        pool::remove(pool, name)?;
    }
    Ok(())
}

fn unfinished<'n>(names: &'n BTreeSet<String>, engine_name: &str) -> Vec<&'n String> {
    let beginning = beginning(engine_name);
    let kept: BTreeSet<&str> = whole(names).map(|(stem, _)| stem).collect();
    let disks = names.iter().filter(|name| name.starts_with(&beginning));
    disks
        .filter(|name| {
            let stem = name.strip_suffix(DISK);
            stem.is_some_and(|stem| !kept.contains(stem) && !names.contains(&format!("{stem}{GONE}")))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn only_a_disk_with_its_mark_is_a_layer() {
        let disk = disk("shop-3f9a1c-web", "00ff");
        let stem = disk.strip_suffix(DISK).unwrap();
        assert!(!disk.contains("shop"), "{disk}");
        let mark = format!("{stem}.4be1{WHOLE}");
        let both = names(&[&disk, &mark, "box-debian-12-432b.whole", "box-debian-12-432b.qcow2"]);
        assert_eq!(whole(&both).collect::<Vec<_>>(), [(stem, "4be1")]);
        assert_eq!(whole(&names(&[&mark])).count(), 0);
        assert_eq!(whole(&names(&[&disk])).count(), 0);
    }

    #[test]
    fn a_machine_takes_its_unfinished_disks_with_it_and_no_layer() {
        let [left, layer, let_go] = ["00", "11", "22"].map(|instance| disk("shop-3f9a1c-web", instance));
        let other = disk("shop-3f9a1c-db", "33");
        let marks = [
            format!("{}.4be1{WHOLE}", layer.strip_suffix(DISK).unwrap()),
            format!("{}{GONE}", let_go.strip_suffix(DISK).unwrap()),
        ];
        let all = names(&[&left, &layer, &let_go, &other, &marks[0], &marks[1], "shop-3f9a1c-web.qcow2"]);
        assert_eq!(unfinished(&all, "shop-3f9a1c-web"), [&left]);
    }

    #[test]
    fn the_time_of_a_mark_is_that_of_the_layer() {
        let text =
            "<volume><target><timestamps><mtime>1764457200.123456789</mtime></timestamps></target></volume>";
        assert_eq!(made(text), 1_764_457_200);
        assert_eq!(made("<volume/>"), 0);
    }
}
