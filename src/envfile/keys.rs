//! Every key of the Envfile, once: what the reader accepts, `env help envfile` explains and `Envfile.example` shows.
//!
//! The tables are data only; `schema` and its neighbours give the keys their meaning.

/// One key of one kind of table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyDoc {
    /// The table's header, `machine.NAME`; empty for the top of the Envfile.
    pub table: &'static str,
    /// The key.
    pub key: &'static str,
    /// What its value is.
    pub value_type: &'static str,
    /// What holds when it is not given; empty when that is simply nothing.
    pub default: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// A value as an Envfile writes it.
    pub example: &'static str,
}

impl KeyDoc {
    /// As an Envfile writes it: `memory = "512MiB"`, or the header of a table.
    pub fn written(&self) -> String {
        if self.value_type.ends_with("tables") && self.example.starts_with('[') {
            return self.example.to_owned();
        }
        format!("{} = {}", self.key, self.example)
    }
}

/// The keys that are valid in one kind of table.
pub(super) type Keys = &'static [KeyDoc];

macro_rules! key_table {
    ($table:literal $($key:literal $value_type:literal $example:literal $default:literal $doc:literal;)*) => {
        &[$($crate::envfile::keys::KeyDoc {
            table: $table, key: $key, value_type: $value_type, example: $example, default: $default, doc: $doc,
        }),*]
    };
}
pub(super) use key_table;

pub(super) static TOP: Keys = key_table! { ""
    "name" "string" r#""shop""# "the directory's name" "the stack's name";
    "variables" "table" r#"{ TAG = "1.4" }"# "" "values for ${NAME}; they win over the environment and .env";
    "machine" "tables" "[machine.web]" "" "one table for each machine";
    "network" "tables" "[network.front]" "" "one table for each network; `default` is always there";
    "volume" "tables" "[volume.data]" "" "one table for each volume: data that outlives machines";
    "secret" "tables" "[secret.token]" "" "one table for each secret, seen at /run/secrets/NAME";
    "config" "tables" "[config.site]" "" "one table for each configuration file";
    "provision" "list of tables" "[[provision]]" "" "steps that run once over several machines, after their own";
    "drift" "table" r#"{ fail_on = "breaking" }"# "" "what counts as drift";
    "layers" "table" r#"{ max_age = "7d" }"# "" "how provisioned disks are kept, so that the next machine starts from them";
    "environment" "tables" "[environment.production]" "" "variants of the stack, chosen with --env; `dev` when none is";
};

/// As at the top: what is said here is laid over it.
pub(super) static ENVIRONMENT: Keys = key_table! { "environment.NAME"
    "variables" "table" r#"{ TAG = "1.4" }"# "" "tables are merged key by key, everything else replaces";
    "machine" "tables" r#"[environment.production.machine.db]"# "" "machine.NAME = false takes a machine away, KEY = false a key";
    "network" "tables" "[environment.production.network.front]" "" "as above; false takes away here too";
    "volume" "tables" "[environment.production.volume.data]" "" "as above";
    "secret" "tables" "[environment.production.secret.token]" "" "as above";
    "config" "tables" "[environment.production.config.site]" "" "as above";
    "provision" "list of tables" "[[environment.production.provision]]" "" "all steps over several machines, instead of those above";
    "drift" "table" r#"{ level = "full" }"# "" "as above";
    "layers" "table" r#"{ enabled = false }"# "" "as above";
};

pub(super) static BOX: Keys = key_table! { "machine.NAME.box"
    "url" "string" r#""https://example.org/base.tar.gz""# "" "where the box is fetched";
    "sha256" "string" r#""9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08""# "" "its digest, checked";
};

pub(super) static BUILD: Keys = key_table! { "machine.NAME.build"
    "context" "path" r#"".""# "the Envfile's directory" "the directory that is sent to the engine";
    "dockerfile" "path" r#""Dockerfile""# "Dockerfile" "the Dockerfile inside the context";
    "args" "table" r#"{ VERSION = "3" }"# "" "build arguments";
    "target" "string" r#""runtime""# "the last stage" "the stage to stop at";
};

