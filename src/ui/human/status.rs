//! How a stack stands: one row for each machine.

use super::{Table, count};
use crate::model::observed::State;
use crate::model::status::{MachineStatus, StackStatus, StepCounts};
use crate::ui::paint::Paint;

/// The machines of a stack for people.
pub fn status(status: &StackStatus, paint: Paint) -> String {
    let heading = paint.strong(&format!("{} · {}", status.project, status.environment));
    let mut table = Table::indented(2);
    for machine in &status.machines {
        let (sign, state) = (sign(machine), state(machine));
        table
            .row()
            .cell(sign, paint.state(machine.state, sign))
            .plain(&machine.name)
            .cell(&state, paint.state(machine.state, &state))
            .plain(&machine.provider)
            .plain(ports(machine))
            .plain(steps(machine.steps));
    }
    format!("{heading}\n{}", table.render())
}

fn sign(machine: &MachineStatus) -> &'static str {
    match machine.state {
        State::Running if machine.ready => "✓",
        State::Running => "…",
        State::Completed => "✓",
        State::Failed | State::Unreachable => "✗",
        State::Missing | State::Stopped | State::Paused => "-",
    }
}

fn state(machine: &MachineStatus) -> String {
    match (machine.state, machine.exit_code) {
        (State::Running, _) if machine.ready => "ready".to_owned(),
        (State::Running, _) => "running, not ready".to_owned(),
        (State::Failed | State::Stopped, Some(code)) if code != 0 => {
            format!("{} (exit {code})", machine.state)
        }
        (state, _) => state.to_string(),
    }
}

/// Where people reach it: `8080`, `0.0.0.0:53/udp`; the loopback address and tcp go without saying.
fn ports(machine: &MachineStatus) -> String {
    let shown = machine.ports.iter().map(|port| {
        let address = if is_loopback(&port.host_ip) { String::new() } else { format!("{}:", port.host_ip) };
        format!("{address}{}→{}", port.host, port.guest.trim_end_matches("/tcp"))
    });
    shown.collect::<Vec<_>>().join(" ")
}

/// Whether only this host reaches the address.
pub(super) fn is_loopback(address: &str) -> bool {
    address.starts_with("127.") || address == "::1"
}

fn steps(steps: StepCounts) -> String {
    let total = steps.applied + steps.pending + steps.failed;
    match steps {
        _ if total == 0 => String::new(),
        StepCounts { failed, .. } if failed > 0 => format!("{failed} of {} failed", count(total, "step")),
        StepCounts { pending, .. } if pending > 0 => format!("{pending} of {} pending", count(total, "step")),
        _ => count(total, "step"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::observed::PublishedPort;

    #[test]
    fn a_row_says_all_that_matters() {
        let machine = |name: &str, state, exit_code, ready| MachineStatus {
            name: name.into(),
            provider: "docker".into(),
            state,
            exit_code,
            ready,
            address: None,
            ports: Vec::new(),
            steps: StepCounts::default(),
        };
        let port = |guest: &str, host, host_ip: &str| PublishedPort {
            guest: guest.into(),
            host,
            host_ip: host_ip.into(),
        };
        let ports = vec![port("80/tcp", 8080, "127.0.0.1"), port("53/udp", 53, "0.0.0.0")];
        let machines = vec![
            MachineStatus {
                steps: StepCounts { applied: 2, ..Default::default() },
                ..machine("db", State::Running, None, true)
            },
            MachineStatus { ports, ..machine("web", State::Running, None, false) },
            MachineStatus {
                steps: StepCounts { applied: 1, pending: 1, failed: 1 },
                ..machine("worker", State::Failed, Some(3), false)
            },
            machine("job", State::Completed, Some(0), true),
            machine("proxy", State::Missing, None, false),
        ];
        let shop = StackStatus { project: "shop".into(), environment: "dev".into(), machines };
        insta::assert_snapshot!(status(&shop, Paint::OFF), @r"
        shop · dev
          ✓  db      ready               docker                             2 steps
          …  web     running, not ready  docker  8080→80 0.0.0.0:53→53/udp
          ✗  worker  failed (exit 3)     docker                             1 of 3 steps failed
          ✓  job     completed           docker
          -  proxy   missing             docker
        ");
    }
}
