//! Snapshots: the disks of a stack's machines and what is on its volumes, as they were at one moment, kept by a name.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a part of a snapshot is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PartKind {
    /// The disk of a machine.
    Machine,
    /// What is on a volume.
    Volume,
}

impl PartKind {
    /// As names of what is kept are made from it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Machine => "machine",
            Self::Volume => "volume",
        }
    }
}

/// One part of a snapshot: what a provider keeps, and says again when it is asked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Part {
    /// Name of the snapshot.
    pub snapshot: String,
    /// When it was begun, in nanoseconds of Unix time; the same for all its parts.
    pub begun: u64,
    /// How many parts it has. Where there are fewer, somebody was killed while it was made.
    pub parts: usize,
    /// What it is of.
    pub kind: PartKind,
    /// Name of the machine or volume in the stack.
    pub name: String,
    /// Of a machine: whether it ran.
    pub running: bool,
}

/// A part that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptPart {
    /// What it is.
    pub part: Part,
    /// What keeps it.
    pub provider: &'static str,
    /// What it takes beside what it was made from, in bytes.
    pub size: u64,
}

/// A snapshot that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeptSnapshot {
    /// Its name.
    pub name: String,
    /// When it was begun, in seconds of Unix time.
    pub created: u64,
    /// Whether all its parts are there: only then it can be restored.
    pub complete: bool,
    /// Machines whose disks are in it.
    pub machines: Vec<String>,
    /// Volumes whose data is in it.
    pub volumes: Vec<String>,
    /// What it takes beside what it was made from, in bytes.
    pub size: u64,
}

/// Puts parts together to snapshots, the oldest first. What a killed run left of one is another one than what was made later
/// under the same name.
pub fn snapshots(parts: &[KeptPart]) -> Vec<KeptSnapshot> {
    let mut all: BTreeMap<(u64, &str), Vec<&KeptPart>> = BTreeMap::new();
    for kept in parts {
        all.entry((kept.part.begun, &kept.part.snapshot)).or_default().push(kept);
    }
    all.into_iter()
        .map(|((begun, name), parts)| {
            let names = |kind| {
                let of_kind = parts.iter().filter(|kept| kept.part.kind == kind);
                let mut names: Vec<String> = of_kind.map(|kept| kept.part.name.clone()).collect();
                names.sort();
                names
            };
            KeptSnapshot {
                name: name.to_owned(),
                created: begun / 1_000_000_000,
                complete: parts.iter().all(|kept| kept.part.parts == parts.len()),
                machines: names(PartKind::Machine),
                volumes: names(PartKind::Volume),
                size: parts.iter().map(|kept| kept.size).sum(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_complete_when_all_its_parts_are_there() {
        let part = |snapshot: &str, begun, kind, name: &str| KeptPart {
            part: Part { snapshot: snapshot.into(), begun, parts: 2, kind, name: name.into(), running: true },
            provider: "docker",
            size: 5,
        };
        let parts = [
            part("before", 2_000_000_000, PartKind::Volume, "data"),
            part("before", 2_000_000_000, PartKind::Machine, "db"),
            part("before", 1_000_000_000, PartKind::Machine, "db"),
        ];
        let [half, whole] = &snapshots(&parts)[..] else { panic!("{:?}", snapshots(&parts)) };
        assert!(!half.complete && half.created == 1);
        assert!(whole.complete && whole.size == 10);
        assert_eq!(
            (&whole.machines[..], &whole.volumes[..]),
            (&["db".to_owned()][..], &["data".to_owned()][..])
        );
    }
}
