//! Switching a machine on and off. Each can be done again and changes nothing then.

use crate::machine::lookup;
use crate::observe::{is_crashed, lacks_room, state};
use crate::trouble::{Answer, Explain, is_out_of_place, optional};
use envup::event::{Context, Event};
use envup::model::id::Identity;
use envup::model::observed::State;
use envup::model::{Error, Result};
use std::time::Duration;
use virt::connect::Connect;
use virt::domain::Domain;

/// How long a machine may take to shut down when nobody says; in software it takes its time.
const GRACE: Duration = Duration::from_secs(30);

/// How often a machine that shuts down is looked at, and after how many looks it is asked again: early in its boot it does not hear.
const GLANCE: Duration = Duration::from_millis(100);
const ASK_AGAIN: u32 = 30;

/// QEMU tells of one failed write a second. What it kept back libvirt takes for a new pause of a machine that goes on.
const ECHO: Duration = Duration::from_millis(1100);

/// Starts a machine and waits until it answers. It gets a second chance when QEMU itself dies meanwhile, and when libvirt has it
/// paused again: then it may run, and libvirt heard of an older pause.
pub fn start(
    connection: &Connect,
    identity: &Identity,
    name: &str,
    answers: &dyn Fn() -> Result<()>,
    context: &Context,
) -> Result<()> {
    let cannot = || format!("cannot start machine {name}");
    let missing = || Error::failed(format!("machine {name} does not exist")).hint("`env up` makes it");
    let (found, _) = lookup(connection, identity, name)?.ok_or_else(missing)?;
    for second in [false, true] {
        if lacks_room(&found) {
            context.sleep(ECHO, &format!("letting {name} go on"))?;
        }
        switch_on(&found).explain(cannot)?;
        match answers() {
            Err(_) if is_crashed(&found) && !second => {
                context.emit(Event::Note {
                    text: format!("QEMU crashed while {name} booted: it is started once more"),
                });
            }
            Err(error) if is_crashed(&found) => {
                return Err(error.context(format!("{} twice: QEMU crashed", cannot())).hint(format!(
                    "`sudo tail /var/log/libvirt/qemu/{}.log` shows what it said",
                    identity.machine(name)
                )));
            }
            _ if state(&found) == State::Paused && !second => {}
            answered => return answered,
        }
    }
    Ok(())
}

/// What is frozen goes on, what runs is left alone.
fn switch_on(found: &Domain) -> Answer<()> {
    if state(found) == State::Paused {
        return found.resume().map(drop);
    }
    match found.create() {
        Err(error) if is_out_of_place(&error) && state(found) == State::Running => Ok(()),
        started => started,
    }
}

/// Asks a machine to shut down, and switches it off after the grace. One that is not there is stopped.
pub fn stop(
    connection: &Connect,
    identity: &Identity,
    name: &str,
    grace: Option<Duration>,
    context: &Context,
) -> Result<()> {
    let cannot = || format!("cannot stop machine {name}");
    let Some((found, _)) = lookup(connection, identity, name)? else { return Ok(()) };
    let context = context.without_deadline().within(grace.unwrap_or(GRACE));
    let mut looks = 0;
    while found.is_active().explain(cannot)? {
        if looks % ASK_AGAIN == 0 {
            // What cannot be asked is switched off in time.
            let _ = found.shutdown();
        }
        looks += 1;
        if let Err(over) = context.sleep(GLANCE, &cannot()) {
            if over.kind == envup::model::Kind::Interrupted {
                return Err(over);
            }
            return switch_off(&found).explain(cannot);
        }
    }
    Ok(())
}

/// Takes a machine's power away; one that is off, or gone, is as it should be.
pub fn switch_off(found: &Domain) -> Answer<()> {
    match found.destroy() {
        Err(error) if is_out_of_place(&error) => Ok(()),
        ended => optional(ended).map(drop),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labels::{Kind, Labels};
    use envup::model::id::ProjectId;
    use std::cell::Cell;

    /// A machine of libvirt's own fake, with our labels.
    fn machine(connection: &Connect, identity: &Identity, name: &str) -> Domain {
        let labels = Labels::new(identity, "dev", Kind::Machine, name).to_xml();
        let document = format!(
            "<domain type='test'><name>{}</name><metadata>{labels}</metadata><memory unit='MiB'>64</memory>\
             <os><type>hvm</type></os></domain>",
            identity.machine(name)
        );
        connection.define_domain_xml(&document).unwrap()
    }

    #[test]
    fn what_libvirt_takes_for_paused_once_more_goes_on_once_more() {
        let connection = Connect::open(Some("test:///default")).unwrap();
        let id = ProjectId("3f9a1c00beef".into());
        let identity = Identity { id, name: "shop".into(), directory: "/srv/shop".into() };
        let found = machine(&connection, &identity, "web");
        let asked = Cell::new(0);
        // How often it is paused while it is waited for, and whether it answers then.
        let start = |pauses: u32, does_answer: bool| {
            asked.set(0);
            let _ = found.destroy();
            let answers = || {
                asked.set(asked.get() + 1);
                if asked.get() > pauses {
                    return Ok(());
                }
                found.suspend().unwrap();
                if does_answer { Ok(()) } else { Err(Error::failed("web is paused")) }
            };
            start(&connection, &identity, "web", &answers, &Context::silent()).map_err(|error| error.message)
        };
        assert_eq!((start(0, true), asked.get(), state(&found)), (Ok(()), 1, State::Running));
        assert_eq!((start(1, true), asked.get(), state(&found)), (Ok(()), 2, State::Running));
        assert_eq!((start(1, false), asked.get(), state(&found)), (Ok(()), 2, State::Running));
        // What stays paused is told.
        assert_eq!((start(9, false), asked.get()), (Err("web is paused".to_owned()), 2));
        found.destroy().unwrap();
        found.undefine().unwrap();
    }
}
