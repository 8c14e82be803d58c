//! Snapshots: copies of disks in the pool, each with what is known of it in a small volume beside it, which is written last.
//!
//! A copy holds what was written above the box or layer, and lies upon the same. The machine's key by which it is known is on its
//! disk, so its public half is kept too. Secrets are in the initrd and in memory only, and so in no copy.

use crate::labels::Labels;
use crate::trouble::Explain;
use crate::{disks, layers, machine, pool, provider, volumes};
use envup::event::Context;
use envup::model::digest::{Digester, short};
use envup::model::id::Identity;
use envup::model::snapshot::{KeptPart, Part, PartKind};
use envup::model::stack::Volume;
use envup::model::{Error, Result};
use envup::provider::NewMachine;
use envup::state::Directories;
use serde::{Deserialize, Serialize};
use virt::connect::Connect;
use virt::storage_pool::StoragePool;

const VERSION: u32 = 1;

/// How the names of the copy and of what is known of it end.
const DISK: &str = ".qcow2";
const ABOUT: &str = ".json";

/// What is known of a copy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    version: u32,
    id: String,
    project: String,
    part: Part,
    /// Of a machine: the box that its disk lies upon, by its name in an engine.
    pub image: String,
    /// Of a machine: the public half of the key that is on its disk.
    pub host_key: String,
    /// The digest of the copy.
    pub digest: String,
}

/// What the names of all copies of a stack begin with: a machine without a name has no other one's.
fn beginning(identity: &Identity) -> String {
    format!("{}.snapshot-", identity.machine(""))
}

fn stem(identity: &Identity, part: &Part) -> String {
    let mut digester = Digester::new("snapshot/1");
    digester.part(&part.snapshot).part(part.begun.to_le_bytes());
    digester.part(part.kind.as_str()).part(&part.name);
    format!("{}{}", beginning(identity), short(&digester.finish()))
}

/// Keeps one part.
pub fn save(connection: &Connect, identity: &Identity, part: &Part, context: &Context) -> Result<()> {
    let pool = pool::open(connection)?;
    clear(&pool, identity)?;
    let (source, labels) = match part.kind {
        PartKind::Machine => stopped(connection, identity, &part.name)?,
        PartKind::Volume => (volumes::disk(identity, &part.name), None),
    };
    let stem = stem(identity, part);
    let what = format!("keeping {}", part.name);
    let copy = pool::copy(&pool, &source, &format!("{stem}{DISK}"))?;
    let digest = pool::digest(connection, &copy, &what, context)?;
    let notes = labels.map(|labels| labels.machine).unwrap_or_default();
    let kept = Kept {
        version: VERSION,
        id: identity.id.0.clone(),
        project: identity.name.clone(),
        part: part.clone(),
        image: notes.image,
        host_key: notes.host_key,
        digest,
    };
    // Plain data always has a JSON form.
    let text = serde_json::to_vec(&kept).unwrap_or_default();
    let about = format!("{stem}{ABOUT}");
    pool::write(connection, &pool, &about, &mut text.as_slice(), text.len() as u64, &what, context).map(drop)
}

/// The disk of a machine that is stopped, and its labels.
fn stopped(connection: &Connect, identity: &Identity, name: &str) -> Result<(String, Option<Labels>)> {
    let found = machine::lookup(connection, identity, name)?;
    let found = found.filter(|(found, _)| !found.is_active().unwrap_or(true));
    let (_, labels) =
        found.ok_or_else(|| Error::failed(format!("machine {name} is not stopped: its disk changes")))?;
    Ok((disks::disk(&identity.machine(name)), Some(labels)))
}

/// All that is kept of a stack, with the names of the copies.
fn kept(connection: &Connect, pool: &StoragePool, identity: &Identity) -> Result<Vec<(Kept, String)>> {
    let mut all = Vec::new();
    for name in pool::names(pool)?.iter().filter(|name| name.starts_with(&beginning(identity))) {
        let Some(stem) = name.strip_suffix(ABOUT) else { continue };
        let Some(about) = pool::volume(pool, name)? else { continue };
        // One that a killed run wrote half is none.
        let Ok(kept) = serde_json::from_slice::<Kept>(&pool::read(connection, &about)?) else { continue };
        let is_ours = kept.version == VERSION && kept.id == identity.id.0 && kept.project == identity.name;
        if is_ours && self::stem(identity, &kept.part) == stem {
            all.push((kept, format!("{stem}{DISK}")));
        }
    }
    Ok(all)
}

