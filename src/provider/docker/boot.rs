//! What booting an init in a container needs; for systemd that depends on the engine and its control groups.
//!
//! Nothing here ever asks for privileges: systemd gets one subtree of its own to write to, and cannot lift its limits
//! where the engine can prevent it.

use super::client::Facts;
use super::endpoint::Endpoint;
use super::options::Options;
use crate::model::machine::{Init, Machine};
use bollard::models::{
    HostConfig, HostConfigCgroupnsModeEnum, SystemInfoCgroupDriverEnum, SystemInfoCgroupVersionEnum,
};

/// Runs the distribution's rc scripts below the engine's own init, and their other half when it is asked to end.
const RC: &str = r#"all() { for script in $1; do [ ! -x "$script" ] || "$script" "$2"; done; }
trap 'all "/etc/rc0.d/K*" stop; exit 0' TERM INT
all "/etc/rc2.d/S*" start
while :; do sleep 3600 & wait $!; done"#;

const SYSTEMD: &str = "/sbin/init";

/// systemd's signal for an orderly shutdown.
const SHUT_DOWN: &str = "SIGRTMIN+3";

/// Where an engine keeps control groups.
const CGROUPS: &str = "/sys/fs/cgroup";

/// What an engine reports, as far as booting depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Engine {
    /// Whether it has the old control groups, one hierarchy for each controller.
    pub(super) old_groups: bool,
    /// Whether systemd makes the groups, which then have the names of slices.
    pub(super) slices: bool,
    /// Whether root in a container is another user outside.
    pub(super) remapped: bool,
    /// The user that a rootless engine works as.
    pub(super) rootless: Option<u32>,
    /// First number of the engine's version.
    pub(super) version: u32,
    pub(super) podman: bool,
}

/// How systemd gets the control groups it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Recipe {
    /// The engine does it by itself.
    Base,
    /// The engine is asked to make the machine's own groups writable.
    Writable,
    /// New groups: the tree read-only, and in it one slice of the machine's own writable.
    Slice { parent: String, path: String },
    /// Old groups: only systemd's own hierarchy, which controls nothing, and only the machine's part of it writable.
    Hierarchy { parent: String, path: String },
}

impl Engine {
    /// What this engine reports.
    pub(super) fn of(facts: &Facts, endpoint: &Endpoint) -> Self {
        let info = &facts.info;
        let version = info.server_version.as_deref().unwrap_or_default();
        let is_rootless = facts.has_security("rootless");
        Self {
            old_groups: info.cgroup_version != Some(SystemInfoCgroupVersionEnum::_2),
            slices: info.cgroup_driver == Some(SystemInfoCgroupDriverEnum::SYSTEMD),
            remapped: facts.has_security("userns"),
            rootless: is_rootless.then(|| user_of(endpoint)).flatten(),
            version: version.split('.').next().and_then(|number| number.parse().ok()).unwrap_or(0),
            podman: facts.podman,
        }
    }
}

/// The user whose rootless engine listens at `/run/user/UID/…`.
fn user_of(endpoint: &Endpoint) -> Option<u32> {
    match endpoint {
        Endpoint::Unix(path) => path.strip_prefix("/run/user/")?.split('/').next()?.parse().ok(),
        _ => None,
    }
}

/// The recipes for systemd in a container of this name, in the order in which they are tried: an engine that does not
/// know one refuses it when the machine is made.
pub(super) fn recipes(engine: &Engine, container: &str) -> Vec<Recipe> {
    if engine.podman || engine.remapped && !engine.old_groups {
        return vec![Recipe::Base];
    }
    let (parent, group) = if engine.slices {
        // Slices nest at every dash.
        let slice = format!("env-{}.slice", container.replace('-', "_"));
        (slice.clone(), format!("/env.slice/{slice}"))
    } else {
        (format!("/env/{container}"), format!("/env/{container}"))
    };
    if engine.old_groups {
        let path = format!("{CGROUPS}/systemd{group}");
        return vec![Recipe::Hierarchy { parent, path }];
    }
    let prefix = match engine.rootless {
        Some(user) => format!("/user.slice/user-{user}.slice/user@{user}.service"),
        None => String::new(),
    };
    let slice = Recipe::Slice { parent, path: format!("{CGROUPS}{prefix}{group}") };
    if engine.version >= 28 { vec![Recipe::Writable, slice] } else { vec![slice] }
}

/// Adds what every engine needs for the machine's init.
pub(super) fn add(machine: &Machine, options: &mut Options) {
    let config = &mut options.config;
    match machine.init {
        Init::Systemd => {
            // An entrypoint of the image, made for one program, must not come in between.
            config.entrypoint.get_or_insert_with(|| vec![SYSTEMD.to_owned()]);
            config.stop_signal.get_or_insert_with(|| SHUT_DOWN.to_owned());
            config.env.get_or_insert_default().push("container=docker".to_owned());
            let tmpfs = options.host.tmpfs.get_or_insert_default();
            // No tmpfs on /tmp: apt's signature checks fail there.
            for (path, how) in [("/run", "rw,nosuid,nodev,exec,mode=755"), ("/run/lock", "rw,nosuid,nodev")] {
                tmpfs.entry(path.to_owned()).or_insert_with(|| how.to_owned());
            }
        }
        Init::Rc => {
            let script = ["/bin/sh", "-c", RC].map(str::to_owned);
            config.entrypoint.get_or_insert_with(|| script.into());
        }
        Init::Tini | Init::None => {}
    }
}

