//! The disks: a storage pool of our own in libvirt, with a volume for each file. Going through libvirt, it does not matter who may
//! write where on this host, nor where libvirt runs.
//!
//! Volumes carry no labels; they are ours because the pool is.

use crate::trouble::{Explain, optional};
use crate::xml::{self, escape};
use envup::event::{Context, Event};
use envup::model::digest::Digester;
use envup::model::error::Attempt;
use envup::model::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use virt::connect::Connect;
use virt::storage_pool::StoragePool;
use virt::storage_vol::StorageVol;
use virt::stream::Stream;
use virt::sys;

/// Its name in libvirt.
pub const POOL: &str = "envup";

/// Where it is made.
const DIRECTORY: &str = "/var/lib/libvirt/images/envup";

/// Names of volumes of boxes begin so.
pub const OF_BOX: &str = "box-";

/// Bytes sent at a time: libvirt takes no more in one message.
const PIECE: usize = 256 * 1024;

/// As a length: up to the end.
const WHOLE: u64 = 0;

/// The pool, made when there is none.
pub fn open(connection: &Connect) -> Result<StoragePool> {
    let cannot = || format!("cannot use the storage pool {POOL} of libvirt");
    let found = optional(connection.lookup_storage_pool_by_name(POOL)).explain(cannot)?;
    let pool = match found {
        Some(pool) => pool,
        None => {
            let xml = format!(
                "<pool type='dir'><name>{POOL}</name><target><path>{DIRECTORY}</path></target></pool>"
            );
            match connection.define_storage_pool_xml(&xml, 0) {
                Ok(pool) => pool,
                // Somebody else made it meanwhile.
                Err(error) => match connection.lookup_storage_pool_by_name(POOL) {
                    Ok(pool) => pool,
                    Err(_) => return Err(error).explain(cannot),
                },
            }
        }
    };
    if !pool.is_active().explain(cannot)? {
        let _ = pool.build(0);
        let _ = pool.set_autostart(true);
        if let Err(error) = pool.create(sys::VIR_STORAGE_POOL_CREATE_NORMAL)
            && !pool.is_active().unwrap_or(false)
        {
            return Err(error).explain(cannot);
        }
    }
    Ok(pool)
}

/// The pool, if there is one.
pub fn find(connection: &Connect) -> Result<Option<StoragePool>> {
    let found = optional(connection.lookup_storage_pool_by_name(POOL))
        .explain(|| format!("cannot look for the storage pool {POOL}"))?;
    Ok(found.filter(|pool| pool.is_active().unwrap_or(false)))
}

/// A volume, if it is there and whole.
pub fn volume(pool: &StoragePool, name: &str) -> Result<Option<StorageVol>> {
    optional(pool.lookup_storage_vol_by_name(name)).explain(|| format!("cannot look for the volume {name}"))
}

/// The names of all volumes.
pub fn names(pool: &StoragePool) -> Result<BTreeSet<String>> {
    let names = pool.list_volumes().explain(|| "cannot list the disks")?;
    Ok(names.into_iter().collect())
}

/// Volumes that others lie upon, with the names of those.
pub fn above(pool: &StoragePool) -> Result<BTreeMap<String, Vec<String>>> {
    let cannot = || "cannot tell which disks lie upon others";
    let mut above: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for volume in pool.list_all_volumes(0).explain(cannot)? {
        // One that goes away meanwhile lies on nothing.
        let Some(text) = optional(volume.xml_desc(0)).explain(cannot)? else { continue };
        let document = roxmltree::Document::parse(&text).ok();
        let below = document.as_ref().and_then(|document| {
            let root = document.root_element();
            let path = xml::find(root, &["backingStore", "path"])?.text()?;
            Some((path.rsplit('/').next()?.to_owned(), xml::child(root, "name")?.text()?.to_owned()))
        });
        if let Some((below, name)) = below {
            above.entry(below).or_default().push(name);
        }
    }
    Ok(above)
}

