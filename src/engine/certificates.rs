//! Box machines trust this host's own certificate authorities as a distribution does: they are installed in them.
//!
//! Image machines get them from their provider, because an image must not be changed; VMs from their initrd, because going into them costs
//! much and a run that is killed meanwhile would leave them without.

use super::World;
use crate::event::{Context, Event};
use crate::model::Result;
use crate::model::error::Attempt;
use crate::model::machine::{Machine, Source};
use crate::provider::Provider;
use crate::transport::authorities::{KEPT, added_files, name};
use crate::transport::{Captured, Command, Transport};
use std::fs;
use std::path::PathBuf;

/// Where they go in a machine.
const IN_THE_MACHINE: &str = "/usr/local/share/ca-certificates";

/// Has them trusted; its arguments are their names in the machine.
const SCRIPT: &str = include_str!("certificates.sh");

/// Hands this host's own authorities on to a machine that was just made and runs, unless its provider did. A machine that has no
/// place for them is as good as any other, so it is only told.
pub fn hand_on(
    world: &World,
    machine: &Machine,
    provider: &dyn Provider,
    transport: &dyn Transport,
    context: &Context,
) -> Result<()> {
    let certificates = added_files();
    if certificates.is_empty() {
        return Ok(());
    }
    if provider.capabilities().hands_on_authorities && KEPT.is_some() {
        if let Source::Box(source) = &machine.source
            && let Some(disk) = world.boxes.find_disk(source)?
            && disk.meta.without_authorities
        {
            context.emit(does_not_trust(&machine.name, "; name that in the recipe of its box"));
        }
        return Ok(());
    }
    let what = "trusting this host's certificate authorities";
    context.emit(Event::Doing { machine: Some(machine.name.clone()), what: what.to_owned() });
    let mut names: Vec<String> = certificates.iter().map(|path| name(path)).collect();
    let archive = archive(&certificates)?;
    // In the order in which the distribution's own tool would put them.
    names.sort();
    names.dedup();
    let script = ["sh", "-c", SCRIPT, "sh"].into_iter().map(str::to_owned).chain(names);
    let mut output = Captured::default();
    let trusted = transport
        .put(&mut archive.as_slice(), IN_THE_MACHINE, context)
        .and_then(|()| transport.exec(Command::new(script), &mut output, context));
    if !trusted.is_ok_and(|exit| exit.code == 0) {
        context.check(what)?;
        context.emit(does_not_trust(&machine.name, ""));
    }
    Ok(())
}

fn does_not_trust(machine: &str, remedy: &str) -> Event {
    let why = "it has no ca-certificates";
    Event::Note {
        text: format!("{machine} does not trust this host's certificate authorities: {why}{remedy}"),
    }
}

fn archive(certificates: &[PathBuf]) -> Result<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    for path in certificates {
        let content = fs::read(path).attempt(|| format!("reading the certificate {}", path.display()))?;
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(content.len() as u64);
        let packed = builder.append_data(&mut header, format!("{}.crt", name(path)), content.as_slice());
        packed.attempt(|| format!("packing the certificate {}", path.display()))?;
    }
    builder.into_inner().attempt(|| "packing certificates")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_named_after_the_host() {
        let directory = tempfile::tempdir().unwrap();
        let files = ["root.pem", "the proxy (old).crt"].map(|name| directory.path().join(name));
        files.iter().for_each(|path| fs::write(path, "certificate").unwrap());
        let bytes = archive(&files).unwrap();
        let names: Vec<String> = tar::Archive::new(bytes.as_slice())
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().path().unwrap().display().to_string())
            .collect();
        assert_eq!(names, ["host-root.crt", "host-the_proxy__old_.crt"]);
    }
}
