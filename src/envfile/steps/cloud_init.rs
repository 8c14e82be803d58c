//! `cloud_init` steps: user-data, carried out by cloud-init inside the machine.

use super::{Named, ToolReader};
use crate::envfile::data;
use crate::envfile::keys::{Keys, key_table};
use crate::envfile::limits::length_of_time;
use crate::envfile::paths::{Want, on_host};
use crate::envfile::table::Table;
use crate::model::step::{CloudInit, Tool};
use std::time::Duration;

pub(in crate::envfile) static TOOL: ToolReader = ToolReader { name: "cloud_init", keys: KEYS, read };

/// Packages take their time.
const TIMEOUT: Duration = Duration::from_secs(600);

static KEYS: Keys = key_table! { "machine.NAME.provision (cloud_init)"
    "cloud_init" "path" r#""ops/user-data.yaml""# "" "user-data: #cloud-config, a script, a template or a MIME archive";
    "vendor_data" "path" r#""ops/vendor-data.yaml""# "" "what the cloud would add; user-data wins over it";
    "meta_data" "table" r#"{ app_env = "${environment}" }"# "" "further meta-data; templates read it as ds.meta_data.app_env";
    "timeout" "duration" r#""10m""# "10m" "how long all stages may take together";
    "install" "boolean" "false" "true for a box" "whether cloud-init is installed where it is missing, as a step of its own";
};

fn read(table: &Table) -> Option<Named> {
    let user_data = table.get("cloud_init").and_then(|value| on_host(&value, Want::File));
    let written = table.string("cloud_init");
    let vendor_data = table.get("vendor_data").and_then(|value| on_host(&value, Want::File));
    let meta_data = data::of_key(table, "meta_data");
    if let Some(value) = table.get("meta_data").filter(|value| value.has_key("instance-id")) {
        value.refuse("`instance-id` is set by env: it changes with the data");
    }
    let timeout = table.get("timeout").map_or(Some(TIMEOUT), |value| length_of_time(&value));
    let install = table.get("install").and_then(|value| value.boolean());
    let tool = CloudInit { user_data: user_data?, vendor_data, meta_data, timeout: timeout?, install };
    Some((Tool::CloudInit(tool), written?))
}
