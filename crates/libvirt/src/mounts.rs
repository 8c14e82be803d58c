//! What a machine is given so that it mounts its volumes and `tmpfs` at each boot, before its services start: a list, a script, a unit.
//!
//! The script also formats a new disk and fills it with what lies at its path, as an engine does with a container's empty volume.

use crate::volumes::{disk, serial};
use envup::model::id::Identity;
use envup::model::machine::Machine;
use envup::provider::PlacedFile;
use std::collections::BTreeMap;

const SCRIPT: &str = include_str!("mounts.sh");

/// Wanted, not required: a machine whose volume cannot be mounted must still let us in to say so.
const TARGET: &str = "[Unit]\nWants=envup-volumes.service\nAfter=envup-volumes.service\n";

const UNIT: &str = "\
[Unit]
Description=Volumes of this machine
DefaultDependencies=no
After=systemd-remount-fs.service
Before=local-fs.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh /var/lib/envup/volumes.sh
";

/// What an engine mounts a container's `tmpfs` with, before what the Envfile says.
const TMPFS: &str = "nosuid,nodev,noexec";

/// The files; none when there is nothing to mount.
pub fn files(identity: &Identity, machine: &Machine) -> Vec<PlacedFile> {
    if machine.volumes.is_empty() && machine.tmpfs.is_empty() {
        return Vec::new();
    }
    let placed = |path: &str, content: String| PlacedFile {
        path: path.to_owned(),
        content: content.into_bytes(),
        secret: false,
    };
    vec![
        placed("/var/lib/envup/volumes", list(identity, machine)),
        placed("/var/lib/envup/volumes.sh", SCRIPT.to_owned()),
        placed("/etc/systemd/system/envup-volumes.service", UNIT.to_owned()),
        placed("/etc/systemd/system/local-fs.target.d/envup-volumes.conf", TARGET.to_owned()),
    ]
}

/// A line for each: the disk's serial number or `tmpfs`, how it is mounted, and where. A volume without a name is a directory of the
/// machine's disk. What lies below another one comes after it.
fn list(identity: &Identity, machine: &Machine) -> String {
    let volumes = machine.volumes.iter().map(|mount| {
        let serial =
            mount.volume.as_ref().map_or_else(|| "-".to_owned(), |name| serial(&disk(identity, name)));
        (&mount.path, format!("{serial} {}", if mount.read_only { "ro" } else { "rw" }))
    });
    let tmpfs = machine.tmpfs.iter().map(|(path, options)| {
        let comma = if options.is_empty() { "" } else { "," };
        (path, format!("tmpfs {TMPFS}{comma}{options}"))
    });
    let mounts: BTreeMap<_, _> = volumes.chain(tmpfs).collect();
    mounts.iter().map(|(path, how)| format!("{how} {path}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use envup::model::id::ProjectId;
    use envup::model::machine::{BoxSource, Source, VolumeMount};

    #[test]
    fn each_mount_has_a_line_and_outer_ones_come_first() {
        let identity =
            Identity { id: ProjectId("3f9a1c00beef".into()), name: "shop".into(), directory: "/".into() };
        let mut machine = Machine::new("db", Source::Box(BoxSource::Named("debian/12".into())));
        assert!(files(&identity, &machine).is_empty());
        for (volume, path, read_only) in
            [(Some("logs"), "/srv/db/logs", false), (Some("data"), "/srv/db", true), (None, "/own", false)]
        {
            machine.volumes.push(VolumeMount {
                volume: volume.map(str::to_owned),
                path: path.into(),
                read_only,
            });
        }
        let of = |name: &str| serial(&disk(&identity, name));
        machine.tmpfs = [("/srv/db/run".into(), "size=1m".into()), ("/scratch".into(), String::new())].into();
        let expected = format!(
            "- rw /own\ntmpfs nosuid,nodev,noexec /scratch\n{} ro /srv/db\n{} rw /srv/db/logs\n\
             tmpfs nosuid,nodev,noexec,size=1m /srv/db/run\n",
            of("data"),
            of("logs")
        );
        assert_eq!(list(&identity, &machine), expected);
        assert_ne!(of("data"), of("logs"));
    }

    #[test]
    fn the_script_is_one() {
        let checked = std::process::Command::new("sh").args(["-n", "-c", SCRIPT]).output().unwrap();
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    }
}
