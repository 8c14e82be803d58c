//! `env port`.

use super::Run;
use super::options::{Output, Which};
use super::session::{Purpose, Session};
use crate::engine;
use crate::model::observed::PublishedPort;
use crate::model::{Error, Result};
use crate::ui::human::Table;
use crate::ui::{exit, json};
use clap::Args;
use clap_complete::ArgValueCandidates;
use serde::Serialize;

/// Show where ports of machines are on this host
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  env port                 all of them
  env port web 80          only the address: 127.0.0.1:8080
  curl http://$(env port web 80)/")]
pub struct Port {
    /// Only those of this machine
    #[arg(value_name = "MACHINE", add = ArgValueCandidates::new(super::candidates::machines))]
    machine: Option<String>,
    /// Only the address of this port of the machine, such as 80 or 53/udp
    #[arg(value_name = "PORT")]
    guest: Option<String>,
    #[command(flatten)]
    which: Which,
}

#[derive(Serialize)]
struct Document<'a> {
    ports: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    machine: &'a str,
    #[serde(flatten)]
    port: &'a PublishedPort,
}

impl Run for Port {
    fn output(&self) -> &Output {
        &self.which.output
    }

    fn run(self, session: &Session) -> Result<u8> {
        let world = session.open(&self.which, Purpose::Look)?;
        if let Some(machine) = &self.machine {
            engine::select(std::slice::from_ref(machine), world.stack.machines.keys().map(String::as_str))?;
        }
        let view = engine::observe(&world)?;
        let machines = view.observed.machines.iter().filter(|machine| self.wants_machine(&machine.name));
        let ports: Vec<Entry<'_>> = machines
            .flat_map(|machine| machine.ports.iter().map(|port| Entry { machine: &machine.name, port }))
            .filter(|entry| self.wants_port(entry.port))
            .collect();
        if let (Some(machine), Some(guest)) = (&self.machine, &self.guest)
            && ports.is_empty()
        {
            return Err(Error::failed(format!("{machine} publishes no port {guest} now"))
                .hint("`env port` shows those that are; the Envfile's `ports` declares them"));
        }
        if session.json {
            json::document(&session.printer, &Document { ports });
        } else {
            session.printer.result(&self.shown(&ports));
        }
        Ok(exit::DONE)
    }
}

impl Port {
    fn wants_machine(&self, name: &str) -> bool {
        self.machine.as_ref().is_none_or(|pattern| glob_match::glob_match(pattern, name))
    }

    fn wants_port(&self, port: &PublishedPort) -> bool {
        self.guest
            .as_ref()
            .is_none_or(|wanted| port.guest == *wanted || port.guest == format!("{wanted}/tcp"))
    }

    fn shown(&self, ports: &[Entry<'_>]) -> String {
        if self.guest.is_some() {
            return ports.iter().map(|entry| address(entry.port) + "\n").collect();
        }
        let mut table = Table::indented(0);
        for entry in ports {
            table.row().plain(entry.machine).plain(&entry.port.guest).plain(address(entry.port));
        }
        table.render()
    }
}

fn address(port: &PublishedPort) -> String {
    let host = if port.host_ip.contains(':') { format!("[{}]", port.host_ip) } else { port.host_ip.clone() };
    format!("{host}:{}", port.host)
}
