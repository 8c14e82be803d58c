//! Services and what starts them: units of systemd, else the scripts of System V's or OpenRC's runlevels.
//!
//! Of units that came with a package only those are told that can be enabled, that run, or that the machine changed. Timers
//! are told by the section `schedules`. systemd itself is not asked: it keeps a link for each service that is active.

use std::collections::{BTreeMap, BTreeSet};

use super::systemd::{Unit, directories, template, units};
use super::view::{Found, View};

/// What comes and goes with logins, or while something uses it.
const FLEETING: &[&str] = &[
    "user@",
    "user-runtime-dir@",
    "systemd-fsckd.",
    "systemd-initctl.",
    "systemd-rfkill.",
    "systemd-coredump@",
];

/// The section `services`.
pub fn collect(view: &View<'_>, found: &mut Found) {
    let active = active(view, found);
    let counts =
        |name: &str| !name.ends_with(".timer") && !FLEETING.iter().any(|begin| name.starts_with(begin));
    for unit in units(view, &counts, found) {
        let state = active.as_ref().and_then(|active| state(&unit, active));
        if unit.is_own || unit.is_installable() || state == Some("active") {
            unit.tell(view, &[("active", state)], found);
        }
    }
    let exists = |path: &str| view.path(path).symlink_metadata().is_ok();
    let has_systemd = ["/usr/lib/systemd/systemd", "/lib/systemd/systemd"].iter().any(|path| exists(path));
    let is_native =
        |script: &str| has_systemd && directories().any(|place| exists(&format!("{place}/{script}.service")));
    system_v(view, &is_native, found);
    openrc(view, found);
}

/// The services that are active; `None` where no systemd runs.
fn active(view: &View<'_>, found: &mut Found) -> Option<BTreeSet<String>> {
    let names = if view.is_live() { view.names("/run/systemd/units", found) } else { vec![] };
    let names: BTreeSet<String> =
        names.iter().filter_map(|name| name.strip_prefix("invocation:").map(str::to_owned)).collect();
    (!names.is_empty()).then_some(names)
}

/// Whether a service runs, where that lasts: others end by themselves, or run whenever somebody asks for them.
fn state(unit: &Unit, active: &BTreeSet<String>) -> Option<&'static str> {
    let setting = |name| unit.settings.last("Service", name);
    let ends = setting("Type") == Some("oneshot")
        && !matches!(setting("RemainAfterExit"), Some("yes" | "true" | "1" | "on"));
    // Units without [Install] that are done once, or that the bus starts.
    let on_demand = !unit.is_installable()
        && (setting("BusName").is_some()
            || setting("Type") == Some("oneshot")
            || template(&unit.name).is_some());
    if !unit.name.ends_with(".service") || ends || on_demand || unit.name.contains("@.") {
        return None;
    }
    Some(if active.contains(&unit.name) { "active" } else { "inactive" })
}

/// Scripts and the runlevels that start them, but for those that systemd has a unit for.
fn system_v(view: &View<'_>, is_native: &dyn Fn(&str) -> bool, found: &mut Found) {
    let mut levels: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for script in view.names("/etc/init.d", found) {
        // OpenRC's scripts lie there too, and so do lists of dependencies and the text that explains.
        if !script.starts_with(['.', 'R']) && !script.contains('.') {
            levels.insert(script, vec![]);
        }
    }
    for level in ["0", "1", "2", "3", "4", "5", "6", "S"] {
        for name in view.names(&format!("/etc/rc{level}.d"), found) {
            let script = name.strip_prefix('S').and_then(|rest| rest.get(2..));
            if let Some(levels) = script.and_then(|script| levels.get_mut(script)) {
                levels.push(level);
            }
        }
    }
    if view.real("/etc/runlevels").is_some() {
        return;
    }
    for (script, levels) in levels.iter().filter(|(script, _)| !is_native(script)) {
        runlevels(view, script, &levels.join(","), None, found);
    }
}

/// OpenRC's services by runlevel, and whether they were started.
fn openrc(view: &View<'_>, found: &mut Found) {
    let mut levels: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for level in view.names("/etc/runlevels", found) {
        for script in view.names(&format!("/etc/runlevels/{level}"), found) {
            levels.entry(script).or_default().push(level.clone());
        }
    }
    let runs = view.is_live() && view.real("/run/openrc/started").is_some();
    let started = if runs { view.names("/run/openrc/started", found) } else { vec![] };
    for (script, levels) in &levels {
        let state = runs.then(|| if started.contains(script) { "active" } else { "inactive" });
        runlevels(view, script, &levels.join(","), state, found);
    }
}

fn runlevels(view: &View<'_>, script: &str, levels: &str, state: Option<&str>, found: &mut Found) {
    let package = view.owners().of(&format!("/etc/init.d/{script}")).map(|package| package.key.as_str());
    let enabled = if levels.is_empty() { "disabled" } else { "enabled" };
    let levels = Some(levels).filter(|levels| !levels.is_empty());
    found.item(
        script,
        [("enabled", Some(enabled)), ("runlevels", levels), ("active", state), ("package", package)],
    );
}

