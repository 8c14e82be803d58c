//! The text of a file in a machine, to be shown to people: only of files that everybody there may read.

use super::World;
use crate::event::Context;
use crate::model::Result;
use crate::model::machine::Source;
use crate::transport::Transport;
use std::io::Read as _;

/// Larger files are not shown.
const LARGEST: u64 = 256 * 1024;

/// The text of a file; `None` for what is no text, too large, or not for everybody. `node` is a machine or one of its hosts.
pub fn text(world: &World, node: &str, path: &str, context: &Context) -> Result<Option<String>> {
    let machine = node.split('@').next().unwrap_or(node);
    let Some(declared) = world.stack.machines.get(machine) else { return Ok(None) };
    let node = match &declared.source {
        Source::Host(_) => node,
        _ => machine,
    };
    let transport = world.providers.get(&declared.provider)?.connect(&world.identity, node)?;
    read(transport.as_ref(), path, context)
}

fn read(transport: &dyn Transport, path: &str, context: &Context) -> Result<Option<String>> {
    let mut archive = Vec::new();
    transport.get(path, &mut archive, context)?;
    let mut archive = tar::Archive::new(archive.as_slice());
    let entry = archive.entries().ok().and_then(|mut entries| entries.next());
    let Some(Ok(entry)) = entry else { return Ok(None) };
    let header = entry.header();
    let for_everybody = header.mode().is_ok_and(|mode| mode & 0o004 != 0);
    if !header.entry_type().is_file() || !for_everybody || entry.size() > LARGEST {
        return Ok(None);
    }
    let mut text = String::new();
    Ok(entry.take(LARGEST).read_to_string(&mut text).ok().map(|_| text))
}
