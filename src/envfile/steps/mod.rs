//! Provisioning steps: of one machine, and of the stack over several machines. What a tool's keys mean is its own file's business.

pub(super) mod ansible;
pub(super) mod chef;
pub(super) mod cloud_init;
pub(super) mod file;
pub(super) mod install;
pub(super) mod puppet;
pub(super) mod shell;

use super::keys::{self, Keys};
use super::paths::{Want, on_host};
use super::table::Table;
use super::value::Value;
use crate::model::stack::StackStep;
use crate::model::step::{RunPolicy, Step, Tool};

/// How the steps of one tool are read.
pub(super) struct ToolReader {
    /// The key that names the tool.
    name: &'static str,
    /// The keys that are valid beside those of every step.
    pub(super) keys: Keys,
    read: fn(&Table) -> Option<Named>,
}

/// A tool, and the step's name when the Envfile gives none.
type Named = (Tool, String);

/// A step has exactly one of them.
static TOOLS: [&ToolReader; 6] =
    [&shell::TOOL, &file::TOOL, &ansible::TOOL, &puppet::TOOL, &chef::TOOL, &cloud_init::TOOL];

/// The steps of a machine, with those that install what they need in it.
pub(super) fn steps(machine: &Table, is_box: bool) -> Vec<Step> {
    let items = machine.get("provision").map(|value| value.items()).unwrap_or_default();
    let read = |(index, item): (usize, &Value)| {
        let place = format!("step {} of {}", index + 1, machine.place);
        step(&table(item, &[], place)?, index + 1)
    };
    install::with_tools(items.iter().enumerate().filter_map(read).collect(), is_box)
}

/// The steps over several machines; without `machines`, over all of them.
pub(super) fn stack_steps(top: &Table, all: &[String]) -> Vec<StackStep> {
    let items = top.get("provision").map(|value| value.items()).unwrap_or_default();
    let read = |(index, item): (usize, &Value)| {
        let table = table(item, &[keys::STACK_STEP], format!("step {} of the stack", index + 1))?;
        let machines = table.get("machines").map_or_else(|| all.to_vec(), |value| value.names());
        Some(StackStep { step: step(&table, index + 1)?, machines })
    };
    items.iter().enumerate().filter_map(read).collect()
}

/// The table of a step, with the keys that are valid beside its tool's.
fn table<'a>(item: &Value<'a>, more: &[Keys], place: String) -> Option<Table<'a>> {
    let named: Vec<Keys> =
        TOOLS.iter().filter(|tool| item.has_key(tool.name)).map(|tool| tool.keys).collect();
    let tools = if named.is_empty() { TOOLS.iter().map(|tool| tool.keys).collect() } else { named };
    let kinds: Vec<Keys> = [keys::STEP].into_iter().chain(tools).chain(more.iter().copied()).collect();
    item.table(&kinds, place, None)
}

fn step(table: &Table, index: usize) -> Option<Step> {
    let named: Vec<&ToolReader> = TOOLS.into_iter().filter(|tool| table.has(tool.name)).collect();
    let tool = match named.as_slice() {
        [tool] => (tool.read)(table),
        [] => {
            // A tool of a later version was already refused as a key that is not known.
            if !table.has_unknown() {
                let tools = TOOLS.map(|tool| tool.name).join("`, `");
                let label = format!("it needs one of `{tools}`");
                table.refuse(format!("{} says nothing to do", table.place), &label);
            }
            None
        }
        _ => {
            let tools = named.iter().map(|tool| tool.name).collect::<Vec<_>>().join("` and `");
            table.refuse(format!("{} has `{tools}`", table.place), "a step has one of them; write two steps");
            None
        }
    };
    let policy = table.get("run").map_or(Some(RunPolicy::default()), |value| {
        value.one_of(&[
            ("changed", RunPolicy::Changed),
            ("always", RunPolicy::Always),
            ("once", RunPolicy::Once),
            ("never", RunPolicy::Never),
        ])
    });
    let layer = table.get("layer").map_or(Some(true), |value| value.boolean());
    let inputs = table.get("inputs").map(|value| value.items()).unwrap_or_default();
    let inputs = inputs.iter().filter_map(|item| on_host(item, Want::Any)).collect();
    let name = table.string("name").filter(|name| !name.trim().is_empty());
    let (tool, default_name) = tool?;
    Some(Step { index, name: name.unwrap_or(default_name), tool, run: policy?, layer: layer?, inputs })
}