/// All parts of a stack.
pub fn list(connection: &Connect, identity: &Identity) -> Result<Vec<KeptPart>> {
    let Some(pool) = pool::find(connection)? else { return Ok(Vec::new()) };
    let mut parts = Vec::new();
    for (kept, disk) in kept(connection, &pool, identity)? {
        let Some(found) = pool::volume(&pool, &disk)? else { continue };
        let size = found.info().explain(|| format!("cannot look at the volume {disk}"))?.allocation;
        parts.push(KeptPart { part: kept.part, provider: provider::NAME, size });
    }
    Ok(parts)
}

fn one(connection: &Connect, pool: &StoragePool, identity: &Identity, part: &Part) -> Result<(Kept, String)> {
    let found = kept(connection, pool, identity)?.into_iter().find(|(kept, _)| kept.part == *part);
    found.ok_or_else(|| {
        Error::failed(format!("what was kept of {} is gone from libvirt's pool", part.name))
            .hint("`env snapshot list` shows what is there")
    })
}

/// Fails unless a copy is what it was.
pub fn verify(connection: &Connect, identity: &Identity, part: &Part, context: &Context) -> Result<()> {
    let pool = pool::open(connection)?;
    let (kept, disk) = one(connection, &pool, identity, part)?;
    let copy = pool::volume(&pool, &disk)?;
    let copy = copy.ok_or_else(|| Error::failed(format!("the volume {disk} is gone from libvirt's pool")))?;
    let what = format!("verifying what was kept of {}", part.name);
    if pool::digest(connection, &copy, &what, context)? != kept.digest {
        return Err(Error::failed(format!("the volume {disk} is not what it was when it was written"))
            .hint("this host's disk was damaged, or somebody changed the file: look after it"));
    }
    Ok(())
}

/// Makes a machine whose disk is a copy of the copy.
pub fn restore_machine(
    connection: &Connect,
    directories: &Directories,
    identity: &Identity,
    part: &Part,
    new: &NewMachine<'_>,
    context: &Context,
) -> Result<()> {
    let pool = pool::open(connection)?;
    let (kept, disk) = one(connection, &pool, identity, part)?;
    let new = NewMachine { image: &kept.image, ..new.clone() };
    let from = machine::From { disk: &disk, host_key: &kept.host_key };
    machine::create(connection, directories, identity, &new, Some(&from), context)
}

/// Puts a copy of the copy in the place of a volume's disk. libvirt fails unless it is whole.
pub fn restore_volume(connection: &Connect, identity: &Identity, part: &Part, volume: &Volume) -> Result<()> {
    let pool = pool::open(connection)?;
    let (_, disk) = one(connection, &pool, identity, part)?;
    pool::copy(&pool, &disk, &volumes::disk(identity, &volume.name)).map(drop)
}

/// Lets go of one part: what is known of it first, so that no half is taken for it.
pub fn remove(connection: &Connect, identity: &Identity, part: &Part) -> Result<()> {
    let Some(pool) = pool::find(connection)? else { return Ok(()) };
    let stem = stem(identity, part);
    pool::remove(&pool, &format!("{stem}{ABOUT}"))?;
    pool::remove(&pool, &format!("{stem}{DISK}"))?;
    clear(&pool, identity)?;
    layers::sweep(&pool).map(drop)
}

/// Removes copies of which nothing is known: a killed run left them.
fn clear(pool: &StoragePool, identity: &Identity) -> Result<()> {
    let names = pool::names(pool)?;
    for name in names.iter().filter(|name| name.starts_with(&beginning(identity))) {
        let stem = name.strip_suffix(DISK);
        if stem.is_some_and(|stem| !names.contains(&format!("{stem}{ABOUT}"))) {
            pool::remove(pool, name)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use envup::model::id::ProjectId;

    #[test]
    fn names_tell_the_stack_and_differ_by_part() {
        let identity =
            Identity { id: ProjectId("3f9a1c00beef".into()), name: "shop".into(), directory: "/".into() };
        let part = |snapshot: &str, kind| Part {
            snapshot: snapshot.into(),
            begun: 5,
            parts: 1,
            kind,
            name: "db".into(),
            running: true,
        };
        let of = |part| stem(&identity, &part);
        let one = of(part("before", PartKind::Machine));
        assert!(one.starts_with("shop-3f9a1c-.snapshot-"), "{one}");
        assert_ne!(one, of(part("before", PartKind::Volume)));
        assert_ne!(one, of(part("after", PartKind::Machine)));
    }
}
