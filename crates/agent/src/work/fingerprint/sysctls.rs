//! Settings of the kernel that explain why a program works on one machine and fails on another.
//!
//! A selection: what follows from memory and processors alone, and what counts instead of setting, is left out. In a container
//! most of these are the host's, which is just what the programs inside get to feel.

use super::view::{Found, View};

/// Names, a `*` at the end for all that begin so.
const SELECTED: &[&str] = &[
    "fs.aio-max-nr",
    "fs.file-max",
    "fs.inotify.*",
    "fs.nr_open",
    "fs.protected_*",
    "fs.suid_dumpable",
    "kernel.apparmor_restrict_unprivileged_userns",
    "kernel.core_pattern",
    "kernel.dmesg_restrict",
    "kernel.io_uring_disabled",
    "kernel.keys.maxkeys",
    "kernel.kptr_restrict",
    "kernel.msgmax",
    "kernel.msgmnb",
    "kernel.msgmni",
    "kernel.perf_event_paranoid",
    "kernel.pid_max",
    "kernel.randomize_va_space",
    "kernel.sem",
    "kernel.shmall",
    "kernel.shmmax",
    "kernel.shmmni",
    "kernel.unprivileged_bpf_disabled",
    "kernel.unprivileged_userns_clone",
    "kernel.yama.ptrace_scope",
    "net.core.default_qdisc",
    "net.core.netdev_max_backlog",
    "net.core.rmem_*",
    "net.core.somaxconn",
    "net.core.wmem_*",
    "net.ipv4.conf.all.rp_filter",
    "net.ipv4.ip_forward",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_nonlocal_bind",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_congestion_control",
    "net.ipv4.tcp_ecn",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_*",
    "net.ipv4.tcp_max_syn_backlog",
    "net.ipv4.tcp_mtu_probing",
    "net.ipv4.tcp_retries2",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_sack",
    "net.ipv4.tcp_slow_start_after_idle",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_timestamps",
    "net.ipv4.tcp_tw_reuse",
    "net.ipv4.tcp_window_scaling",
    "net.ipv4.tcp_wmem",
    "net.ipv6.conf.all.disable_ipv6",
    "net.ipv6.conf.all.forwarding",
    "net.netfilter.nf_conntrack_max",
    "user.max_user_namespaces",
    "vm.dirty_background_ratio",
    "vm.dirty_ratio",
    "vm.max_map_count",
    "vm.mmap_min_addr",
    "vm.nr_hugepages",
    "vm.overcommit_memory",
    "vm.overcommit_ratio",
    "vm.panic_on_oom",
    "vm.swappiness",
    "vm.zone_reclaim_mode",
];

/// The section `sysctls`; empty where no kernel runs.
pub fn collect(view: &View<'_>, found: &mut Found) {
    if !view.is_live() {
        return;
    }
    for name in SELECTED {
        match name.strip_suffix('*').and_then(|begin| begin.rsplit_once('.')) {
            Some((directory, begin)) => {
                let names = view.names(&place(directory), found);
                for name in names.iter().filter(|name| name.starts_with(begin)) {
                    read(view, &format!("{directory}.{name}"), found);
                }
            }
            None => read(view, name, found),
        }
    }
}

fn read(view: &View<'_>, name: &str, found: &mut Found) {
    if let Some(text) = view.text(&place(name), found) {
        found.value(name, &text.split_whitespace().collect::<Vec<_>>().join(" "));
    }
}

fn place(name: &str) -> String {
    format!("/proc/sys/{}", name.replace('.', "/"))
}

#[cfg(test)]
mod tests {
    use super::super::tree::{Tree, live};
    use super::*;

    #[test]
    fn the_running_kernel_is_asked_and_a_tree_has_none() {
        let items = live(collect).sections.into_values().next().unwrap();
        let told = std::fs::read_to_string("/proc/sys/vm/max_map_count").unwrap();
        assert_eq!(items["vm.max_map_count"]["value"], told.trim());
        assert!(items.contains_key("fs.inotify.max_user_watches"));
        assert!(Tree::new().file("/proc/sys/vm/max_map_count", "1").items(collect).is_empty());
    }
}
