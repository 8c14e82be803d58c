//! The snapshots of a stack.

use super::{Table, bytes};
use crate::model::duration::age;
use crate::model::snapshot::KeptSnapshot;
use crate::ui::paint::Paint;

/// The snapshots for people.
pub fn snapshots(snapshots: &[KeptSnapshot], now: u64, paint: Paint) -> String {
    if snapshots.is_empty() {
        return "no snapshots are kept\n".to_owned();
    }
    let mut table = Table::headed(&["snapshot", "taken", "size", "machines", "volumes"], paint);
    for snapshot in snapshots {
        let name = &snapshot.name;
        table
            .row()
            .plain(if snapshot.complete { name.clone() } else { format!("{name} (not complete)") })
            .plain(format!("{} ago", age(now.saturating_sub(snapshot.created))))
            .plain(bytes(snapshot.size))
            .plain(snapshot.machines.join(", "))
            .plain(snapshot.volumes.join(", "));
    }
    table.render()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_a_row() {
        let whole = KeptSnapshot {
            name: "before".into(),
            created: 1000,
            complete: true,
            machines: vec!["db".into(), "web".into()],
            volumes: vec!["data".into()],
            size: 7 << 20,
        };
        let half = KeptSnapshot { complete: false, volumes: Vec::new(), ..whole.clone() };
        insta::assert_snapshot!(snapshots(&[whole, half], 4060, Paint::OFF), @r"
        snapshot               taken           size     machines  volumes
        before                 51 minutes ago  7.0 MiB  db, web   data
        before (not complete)  51 minutes ago  7.0 MiB  db, web
        ");
        assert_eq!(snapshots(&[], 0, Paint::OFF), "no snapshots are kept\n");
    }
}
