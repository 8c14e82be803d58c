//! What a machine sees that is not its own disk: volumes, folders of the host, temporary file systems, devices, secrets and
//! configs.

use super::keys;
use super::paths::{Want, in_machine, on_host, text_on_host};
use super::table::Table;
use super::value::Value;
use crate::model::id::why_bad_name;
use crate::model::machine::{Device, Folder, VolumeMount};
use std::collections::BTreeMap;

pub(super) fn volumes(machine: &Table) -> Vec<VolumeMount> {
    let items = machine.get("volumes").map(|value| value.items()).unwrap_or_default();
    let read = |item: &Value| {
        let mount = item.parse(volume)?;
        item.stands_for(&mount.path);
        if let Some(name) = &mount.volume {
            item.stands_for(name);
        }
        Some(mount)
    };
    items.iter().filter_map(read).collect()
}

/// `NAME:/path[:ro]`, or `/path` for a volume that goes with the machine.
fn volume(text: &str) -> Result<VolumeMount, String> {
    let (rest, read_only) = access(text);
    let (name, path) = match rest.split_once(':') {
        Some((name, path)) => (Some(name), path),
        None => (None, rest),
    };
    if let Some(name) = name {
        if name.contains('/') || name.starts_with('.') || name.starts_with('~') {
            return Err(format!("`{name}` is a folder of the host, those go into `sync`"));
        }
        if let Some(why) = why_bad_name(name) {
            return Err(format!("the volume's name `{name}` {why}"));
        }
    }
    Ok(VolumeMount { volume: name.map(str::to_owned), path: in_machine(path)?, read_only })
}

pub(super) fn folders(machine: &Table) -> Vec<Folder> {
    let items = machine.get("sync").map(|value| value.items()).unwrap_or_default();
    let read = |item: &Value| {
        let folder = if item.is_table() { folder_table(item) } else { folder(item) }?;
        item.stands_for(&folder.guest);
        Some(folder)
    };
    items.iter().filter_map(read).collect()
}

fn folder(value: &Value) -> Option<Folder> {
    let text = if value.is_string() { value.string() } else { value.wrong_type("a string or a table") }?;
    let (rest, read_only) = access(&text);
    let Some((host, guest)) = rest.rsplit_once(':') else {
        value.refuse_with(format!("`{text}` does not say where the machine sees it"), "write host:guest");
        return None;
    };
    let guest = in_machine(guest).map_err(|why| value.refuse(why)).ok();
    let host = text_on_host(value, host, Want::Any);
    Some(Folder { host: host?, guest: guest?, read_only, exclude: Vec::new(), gitignore: false })
}

fn folder_table(value: &Value) -> Option<Folder> {
    let table = value.part(keys::SYNC)?;
    let (from, to) = (table.get("from"), table.get("to"));
    if from.is_none() || to.is_none() {
        value.refuse("a folder needs `from` and `to`");
    }
    let host = from.and_then(|from| on_host(&from, Want::Any));
    let guest = to.and_then(|to| to.parse(in_machine));
    let read_only = table.flag("read_only");
    let (exclude, gitignore) = (table.strings("exclude"), table.flag("gitignore"));
    Some(Folder { host: host?, guest: guest?, read_only, exclude, gitignore })
}

/// The text without its `:ro` or `:rw`, and whether it was `:ro`.
fn access(text: &str) -> (&str, bool) {
    match text.strip_suffix(":ro") {
        Some(rest) => (rest, true),
        None => (text.strip_suffix(":rw").unwrap_or(text), false),
    }
}

pub(super) fn tmpfs(machine: &Table) -> BTreeMap<String, String> {
    let Some(value) = machine.get("tmpfs") else { return BTreeMap::new() };
    pairs(&value, false, in_machine, |options| Ok(options.to_owned()))
}

pub(super) fn configs(machine: &Table) -> BTreeMap<String, String> {
    let Some(value) = machine.get("configs") else { return BTreeMap::new() };
    pairs(&value, true, |name| Ok(name.to_owned()), in_machine)
}

/// A table of pairs, or a list of `left:right`; on a list the right side may be left out when it need not be there.
pub(super) fn pairs(
    value: &Value,
    needs_right: bool,
    left: impl Fn(&str) -> Result<String, String>,
    right: impl Fn(&str) -> Result<String, String>,
) -> BTreeMap<String, String> {
    if value.is_table() {
        let entry = |(name, _, value): (String, _, Value)| {
            let name = left(&name).map_err(|why| value.refuse(why)).ok()?;
            Some((name, value.parse(&right)?))
        };
        return value.entries().into_iter().filter_map(entry).collect();
    }
    if !value.is_list() {
        value.wrong_type::<()>("a table or a list");
        return BTreeMap::new();
    }
    let item = |text: &str| match text.split_once(':') {
        Some((name, rest)) => Ok((left(name)?, right(rest)?)),
        None if needs_right => Err(format!("`{text}` has no `:`, NAME:value is expected")),
        None => Ok((left(text)?, String::new())),
    };
    let read = |one: &Value| one.parse(item).inspect(|(name, _)| one.stands_for(name));
    value.items().iter().filter_map(read).collect()
}

pub(super) fn devices(machine: &Table) -> Vec<Device> {
    let items = machine.get("devices").map(|value| value.items()).unwrap_or_default();
    items.iter().filter_map(|item| item.parse(device)).collect()
}

/// `host[:guest[:rwm]]`.
fn device(text: &str) -> Result<Device, String> {
    let mut parts = text.splitn(3, ':');
    let host = in_machine(parts.next().unwrap_or_default())
        .map_err(|_| format!("`{text}` does not begin with an absolute path"))?;
    let guest = parts.next().map_or_else(|| Ok(host.clone()), in_machine)?;
    let permissions = parts.next().unwrap_or("rwm");
    if permissions.is_empty() || !permissions.chars().all(|c| "rwm".contains(c)) {
        return Err(format!("`{permissions}` are not permissions of a device, some of `rwm` are"));
    }
    Ok(Device { host, guest, permissions: permissions.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_volumes() {
        let of = |text| volume(text).map(|one| (one.volume, one.path, one.read_only));
        assert_eq!(of("data:/var/lib"), Ok((Some("data".into()), "/var/lib".into(), false)));
        assert_eq!(of("data:/var/lib/:ro"), Ok((Some("data".into()), "/var/lib".into(), true)));
        assert_eq!(of("/var/cache"), Ok((None, "/var/cache".into(), false)));
        for (text, why) in [
            ("./data:/x", "go into `sync`"),
            ("/data:/x", "go into `sync`"),
            ("Data:/x", "must begin with a lowercase"),
            ("data:x", "not an absolute path"),
            ("data", "not an absolute path"),
        ] {
            assert!(of(text).unwrap_err().contains(why), "{text}");
        }
    }

    #[test]
    fn reads_devices() {
        let of = |text| device(text).map(|one| format!("{} {} {}", one.host, one.guest, one.permissions));
        assert_eq!(of("/dev/fuse").as_deref(), Ok("/dev/fuse /dev/fuse rwm"));
        assert_eq!(of("/dev/a:/dev/b:r").as_deref(), Ok("/dev/a /dev/b r"));
        for text in ["", "fuse", "/dev/a:b", "/dev/a:/dev/b:x", "/dev/a:/dev/b:"] {
            assert!(of(text).is_err(), "{text}");
        }
    }
}
