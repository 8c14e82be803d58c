//! Noise: differences between machines that are the same, as named classes with the reason that people read.
//!
//! Each was seen between two independent installations, or differs by design from machine to machine. A class is as narrow as
//! it can be: it covers named fields, or that an item is there; never type, mode or owner of what both sides have.

use super::super::difference::Difference;
use envup_agent::{Fingerprint, Section};

/// A class of noise.
#[derive(Debug)]
pub struct Noise {
    /// What reports and people call it.
    pub name: &'static str,
    /// Why it is no drift.
    pub reason: &'static str,
    /// The section it is about.
    pub section: &'static str,
    /// Patterns of keys.
    pub keys: &'static [&'static str],
    /// Patterns of keys that stay reported all the same.
    pub except: &'static [&'static str],
    /// The fields whose differences it covers.
    pub fields: &'static [&'static str],
    /// Whether it also covers that an item is missing or extra.
    pub presence: bool,
    /// What else has to hold.
    pub when: Condition,
}

/// A condition on a difference and both machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// None.
    Always,
    /// The entry is for the machine's own name, on the side that has it.
    OwnName,
    /// One side lies on a container engine's layers.
    OnLayers,
}

/// The fields that tell what is in a file.
pub const CONTENT: &[&str] = &["sha256", "keyed", "size"];

/// Most classes are about files.
const FILES: Noise = Noise {
    name: "",
    reason: "",
    section: "files",
    keys: &[],
    except: &[],
    fields: CONTENT,
    presence: true,
    when: Condition::Always,
};