/// Adds what a recipe says.
pub(super) fn follow(recipe: &Recipe, host: &mut HostConfig) {
    match recipe {
        Recipe::Base => {}
        Recipe::Writable => {
            host.security_opt.get_or_insert_default().push("writable-cgroups=true".to_owned());
        }
        Recipe::Slice { parent, path } => confine(host, parent, CGROUPS.to_owned(), path),
        Recipe::Hierarchy { parent, path } => confine(host, parent, format!("{CGROUPS}/systemd"), path),
    }
}

/// Shows the whole of `tree` read-only and `path` in it writable. Without the read-only mount an engine with new groups
/// would change the host's own mount of them.
fn confine(host: &mut HostConfig, parent: &str, tree: String, path: &str) {
    host.cgroupns_mode = Some(HostConfigCgroupnsModeEnum::HOST);
    host.cgroup_parent = Some(parent.to_owned());
    let binds = host.binds.get_or_insert_default();
    binds.push(format!("{tree}:{tree}:ro"));
    // The engine makes what is missing of a bound directory: here, the group itself.
    binds.push(format!("{path}:{path}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: Engine = Engine {
        old_groups: false,
        slices: true,
        remapped: false,
        rootless: None,
        version: 20,
        podman: false,
    };

    fn slice(parent: &str, path: &str) -> Recipe {
        Recipe::Slice { parent: parent.into(), path: path.into() }
    }

    #[test]
    fn new_groups_and_a_new_engine_make_the_own_groups_writable() {
        let recipes = recipes(&Engine { version: 28, ..NEW }, "shop-3f9a1c-web");
        assert_eq!(recipes[0], Recipe::Writable);
        assert!(matches!(recipes[1], Recipe::Slice { .. }), "an engine that refuses has a way out");
        let mut host = HostConfig::default();
        follow(&recipes[0], &mut host);
        let expected =
            HostConfig { security_opt: Some(vec!["writable-cgroups=true".into()]), ..HostConfig::default() };
        assert_eq!(host, expected);
    }

    #[test]
    fn new_groups_and_an_older_engine_get_one_slice() {
        let recipes = recipes(&NEW, "shop-3f9a1c-web");
        let path = "/sys/fs/cgroup/env.slice/env-shop_3f9a1c_web.slice";
        assert_eq!(recipes, [slice("env-shop_3f9a1c_web.slice", path)]);
        let mut host = HostConfig::default();
        follow(&recipes[0], &mut host);
        assert_eq!(host.cgroupns_mode, Some(HostConfigCgroupnsModeEnum::HOST));
        assert_eq!(
            host.binds,
            Some(vec!["/sys/fs/cgroup:/sys/fs/cgroup:ro".to_owned(), format!("{path}:{path}")])
        );
    }

    #[test]
    fn without_systemd_on_the_host_the_group_is_a_plain_path() {
        let recipes = recipes(&Engine { slices: false, ..NEW }, "shop-3f9a1c-web");
        assert_eq!(recipes, [slice("/env/shop-3f9a1c-web", "/sys/fs/cgroup/env/shop-3f9a1c-web")]);
    }

    #[test]
    fn a_remapped_root_owns_its_groups_already() {
        assert_eq!(recipes(&Engine { remapped: true, ..NEW }, "web"), [Recipe::Base]);
    }

    #[test]
    fn a_rootless_engine_keeps_its_groups_below_its_user() {
        let path = "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/env.slice/env-web.slice";
        let engine = Engine { rootless: Some(1000), ..NEW };
        assert_eq!(recipes(&engine, "web"), [slice("env-web.slice", path)]);
        let socket = Endpoint::Unix("/run/user/1000/docker.sock".into());
        assert_eq!(user_of(&socket), Some(1000));
    }

    #[test]
    fn old_groups_get_their_part_of_systemds_hierarchy_only() {
        let engine = Engine { old_groups: true, slices: false, ..NEW };
        let recipes = recipes(&engine, "shop-3f9a1c-web");
        let mut host = HostConfig::default();
        follow(&recipes[0], &mut host);
        assert_eq!(host.cgroup_parent.as_deref(), Some("/env/shop-3f9a1c-web"));
        let own = "/sys/fs/cgroup/systemd/env/shop-3f9a1c-web";
        let tree = "/sys/fs/cgroup/systemd";
        assert_eq!(host.binds, Some(vec![format!("{tree}:{tree}:ro"), format!("{own}:{own}")]));
    }

    #[test]
    fn podman_needs_nothing_and_would_expose_the_host() {
        assert_eq!(recipes(&Engine { podman: true, ..NEW }, "web"), [Recipe::Base]);
    }
}