/// Makes an empty volume, whose name is all that it says; one that is there is taken.
pub fn mark(pool: &StoragePool, name: &str) -> Result<()> {
    if volume(pool, name)?.is_some() {
        return Ok(());
    }
    StorageVol::create_xml(pool, &raw(name, 0), 0)
        .map(drop)
        .explain(|| format!("cannot write the volume {name}"))
}

/// A path as domains name it.
pub fn path(volume: &StorageVol) -> Result<String> {
    volume.path().explain(|| "cannot tell where a volume lies")
}

/// Removes a volume, and tells whether there was one.
pub fn remove(pool: &StoragePool, name: &str) -> Result<bool> {
    let Some(found) = volume(pool, name)? else { return Ok(false) };
    optional(found.delete(0))
        .map(|gone| gone.is_some())
        .explain(|| format!("cannot remove the volume {name}"))
}

/// Writes a volume of this length. Whoever is killed meanwhile leaves half of it.
pub fn write(
    connection: &Connect,
    pool: &StoragePool,
    name: &str,
    source: &mut dyn Read,
    length: u64,
    what: &str,
    context: &Context,
) -> Result<StorageVol> {
    remove(pool, name)?;
    let written = fill(connection, pool, name, source, length, what, context);
    if written.is_err() {
        let _ = remove(pool, name);
    }
    written
}

fn fill(
    connection: &Connect,
    pool: &StoragePool,
    name: &str,
    source: &mut dyn Read,
    length: u64,
    what: &str,
    context: &Context,
) -> Result<StorageVol> {
    let cannot = || format!("cannot write the volume {name}");
    let volume = StorageVol::create_xml(pool, &raw(name, length), 0).explain(cannot)?;
    let stream = Stream::new(connection, 0).explain(cannot)?;
    volume.upload(&stream, 0, length, 0).explain(cannot)?;
    let (mut piece, mut done) = (vec![0; PIECE], 0);
    loop {
        context.check(what)?;
        let count = source.read(&mut piece).attempt(cannot)?;
        if count == 0 {
            break;
        }
        let mut rest = &piece[..count];
        while !rest.is_empty() {
            let sent = usize::try_from(stream.send(rest).explain(cannot)?).unwrap_or(0);
            if sent == 0 {
                return Err(Error::failed(cannot()).hint("libvirt takes no more: does its daemon still run?"));
            }
            rest = &rest[sent..];
        }
        done += count as u64;
        context.emit(Event::Progress { machine: None, what: what.to_owned(), done, total: Some(length) });
    }
    stream.finish().explain(cannot)?;
    if done != length {
        return Err(
            Error::failed(cannot()).because(std::io::Error::other("the file changed while it was read"))
        );
    }
    Ok(volume)
}

fn raw(name: &str, length: u64) -> String {
    // Several VMs boot one kernel, which libvirt takes back from QEMU's user whenever one of them ends. Nothing of a box is secret.
    let mode = if name.starts_with(OF_BOX) { "0644" } else { "0600" };
    format!(
        "<volume><name>{}</name><capacity>{length}</capacity><allocation>0</allocation><target><format type='raw'/>\
         <permissions><mode>{mode}</mode></permissions></target></volume>",
        escape(name)
    )
}

/// Makes the disk of a machine: what it writes goes into a file of its own above another disk, which stays as it is. The disk is
/// as long as that unless it should be longer.
pub fn overlay(
    connection: &Connect,
    pool: &StoragePool,
    name: &str,
    base: &str,
    length: Option<u64>,
) -> Result<StorageVol> {
    let cannot = || format!("cannot make the disk {name}");
    let below = volume(pool, base)?
        .ok_or_else(|| Error::failed(cannot()).hint("what it lies upon is gone: run it again"))?;
    let base_path = path(&below)?;
    let shortest = length_of_image(connection, &below)?;
    if let Some(length) = length.filter(|length| *length < shortest) {
        return Err(Error::usage(format!(
            "a disk of {} is shorter than what it starts from, which has {}",
            envup::model::size::Size(length),
            envup::model::size::Size(shortest)
        ))
        .hint("raise `disk` of the machine, or leave it out"));
    }
    remove(pool, name)?;
    let xml = disk(name, length.unwrap_or(shortest), Some(&base_path));
    StorageVol::create_xml(pool, &xml, 0).explain(cannot)
}

