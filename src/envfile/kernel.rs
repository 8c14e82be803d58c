//! What a machine asks of the kernel: resource limits, parameters, capabilities.

use super::keys;
use super::nearest;
use super::source::Span;
use super::table::Table;
use super::value::Value;
use std::collections::{BTreeMap, BTreeSet};

static ULIMITS: &[&str] = &[
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
];

pub(super) fn ulimits(machine: &Table) -> BTreeMap<String, (i64, i64)> {
    let entries = machine.get("ulimits").map(|value| value.entries()).unwrap_or_default();
    let limit = |(name, span, value): (String, Span, Value)| {
        if !ULIMITS.contains(&name.as_str()) {
            let label = nearest(&name, ULIMITS.iter().copied()).map(|near| format!("did you mean `{near}`?"));
            let value = value.pointing_at(span);
            value.refuse_with(format!("`{name}` is not a resource limit"), label.unwrap_or_default());
            return None;
        }
        let (soft, hard) = if value.is_table() {
            let table = value.part(keys::ULIMIT)?;
            let soft = table.get("soft").and_then(|soft| soft.integer());
            let hard = table.get("hard").and_then(|hard| hard.integer());
            match (soft, hard) {
                (Some(soft), Some(hard)) => (soft, hard),
                (Some(one), None) | (None, Some(one)) => (one, one),
                (None, None) => {
                    value.refuse("a limit needs `soft`, `hard` or both");
                    return None;
                }
            }
        } else if value.is_integer() || value.is_string() {
            let both = value.integer()?;
            (both, both)
        } else {
            return value.wrong_type("an integer or a table");
        };
        if soft < -1 || hard < -1 || (hard != -1 && (soft > hard || soft == -1)) {
            value.refuse(format!(
                "soft {soft} and hard {hard} are not possible: soft is at most hard, -1 is none"
            ));
            return None;
        }
        Some((name, (soft, hard)))
    };
    entries.into_iter().filter_map(limit).collect()
}

pub(super) fn sysctls(machine: &Table) -> BTreeMap<String, String> {
    let entries = machine.get("sysctls").map(|value| value.entries()).unwrap_or_default();
    let parameter = |(name, span, value): (String, Span, Value)| {
        let text = value.text()?;
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
        if !plain || !name.contains('.') || name.starts_with('.') || name.ends_with('.') {
            let value = value.pointing_at(span);
            value.refuse_with(
                format!("`{name}` is not a kernel parameter"),
                "quote it: \"net.core.somaxconn\"",
            );
            return None;
        }
        Some((name, text))
    };
    entries.into_iter().filter_map(parameter).collect()
}

static CAPABILITIES: &[&str] = &[
    "ALL",
    "AUDIT_CONTROL",
    "AUDIT_READ",
    "AUDIT_WRITE",
    "BLOCK_SUSPEND",
    "BPF",
    "CHECKPOINT_RESTORE",
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "IPC_LOCK",
    "IPC_OWNER",
    "KILL",
    "LEASE",
    "LINUX_IMMUTABLE",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "MKNOD",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_RAW",
    "PERFMON",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYSLOG",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_CHROOT",
    "SYS_MODULE",
    "SYS_NICE",
    "SYS_PACCT",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "WAKE_ALARM",
];

/// Capabilities in the engine's spelling: upper case, without `CAP_`.
pub(super) fn capabilities(machine: &Table, key: &str) -> BTreeSet<String> {
    let items = machine.get(key).map(|value| value.items()).unwrap_or_default();
    let capability = |item: &Value| {
        let text = item.string()?.to_ascii_uppercase();
        let name = text.strip_prefix("CAP_").unwrap_or(&text);
        if !CAPABILITIES.contains(&name) {
            let label =
                nearest(name, CAPABILITIES.iter().copied()).map(|near| format!("did you mean `{near}`?"));
            item.refuse_with(format!("`{name}` is not a capability"), label.unwrap_or_default());
            return None;
        }
        Some(name.to_owned())
    };
    items.iter().filter_map(capability).collect()
}
