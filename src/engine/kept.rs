//! The layers that are kept, of all providers: what is known of each, and taking them away.

use super::Providers;
use crate::model::layer::{KeptLayer, Layer, LayerSettings, Removed};
use crate::model::{Error, Kind, Result};
use crate::plan::layers::{evicted, is_old};
use crate::provider::Layers;
use crate::state::{LayerRecords, now};
use std::collections::BTreeMap;

/// All layers, those that were used last first.
pub fn kept_layers(providers: &Providers, records: &LayerRecords) -> Result<Vec<KeptLayer>> {
    let known = records.read();
    let mut all = Vec::new();
    for (provider, layers) in with_layers(providers) {
        for Layer { key, created, size } in layers.list()? {
            let record = known.layers.get(&key).cloned();
            all.push(KeptLayer {
                provider,
                created,
                size,
                used: record.as_ref().map(|record| record.used),
                base: record.as_ref().map(|record| record.base.clone()),
                steps: record.map(|record| record.steps).unwrap_or_default(),
                key,
            });
        }
    }
    all.sort_by(|one, other| (other.used, other.created, &one.key).cmp(&(one.used, one.created, &other.key)));
    Ok(all)
}

/// Lets go of the layers whose keys begin so.
pub fn remove_layers(
    providers: &Providers,
    records: &LayerRecords,
    beginnings: &[String],
) -> Result<Removed> {
    let all = kept_layers(providers, records)?;
    let mut chosen = Vec::new();
    for beginning in beginnings {
        let mut fitting = all.iter().filter(|layer| layer.key.starts_with(beginning.as_str()));
        match (fitting.next(), fitting.next()) {
            (Some(layer), None) => chosen.push(layer),
            (None, _) => {
                return Err(Error::usage(format!("no layer is called {beginning}"))
                    .hint("`env layer list` shows those that are kept"));
            }
            (Some(_), Some(_)) => {
                return Err(Error::usage(format!("several layers begin with {beginning}"))
                    .hint("give more of the name"));
            }
        }
    }
    let mut removed = Removed::default();
    for (provider, layers) in with_layers(providers) {
        // The others would not even know that it is in use.
        let its = chosen.iter().filter(|layer| layer.provider == provider);
        take_away(layers, &its.map(|layer| layer.key.clone()).collect::<Vec<_>>(), &mut removed)?;
    }
    forget(records, &removed)?;
    Ok(removed)
}

/// Lets go of layers that are too old or do not fit under the limit; of all of them when `all` says so.
pub fn prune_layers(
    providers: &Providers,
    records: &LayerRecords,
    settings: &LayerSettings,
    all: bool,
) -> Result<Removed> {
    let known = records.read();
    let mut removed = Removed::default();
    for (_, layers) in with_layers(providers) {
        let kept = layers.list()?;
        // What others made here is nobody's business but theirs, until it is too old for anybody.
        let old = kept.iter().filter(|layer| is_old(layer, settings, now()));
        let mut used: BTreeMap<String, u64> = old.map(|layer| (layer.key.clone(), layer.created)).collect();
        used.extend(known.layers.iter().map(|(key, record)| (key.clone(), record.used)));
        let keys = match all {
            true => kept.iter().map(|layer| layer.key.clone()).collect(),
            false => evicted(&kept, &used, settings, now(), None),
        };
        take_away(layers, &keys, &mut removed)?;
    }
    forget(records, &removed)?;
    Ok(removed)
}

/// Makes room beside the layer that is `needed` now: what was made or used by this user is too old, or too much.
pub fn make_room(
    (provider, layers): (&str, &dyn Layers),
    records: &LayerRecords,
    settings: &LayerSettings,
    needed: &str,
) -> Result<()> {
    let known = records.read();
    let used: BTreeMap<String, u64> =
        known.layers.iter().map(|(key, record)| (key.clone(), record.used)).collect();
    let kept = layers.list()?;
    let mut removed = Removed::default();
    take_away(layers, &evicted(&kept, &used, settings, now(), Some(needed)), &mut removed)?;
    // Those that others took away are not known any longer either.
    let its = known.layers.iter().filter(|(_, record)| record.provider == provider).map(|(key, _)| key);
    removed.removed.extend(its.filter(|key| !kept.iter().any(|layer| layer.key == **key)).cloned());
    forget(records, &removed)
}

/// What keeps layers here. An optional provider that cannot be used has none.
fn with_layers(providers: &Providers) -> impl Iterator<Item = (&'static str, &dyn Layers)> {
    let usable = providers.0.iter().filter(|provider| {
        !provider.capabilities().optional
            || !provider.check().is_err_and(|error| error.kind == Kind::Unavailable)
    });
    usable.filter_map(|provider| Some((provider.name(), provider.layers()?)))
}

fn take_away(layers: &dyn Layers, keys: &[String], removed: &mut Removed) -> Result<()> {
    for key in keys {
        match layers.remove(key)? {
            true => removed.removed.push(key.clone()),
            false => removed.in_use.push(key.clone()),
        }
    }
    Ok(())
}

fn forget(records: &LayerRecords, removed: &Removed) -> Result<()> {
    if removed.removed.is_empty() {
        return Ok(());
    }
    records.change(|known| removed.removed.iter().for_each(|key| drop(known.layers.remove(key))))
}