/// The document of a disk of so many bytes, which lies upon the one at `below`.
pub fn disk(name: &str, length: u64, below: Option<&str>) -> String {
    let below = below.map_or_else(String::new, |path| {
        format!("<backingStore><path>{}</path><format type='qcow2'/></backingStore>", escape(path))
    });
    format!(
        "<volume><name>{}</name><capacity>{length}</capacity><target><format type='qcow2'/>\
         <permissions><mode>0600</mode></permissions></target>{below}</volume>",
        escape(name)
    )
}

/// Copies a disk: what was written into it, above what it lies upon. The copy stands in the place of what has its name.
pub fn copy(pool: &StoragePool, source: &str, name: &str) -> Result<StorageVol> {
    let cannot = || format!("cannot copy the disk {source}");
    let found =
        volume(pool, source)?.ok_or_else(|| Error::failed(cannot()).hint("it is gone from the pool"))?;
    let text = found.xml_desc(0).explain(cannot)?;
    let document =
        roxmltree::Document::parse(&text).map_err(|error| Error::failed(cannot()).because(error))?;
    let told = |path: &[&str]| xml::find(document.root_element(), path).and_then(|node| node.text());
    let length = told(&["capacity"]).and_then(|bytes| bytes.parse().ok());
    let length = length.ok_or_else(|| Error::failed(cannot()).hint("libvirt does not tell its length"))?;
    let xml = disk(name, length, told(&["backingStore", "path"]));
    remove(pool, name)?;
    StorageVol::create_xml_from(pool, &xml, &found, 0).explain(cannot)
}

/// How long the disk in a qcow2 image is: a number in its header. libvirt itself may not have looked yet.
fn length_of_image(connection: &Connect, volume: &StorageVol) -> Result<u64> {
    let header = read_some(connection, volume, 32)?;
    let number = header.get(24..32).ok_or_else(|| Error::failed("what a disk should lie upon is no disk"))?;
    Ok(number.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
}

/// The content of a volume that is small.
pub fn read(connection: &Connect, volume: &StorageVol) -> Result<Vec<u8>> {
    let length = volume.info().explain(|| "cannot tell the length of a volume")?.capacity;
    read_some(connection, volume, usize::try_from(length).unwrap_or(usize::MAX))
}

fn read_some(connection: &Connect, volume: &StorageVol, length: usize) -> Result<Vec<u8>> {
    let mut content = Vec::with_capacity(length);
    hand_on(connection, volume, length as u64, &mut |piece| {
        content.extend_from_slice(piece);
        Ok(())
    })?;
    Ok(content)
}

/// The digest of a volume's file, byte by byte.
pub fn digest(connection: &Connect, volume: &StorageVol, what: &str, context: &Context) -> Result<String> {
    let (mut digester, mut length) = (Digester::new("disk/1"), 0u64);
    hand_on(connection, volume, WHOLE, &mut |piece| {
        digester.piece(piece);
        length += piece.len() as u64;
        context.check(what)
    })?;
    digester.part(length.to_le_bytes());
    Ok(digester.finish())
}

/// Hands on the first bytes of a volume, piece by piece.
fn hand_on(
    connection: &Connect,
    volume: &StorageVol,
    length: u64,
    sink: &mut dyn FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let cannot = || "cannot read a volume of libvirt's pool";
    let stream = Stream::new(connection, 0).explain(cannot)?;
    volume.download(&stream, 0, length, 0).explain(cannot)?;
    let mut piece = vec![0; PIECE];
    while let Ok(count @ 1..) = usize::try_from(stream.recv(&mut piece).explain(cannot)?) {
        sink(&piece[..count])?;
    }
    stream.finish().explain(cannot)
}