pub(super) static NETWORK_JOIN: Keys = key_table! { "machine.NAME.networks.NETWORK"
    "aliases" "list of strings" r#"["api"]"# "" "further names the machine answers to there";
    "address" "string" r#""10.5.0.10""# "the engine picks one" "fixed address; the network needs a subnet";
};

pub(super) static SYNC: Keys = key_table! { "machine.NAME.sync"
    "from" "path" r#"".""# "" "the folder on the host";
    "to" "path" r#""/srv/app""# "" "where the machine sees it";
    "read_only" "boolean" "true" "false" "the machine cannot write to it";
    "exclude" "list of strings" r#"["target", "*.log"]"# "" "of a VM, where it is copied: what is left out, by patterns of rsync";
    "gitignore" "boolean" "true" "false" "of a VM: leave out what git ignores, and .git";
};

pub(super) static ULIMIT: Keys = key_table! { "machine.NAME.ulimits.LIMIT"
    "soft" "integer" "1024" "" "the limit; -1 is none";
    "hard" "integer" "4096" "" "how far the machine may raise it";
};

pub(super) static READY: Keys = key_table! { "machine.NAME.ready"
    "tcp" "port or list of ports" "5432" "" "something accepts connections there";
    "http" "string" r#""http://localhost/health""# "" "the address, seen from the machine, answers with 2xx or 3xx";
    "cmd" "string or list" r#"["pg_isready", "-q"]"# "" "the command exits 0; a string is run by /bin/sh -c";
    "file" "path" r#""/run/app.pid""# "" "the path exists";
    "log" "regular expression" r#""listening on .*""# "" "a line of the machine's log matches";
    "interval" "duration" r#""1s""# "1s" "longest pause between two probes; they begin 50 ms apart";
    "timeout" "duration" r#""60s""# "60s" "how long it may take";
};

pub(super) static LOGGING: Keys = key_table! { "machine.NAME.logging"
    "driver" "string" r#""json-file""# "" "the engine's log driver";
    "options" "table" r#"{ max-size = "10m" }"# "" "options of the driver";
};

pub(super) static STEP: Keys = key_table! { "machine.NAME.provision"
    "name" "string" r#""base packages""# "the script or target" "what people see";
    "run" "string" r#""changed""# "changed" "when: changed, always, once, never";
    "layer" "boolean" "false" "true" "whether it may be part of a kept layer; false for what needs other machines or secrets";
    "inputs" "list of paths" r#"["ops/packages.txt"]"# "" "files and directories it depends on that its definition does not name";
};

pub(super) static STACK_STEP: Keys = key_table! { "provision"
    "machines" "list of strings" r#"["web", "db"]"# "all" "the machines it runs over; beside the keys of a machine's step";
};

pub(super) static NETWORK: Keys = key_table! { "network.NAME"
    "driver" "string" r#""bridge""# "bridge" "the engine's driver";
    "subnet" "string" r#""10.5.0.0/24""# "the engine picks one" "address range";
    "internal" "boolean" "true" "false" "no way out of the host";
    "external" "string" r#""corp""# "" "name of a network that exists already and is not ours";
    "labels" "table" r#"{ team = "web" }"# "" "your own labels";
};

pub(super) static VOLUME: Keys = key_table! { "volume.NAME"
    "driver" "string" r#""local""# "local" "the engine's driver";
    "options" "table" r#"{ type = "tmpfs", device = "tmpfs" }"# "" "options of the driver";
    "external" "string" r#""photos""# "" "name of a volume that exists already and is not ours";
    "labels" "table" r#"{ team = "web" }"# "" "your own labels";
};

pub(super) static SECRET: Keys = key_table! { "secret.NAME"
    "env" "string" r#""DB_PASSWORD""# "" "the environment variable (or .env line) that holds it";
    "file" "path" r#""secrets/token""# "" "the file that holds it";
};

