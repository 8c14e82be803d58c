//! `[layers]`: whether provisioned disks are kept, how long, and in how much room.

use super::keys;
use super::limits::size;
use super::table::Table;
use crate::model::duration;
use crate::model::layer::LayerSettings;

/// Reads the settings; findings are noted.
pub(super) fn layers(top: &Table) -> LayerSettings {
    let settings = LayerSettings::default();
    let table = top.get("layers").and_then(|value| value.table(&[keys::LAYERS], "layers".to_owned(), None));
    let Some(table) = table else { return settings };
    LayerSettings {
        enabled: table.get("enabled").and_then(|value| value.boolean()).unwrap_or(settings.enabled),
        max_age: table
            .get("max_age")
            .and_then(|value| value.parse(duration::parse))
            .unwrap_or(settings.max_age),
        limit: table.get("limit").and_then(|value| size(&value)).unwrap_or(settings.limit),
    }
}