#[cfg(test)]
mod tests {
    use super::super::tree::{Tree, field};
    use super::*;

    const SERVICE: &str = "[Service]\nExecStart=/bin/x\n[Install]\nWantedBy=multi-user.target\n";
    const WANTS: &str = "/etc/systemd/system/multi-user.target.wants";

    fn tree() -> Tree {
        let tree = Tree::new();
        for name in ["nginx.service", "off.service", "masked.service", "getty@.service"] {
            tree.file(&format!("/usr/lib/systemd/system/{name}"), SERVICE);
        }
        tree.file("/usr/lib/systemd/system/noise.service", "[Service]\n")
            .file("/usr/lib/systemd/systemd", "");
        tree.link("/lib", "usr/lib").package("nginx", "1", "/lib/systemd/system/nginx.service");
        tree.link(&format!("{WANTS}/nginx.service"), "/lib/systemd/system/nginx.service");
        tree.link(
            "/etc/systemd/system/getty.target.wants/getty@tty1.service",
            "/lib/systemd/system/getty@.service",
        );
        tree.link("/etc/systemd/system/masked.service", "/dev/null");
        tree.link("/etc/systemd/system/web.service", "/lib/systemd/system/nginx.service");
        tree.file("/etc/systemd/system/nginx.service.d/limits.conf", "[Service]\nLimitNOFILE=9\n");
        tree
    }

    #[test]
    fn units_are_told_by_files_and_links() {
        let items = tree().items(collect);
        let names: Vec<&str> = items.keys().map(String::as_str).collect();
        assert_eq!(names, ["getty@tty1.service", "masked.service", "nginx.service", "off.service"]);
        let nginx = ["enabled", "wanted_by", "aliases", "drop_ins", "package"]
            .map(|name| field(&items, "nginx.service", name).unwrap());
        assert_eq!(nginx, ["enabled", "multi-user.target", "web.service", "limits.conf", "dpkg:nginx"]);
        assert_eq!(field(&items, "masked.service", "enabled"), Some("masked"));
        assert_eq!(field(&items, "off.service", "enabled"), Some("disabled"));
    }

    #[test]
    fn a_changed_drop_in_or_unit_is_seen_and_a_secret_one_is_keyed() {
        let digest = |tree: &Tree, unit, name| field(&tree.items(collect), unit, name).map(str::to_owned);
        let tree = tree();
        let before = digest(&tree, "nginx.service", "sha256").unwrap();
        tree.file("/etc/systemd/system/nginx.service.d/limits.conf", "[Service]\nLimitNOFILE=8\n");
        assert_ne!(digest(&tree, "nginx.service", "sha256").unwrap(), before);
        tree.file("/etc/systemd/system/own.service", "[Service]\nEnvironment=A=CANARY\n");
        assert!(digest(&tree, "own.service", "sha256").is_some());
        tree.mode("/etc/systemd/system/own.service", 0o600);
        assert!(
            digest(&tree, "own.service", "sha256").is_none()
                && digest(&tree, "own.service", "keyed").is_some()
        );
        assert_eq!(digest(&tree, "own.service", "enabled").as_deref(), Some("static"));
    }

    #[test]
    fn only_what_lasts_is_told_to_be_active() {
        let state = |name: &str, text: &str| {
            let mut unit = Unit::default();
            unit.name = name.to_owned();
            unit.settings.read(text);
            state(&unit, &[name.to_owned()].into())
        };
        assert_eq!(state("a.service", SERVICE), Some("active"));
        assert_eq!(state("a.service", "[Service]\nType=simple\n"), Some("active"));
        assert_eq!(state("a.service", "[Service]\nType=oneshot\n[Install]\n"), None);
        assert_eq!(
            state("a.service", "[Service]\nType=oneshot\nRemainAfterExit=yes\n[Install]\n"),
            Some("active")
        );
        assert_eq!(state("a.service", "[Service]\nType=dbus\nBusName=a.b\n"), None);
        assert_eq!(state("a@1.service", "[Service]\n"), None);
        assert_eq!(state("a.target", ""), None);
    }

    #[test]
    fn scripts_count_where_systemd_has_no_unit() {
        let tree = tree();
        tree.file("/etc/init.d/nginx", "").file("/etc/init.d/old", "").file("/etc/init.d/README", "");
        tree.link("/etc/rc2.d/S01old", "../init.d/old").link("/etc/rc0.d/K01old", "../init.d/old");
        let items = tree.items(collect);
        assert_eq!(
            (field(&items, "old", "enabled"), field(&items, "old", "runlevels")),
            (Some("enabled"), Some("2"))
        );
        assert!(!items.contains_key("nginx") && !items.contains_key("README"));
        let alpine = Tree::new();
        alpine.link("/etc/runlevels/default/nginx", "/etc/init.d/nginx").file("/etc/init.d/nginx", "");
        assert_eq!(field(&alpine.items(collect), "nginx", "runlevels"), Some("default"));
    }
}