/// The classes.
pub const NOISE: &[Noise] = &[
    Noise {
        name: "hostname",
        reason: "every machine has a name of its own",
        section: "os",
        keys: &["hostname"],
        fields: &["value"],
        presence: false,
        ..FILES
    },
    Noise {
        name: "hostname",
        reason: "every machine has a name of its own",
        section: "environment",
        keys: &["HOSTNAME"],
        fields: &["value", "keyed"],
        presence: false,
        ..FILES
    },
    Noise {
        name: "own address",
        reason: "every machine has its own name and address in its list of hosts",
        section: "resolution",
        keys: &["host *"],
        fields: &["value"],
        when: Condition::OwnName,
        ..FILES
    },
    Noise {
        name: "ssh host keys",
        reason: "made once for each machine, to tell it from others",
        keys: &["/etc/ssh/ssh_host_*_key", "/etc/ssh/ssh_host_*_key.pub"],
        presence: false,
        ..FILES
    },
    Noise {
        name: "machine's own certificate",
        reason: "ssl-cert makes one for each machine and signs it itself; no other machine trusts it",
        keys: &["/etc/ssl/certs/ssl-cert-snakeoil.pem", "/etc/ssl/private/ssl-cert-snakeoil.key"],
        presence: false,
        ..FILES
    },
    Noise {
        name: "certificate links",
        reason: "named after what they lead to; whom the machine trusts is told in the section certificates",
        keys: &["/etc/ssl/certs/????????.[0-9]"],
        fields: &[],
        ..FILES
    },
    Noise {
        name: "machine id",
        reason: "made once for each machine, to tell it from others",
        keys: &["/etc/machine-id", "/var/lib/dbus/machine-id"],
        ..FILES
    },
    Noise {
        name: "lists of packages",
        reason: "what a mirror offered when it was asked last; what is installed is told in the section packages",
        keys: &[
            "/var/lib/apt/{lists,periodic,mirrors}/**",
            "/var/lib/apt/daily_lock",
            "/var/lib/dnf/repos/**",
        ],
        ..FILES
    },
    Noise {
        name: "caches",
        reason: "made anew whenever they are missing",
        keys: &[
            "/var/cache/{apt,apk,cracklib,debconf,dictionaries-common,dnf,fontconfig,ldconfig,man,yum}/**",
            "/{root,home/*}/.cache/**",
            "/{root,home/*}/.npm/{_cacache,_logs}/**",
            "/{root,home/*}/.npm/_update-notifier-last-checked",
        ],
        ..FILES
    },
    Noise {
        name: "logs",
        reason: "they tell what happened, each time another thing",
        keys: &["/var/log/**"],
        ..FILES
    },
    Noise {
        name: "databases",
        reason: "data, not configuration: it differs as soon as somebody writes",
        keys: &[
            "/var/lib/postgresql/*/*/{base,global,pg_*}/**",
            "/var/lib/postgresql/*/*/{current_logfiles,postmaster.opts,postmaster.pid}",
            "/var/lib/mysql/**",
            "/var/lib/redis/{dump.rdb,appendonly.aof,appendonlydir/**}",
            "/var/lib/mongodb/**",
        ],
        except: &["**/*.cnf", "**/*.conf"],
        ..FILES
    },
    Noise {
        name: "random seeds",
        reason: "random by purpose",
        keys: &["/var/lib/systemd/{random-seed,credential.secret}", "/var/lib/{urandom/,}random-seed"],
        ..FILES
    },
    Noise {
        name: "records of services",
        reason: "when services ran last and what they noted for themselves",
        keys: &[
            "/var/lib/systemd/{catalog,coredump,timers,timesync,rfkill,backlight}/**",
            "/var/lib/{dhcp,chrony,ntp,ntpsec,plocate,mlocate,NetworkManager}/**",
            "/var/lib/logrotate/status*",
            "/var/lib/logrotate.status",
            "/var/lib/man-db/auto-update",
            "/var/spool/anacron/**",
        ],
        except: &["**/*.conf"],
        ..FILES
    },
    Noise {
        name: "records of provisioners",
        reason: "when a tool ran and what it noted for itself; what it did is told where it did it",
        keys: &[
            "/var/lib/cloud/**",
            "/var/{lib,cache}/puppet/{state,reports,yaml,public,clientbucket,client_data,client_yaml}/**",
            "/opt/puppetlabs/puppet/{public,cache/{state,reports,clientbucket,client_data}}/**",
            "/var/{chef,cache/chef}/**",
            "/{root,home/*}/.ansible/{tmp,cp}/**",
        ],
        ..FILES
    },
    Noise {
        name: "backups",
        reason: "what a file was before its last change; nothing reads it",
        keys: &["/var/backups/**", "/etc/{passwd,group,shadow,gshadow,subuid,subgid}-", "/etc/.pwd.lock"],
        ..FILES
    },
    Noise {
        name: "indexes",
        reason: "put together from other files in the order in which they came",
        keys: &["/usr/share/info/dir", "/usr/share/info/dir.old", "/var/lib/ucf/{registry,hashfile}*"],
        ..FILES
    },
    Noise {
        name: "documentation",
        reason: "slim machines leave it away; nothing needs it to run",
        section: "packages",
        keys: &["**"],
        fields: &["documents"],
        presence: false,
        ..FILES
    },
    Noise {
        name: "marks of containers",
        reason: "container engines leave them to say that this is a container",
        keys: &["/.dockerenv", "/.containerenv"],
        ..FILES
    },
    Noise {
        name: "marks of containers",
        reason: "container engines leave them to say that this is a container",
        section: "environment",
        keys: &["container"],
        fields: &["value", "keyed", "from"],
        ..FILES
    },
    Noise {
        name: "root on layers",
        reason: "a container's disk is made of layers, another machine's is not; both behave the same",
        section: "mounts",
        keys: &["/"],
        fields: &["type"],
        presence: false,
        when: Condition::OnLayers,
        ..FILES
    },
];

impl Condition {
    /// Whether it holds.
    pub fn holds(self, difference: &Difference, before: &Fingerprint, after: &Fingerprint) -> bool {
        match self {
            Self::Always => true,
            Self::OwnName => {
                let is_own = |side: &Fingerprint| {
                    let Some(name) = hostname(side) else { return false };
                    let entry = difference.key.strip_prefix("host ").unwrap_or_default();
                    let short = name.split('.').next().unwrap_or_default();
                    entry == name
                        || entry == short
                        || entry.strip_prefix(short).is_some_and(|rest| rest.starts_with('.'))
                };
                let has = |side: &Option<_>| side.is_some();
                (!has(&difference.before) || is_own(before)) && (!has(&difference.after) || is_own(after))
            }
            Self::OnLayers => {
                let (before, after) = difference.field("type");
                before == Some("overlay") || after == Some("overlay")
            }
        }
    }

    /// As the documentation words it, behind what a class covers.
    #[cfg(test)]
    pub fn words(self) -> &'static str {
        match self {
            Self::Always => "",
            Self::OwnName => ", for the machine's own name",
            Self::OnLayers => ", when one side is `overlay`",
        }
    }
}

fn hostname(side: &Fingerprint) -> Option<&str> {
    let name = side.items(Section::Os)?.get("hostname")?.get("value")?;
    (!name.is_empty()).then_some(name)
}