pub(super) static CONFIG: Keys = key_table! { "config.NAME"
    "content" "string" r#""listen 80;""# "" "the text itself";
    "file" "path" r#""ops/site.conf""# "" "the file that holds it";
};

pub(super) static LAYERS: Keys = key_table! { "layers"
    "enabled" "boolean" "false" "true" "whether layers are made and used";
    "max_age" "duration" r#""7d""# "14d" "older ones are made anew: package mirrors move on";
    "limit" "size" r#""10GiB""# "20GiB" "room for all layers of this user; what was not used for longest goes first";
};

/// All tables in the order in which people read them.
static TABLES: &[Keys] = &[
    TOP,
    super::machine_keys::MACHINE,
    BOX,
    BUILD,
    super::machine_keys::SSH,
    NETWORK_JOIN,
    SYNC,
    ULIMIT,
    READY,
    LOGGING,
    STEP,
    super::steps::shell::TOOL.keys,
    super::steps::file::TOOL.keys,
    super::steps::ansible::TOOL.keys,
    super::steps::puppet::TOOL.keys,
    super::steps::chef::TOOL.keys,
    super::steps::cloud_init::TOOL.keys,
    STACK_STEP,
    NETWORK,
    VOLUME,
    SECRET,
    CONFIG,
    super::drift_keys::DRIFT,
    super::drift_keys::IGNORE,
    LAYERS,
    ENVIRONMENT,
];

/// What other tools call some of our keys.
static OTHER_NAMES: &[(&str, &str)] = &[
    ("services", "machine"),
    ("service", "machine"),
    ("vm", "machine"),
    ("environment", "env"),
    ("healthcheck", "ready"),
    ("wait", "ready"),
    ("mem_limit", "memory"),
    ("ram", "memory"),
    ("pids_limit", "pids"),
    ("folders", "sync"),
    ("mounts", "sync"),
    ("workdir", "working_dir"),
    ("cwd", "working_dir"),
    ("steps", "provision"),
    ("stop_grace_period", "stop_grace"),
    ("source", "file"),
    ("dest", "to"),
    ("certname", "node_name"),
    ("user_data", "cloud_init"),
    ("attributes", "node"),
    ("json", "node"),
    ("modulepath", "modules"),
    ("hiera_config", "hiera"),
    ("manifests", "manifest"),
    ("key", "identity"),
    ("content", "shell"),
    ("script", "shell"),
    ("inline", "shell"),
];

/// Keys of the design that this version does not know yet, and what they come with.
static LATER: &[(&str, &str)] = &[("salt", "comes in a later version")];

/// Every key of every kind of table, in the order in which people read them.
pub fn keys() -> impl Iterator<Item = &'static KeyDoc> {
    TABLES.iter().flat_map(|keys| keys.iter())
}

/// A few words that help whoever wrote a key that is not valid in this table.
pub(super) fn unknown_key_label(name: &str, kind: Keys, valid: &[&'static str]) -> Option<String> {
    let table = kind.first().map_or("", |doc| doc.table);
    let later = LATER.iter().find(|(key, _)| *key == name).filter(|_| table.is_empty() || kind == STEP);
    if let Some((_, when)) = later {
        return Some(format!("`{name}` {when}"));
    }
    let other = OTHER_NAMES.iter().find(|(other, key)| *other == name && valid.contains(key));
    if let Some(meant) = other.map(|(_, key)| *key).or_else(|| super::nearest(name, valid.iter().copied())) {
        return Some(format!("did you mean `{meant}`?"));
    }
    let homes = keys().filter(|doc| doc.key == name && doc.table != table);
    let home = homes.min_by_key(|doc| !doc.table.starts_with(table))?;
    match home.table {
        "" => Some("it belongs to the top of the Envfile".to_owned()),
        table => Some(format!("it belongs to {table}")),
    }
}
