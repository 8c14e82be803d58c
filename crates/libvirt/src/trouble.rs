//! What libvirt complains of, as errors that say what to do.
//!
//! Its codes are few and `internal error` stands for many things, so the texts decide where the code does not.

use envup::model::{Error, Kind, Result};
use virt::error::Error as Libvirt;
use virt::sys;

/// Result of a call to libvirt.
pub type Answer<T> = std::result::Result<T, Libvirt>;

/// Says what was attempted when a call failed.
pub trait Explain<T> {
    /// Turns libvirt's error into ours; `message` is what was attempted on which object.
    fn explain<M: Into<String>>(self, message: impl FnOnce() -> M) -> Result<T>;
}

impl<T> Explain<T> for Answer<T> {
    fn explain<M: Into<String>>(self, message: impl FnOnce() -> M) -> Result<T> {
        self.map_err(|error| explain(&error, message()))
    }
}

/// What was looked for, if it is there.
pub fn optional<T>(answer: Answer<T>) -> Answer<Option<T>> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether the thing that was asked for does not exist.
pub fn is_missing(error: &Libvirt) -> bool {
    let code = error.code().to_raw();
    [
        sys::VIR_ERR_NO_DOMAIN,
        sys::VIR_ERR_NO_NETWORK,
        sys::VIR_ERR_NO_STORAGE_POOL,
        sys::VIR_ERR_NO_STORAGE_VOL,
        sys::VIR_ERR_NO_DOMAIN_METADATA,
        sys::VIR_ERR_NO_NETWORK_METADATA,
    ]
    .contains(&code)
}

/// Whether the operation makes no sense now: what runs is started, what is stopped is stopped.
pub fn is_out_of_place(error: &Libvirt) -> bool {
    error.code().to_raw() == sys::VIR_ERR_OPERATION_INVALID
}

/// Our error when libvirt could not be reached at all.
pub fn unreachable(error: &Libvirt, uri: &str) -> Error {
    let mut ours = Error::new(Kind::Unavailable, format!("libvirt cannot be reached at {uri}"));
    ours.causes.push(error.message().to_owned());
    let said = error.message();
    if said.contains("ermission denied") || said.contains("uthentication") || said.contains("olkit") {
        return ours
            .hint("join the group that may use it, `sudo usermod -aG libvirt $USER`, and log in again");
    }
    ours.hint("start it: `sudo systemctl start libvirtd`; in a checkout of envup, `scripts/services`")
        .hint("where it is not installed: sudo apt install libvirt-daemon-system qemu-system-x86")
}

/// What a text means, and the way out.
const MEANINGS: [(&[&str], Kind, &str); 9] = [
    (
        &[
            "Failed to connect socket",
            "client socket is closed",
            "Cannot write data",
            "End of file while reading data",
        ],
        Kind::Unavailable,
        "the connection to libvirt broke: does the daemon still run? Nothing is lost, run the same again",
    ),
    (
        &["No space left on device", "Disk quota exceeded"],
        Kind::Failed,
        "make room where libvirt keeps its disks (`virsh pool-info envup`); `env prune` removes boxes that no VM uses",
    ),
    (
        &["Could not set up host forwarding rule"],
        Kind::Failed,
        "a port on this host is taken: `ss -ltnp` shows by whom; \"auto:80\" in `ports` picks a free one",
    ),
    (
        &["is already in use by interface", "already in use by network"],
        Kind::Failed,
        "another network has these addresses: give `subnet` to the network in the Envfile",
    ),
    (
        &["network is not active", "no network with matching name"],
        Kind::Failed,
        "the network is gone or down: `env up` makes it again",
    ),
    (
        &["ailed to get \"write\" lock", "ailed to get shared \"write\" lock"],
        Kind::Failed,
        "another VM uses the same disk: end that one first",
    ),
    (
        &[".volume.qcow2' (as uid"],
        Kind::Failed,
        "the disk of a volume is gone, and its data with it: `env snapshot restore` brings it back where there is a snapshot, \
         `env rebuild` begins with an empty one",
    ),
    (
        &["Could not open", "Cannot access storage file", "No such file or directory"],
        Kind::Failed,
        "a disk of the VM is gone: `env rebuild` makes the machine anew from its box, `env snapshot restore` from a snapshot",
    ),
    (
        &["qemu unexpectedly closed the monitor", "process exited while connecting to monitor"],
        Kind::Failed,
        "QEMU ended at once; `sudo tail /var/log/libvirt/qemu/*.log` shows what it said",
    ),
];

/// Our error for one of libvirt's.
pub fn explain(error: &Libvirt, message: impl Into<String>) -> Error {
    explained(error.message(), message)
}

fn explained(said: &str, message: impl Into<String>) -> Error {
    let meaning = MEANINGS.iter().find(|(texts, _, _)| texts.iter().any(|text| said.contains(text)));
    let kind = meaning.map_or(Kind::Failed, |(_, kind, _)| *kind);
    let mut ours = Error::new(kind, message);
    // QEMU's own words come over several lines.
    ours.causes.push(said.split_whitespace().collect::<Vec<_>>().join(" "));
    match meaning {
        Some((_, _, hint)) => ours.hint(*hint),
        None => ours,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_has_a_way_out() {
        let said = "internal error: qemu unexpectedly closed the monitor: 2026 qemu-system-x86_64: -netdev user: \
                    Could not set up host forwarding rule 'tcp:127.0.0.1:8080-:80'";
        let error = explained(said, "cannot start machine web");
        assert!(error.hints[0].contains("is taken") && error.causes[0].contains("8080"), "{error:?}");
        let full = explained("cannot write data: No space left on device", "x");
        assert!(full.hints[0].contains("make room"), "{full:?}");
        let lost = explained("Cannot recv data: End of file while reading data: Input/output error", "x");
        assert_eq!(lost.kind, Kind::Unavailable);
        let gone = |file: &str| {
            let said = format!(
                "Cannot access storage file '/pool/{file}' (as uid:64055, gid:108): No such file or directory"
            );
            explained(&said, "x").hints.concat()
        };
        assert!(gone("shop-3f9a1c-web.qcow2").contains("makes the machine anew"));
        assert!(gone("shop-3f9a1c-data.volume.qcow2").contains("its data with it"));
        assert!(explained("something else", "x").hints.is_empty());
    }
}
