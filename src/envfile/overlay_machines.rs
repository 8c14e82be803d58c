//! What an environment's word on machines means for keys that it does not name: a machine starts from one thing only, and
//! who is gone is waited for by nobody.
//!
//! Comes before the merge itself, see [`overlay`](super::overlay), and only changes the rest of the Envfile.

use super::host::{HOST_KEYS, KEPT_BY_HOSTS};
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

/// Keys that say what a machine is made from.
const SOURCES: [&str; 3] = ["box", "image", "build"];

/// Keys that say what process 1 is: a box boots, an image runs its command, so they do not outlive a change between the two.
const PROCESS: [&str; 3] = ["init", "command", "entrypoint"];

/// Lets go of what does not go together with what the environment says of machines.
pub(super) fn make_room(base: &mut DeTable, over: &DeTable) {
    let Some(over) = table(over, "machine") else { return };
    for (name, value) in over {
        match value.get_ref() {
            DeValue::Boolean(false) => forget(base, name.get_ref()),
            DeValue::Table(over) => {
                if let Some(machine) =
                    table_mut(base, "machine").and_then(|all| table_mut(all, name.get_ref()))
                {
                    change_source(machine, over);
                }
            }
            _ => {}
        }
    }
}

/// Takes a machine that is no more out of what others say: it is waited for by none, and steps do not run over it.
fn forget(base: &mut DeTable, gone: &str) {
    for (_, machine) in table_mut(base, "machine").into_iter().flat_map(DeTable::iter_mut) {
        let DeValue::Table(machine) = machine.get_mut() else { continue };
        match machine.get_mut("depends_on").map(Spanned::get_mut) {
            Some(DeValue::Array(names)) => *names = without(names, gone),
            Some(DeValue::Table(names)) => drop(names.remove(gone)),
            _ => {}
        }
    }
    let Some(DeValue::Array(steps)) = base.get_mut("provision").map(Spanned::get_mut) else { return };
    let still_runs = |step: &mut Spanned<DeValue<'_>>| {
        let DeValue::Table(step) = step.get_mut() else { return true };
        let Some(DeValue::Array(names)) = step.get_mut("machines").map(Spanned::get_mut) else { return true };
        let before = names.len();
        *names = without(names, gone);
        // A list that was empty all along is for the reader to judge.
        !names.is_empty() || before == 0
    };
    let kept = std::mem::replace(steps, DeArray::new())
        .into_iter()
        .filter_map(|mut step| still_runs(&mut step).then_some(step));
    *steps = kept.collect();
}

fn without<'i>(names: &mut DeArray<'i>, gone: &str) -> DeArray<'i> {
    let names = std::mem::replace(names, DeArray::new()).into_iter();
    names.filter(|name| name.get_ref().as_str() != Some(gone)).collect()
}

/// Drops what the machine was made from, or where it was, when the environment says another thing.
fn change_source(machine: &mut DeTable, over: &DeTable) {
    let says = |key: &str| over.get(key).is_some_and(|value| value.get_ref().as_bool() != Some(false));
    let provider = provider(over);
    let (moved, remade) = (says("host") || says("hosts"), SOURCES.iter().any(|key| says(key)));
    let goes: Box<dyn Fn(&str) -> bool> = if moved || provider == Some("host") {
        // The old provider made what is no more, or it is this one, which goes without saying.
        let place = move |key: &str| moved && ["host", "hosts"].contains(&key);
        Box::new(move |key| key == "provider" || place(key) || !KEPT_BY_HOSTS.contains(&key))
    } else if remade || provider.is_some() {
        let was_host = self::provider(machine) == Some("host");
        let of_host = move |key: &str| HOST_KEYS.contains(&key) || was_host && key == "provider";
        let kind_changes = remade && machine.contains_key("box") != over.contains_key("box");
        let of_source =
            move |key: &str| remade && SOURCES.contains(&key) || kind_changes && PROCESS.contains(&key);
        Box::new(move |key| of_host(key) || of_source(key))
    } else {
        return;
    };
    // What the environment names itself is merged, or taken away, as everywhere.
    let stays = |key: &str| over.contains_key(key) || !goes(key);
    *machine = std::mem::take(machine).into_iter().filter(|(key, _)| stays(key.get_ref())).collect();
}

fn provider<'t>(machine: &'t DeTable) -> Option<&'t str> {
    machine.get("provider")?.get_ref().as_str()
}

fn table<'t, 'i>(table: &'t DeTable<'i>, key: &str) -> Option<&'t DeTable<'i>> {
    table.get(key)?.get_ref().as_table()
}

fn table_mut<'t, 'i>(table: &'t mut DeTable<'i>, key: &str) -> Option<&'t mut DeTable<'i>> {
    match table.get_mut(key)?.get_mut() {
        DeValue::Table(table) => Some(table),
        _ => None,
    }
}
