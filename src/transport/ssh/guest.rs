//! Our agent as a guest on a machine that is not ours: in a fresh directory, verified, and gone without a trace.
//!
//! A shell over there makes the directory, takes the agent from its standard input and then waits for the end of that input,
//! which comes however we end; then it removes the directory. So one session brings the agent, and its end takes it away.

use super::connection::{Connection, Held};
use super::process::{self, Reaped};
use super::{SshTarget, trouble};
use crate::event::Context;
use crate::model::digest::hex;
use crate::model::error::Attempt;
use crate::model::{Error, Kind, Result};
use crate::transport::agent::{AGENT, AGENT_DIGEST};
use envup_agent::{Call, Line, PROTOCOL, Reply, Request};
use shell_words::quote;
use std::io::Write;

/// What the shell over there does. NAME is a directory that exists nowhere yet, SIZE the agent's, VERSION a request to it.
/// A first file that must run finds out whether programs can be run there at all. It answers with the agent's SHA-256, or
/// with what it says of itself where that cannot be computed, and its path.
const SCRIPT: &str = "umask 077; \
    trap 'rm -rf \"$dir\"' EXIT; trap 'exit 1' HUP INT TERM PIPE; \
    for place in /tmp /var/tmp \"$HOME\" /dev/shm; do \
      dir=$place/NAME; agent=$dir/envup-agent; \
      mkdir \"$dir\" 2>/dev/null || continue; \
      printf '#!/bin/sh\\n' >\"$agent\" && chmod 700 \"$agent\" && \"$agent\" 2>/dev/null && break; \
      rm -rf \"$dir\"; dir=; \
    done; \
    [ -d \"$dir\" ] || { echo envup:nowhere; exit; }; \
    head -c SIZE >\"$agent\"; \
    sum=$(sha256sum <\"$agent\" 2>/dev/null) || sum=$(echo VERSION | \"$agent\"); \
    echo \"envup:${sum%% *} $agent\"; \
    cat >/dev/null; rm -rf \"$dir\"";

/// The answer of a machine that lets no program run anywhere.
const NOWHERE: &str = "nowhere";

/// The agent in a machine; it leaves when this is dropped.
pub(super) struct Guest {
    /// Where it lies.
    pub(super) path: String,
    session: Held,
}

impl Guest {
    /// Brings the agent into a machine and makes sure that it is ours.
    pub(super) fn bring(connection: &Connection, context: &Context) -> Result<Self> {
        let target = &connection.target;
        speaks_our_language(target, &connection.open(context)?)?;
        let mut ssh = connection.session(context)?;
        ssh.args(["-T", "--", &target.host, &script()?]);
        let mut process = Reaped::start(&mut ssh)?;
        let stdin = process.0.stdin.take();
        let mut session = Held { stdin: None, pieces: process::listen(&mut process.0), process };
        // Beside the reading: what is said there early must not wait for what we send.
        let sending = std::thread::spawn(move || {
            let mut stdin = stdin?;
            stdin.write_all(AGENT).and_then(|()| stdin.flush()).ok().map(|()| stdin)
        });
        let said = session.said(&format!("bringing the agent to {target}"), context)?;
        match said {
            Ok(answer) if answer == NOWHERE => Err(Error::new(
                Kind::Incomplete,
                format!("{target} lets no program run in /tmp, /var/tmp, the home directory or /dev/shm"),
            )
            .hint("one of them must be writable and not mounted noexec")),
            Ok(answer) => {
                session.stdin = sending.join().ok().flatten();
                let path = verified(&answer).ok_or_else(|| {
                    Error::failed(format!("the agent that arrived on {target} is not the one that was sent"))
                        .detail(answer.clone())
                })?;
                Ok(Self { path, session })
            }
            Err(said) if session.failed() => Err(trouble::explain(target, &said)),
            Err(said) => {
                Err(Error::failed(format!("cannot bring the agent to {target}")).detail(said.trim()))
            }
        }
    }

    /// Whether it is still there, as far as can be told from here.
    pub(super) fn is_there(&mut self) -> bool {
        self.session.is_there()
    }
}

fn script() -> Result<String> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).attempt(|| "cannot get random bytes")?;
    let version =
        serde_json::to_string(&Call::new(Request::Version)).attempt(|| "writing a request to the agent")?;
    let script = SCRIPT
        .replace("NAME", &format!("envup-{}", hex(&random)))
        .replace("SIZE", &AGENT.len().to_string())
        .replace("VERSION", &quote(&version));
    Ok(format!("exec sh -c {}", quote(&script)))
}

/// Fails for machines that our agent cannot run on; `system` is what uname says.
fn speaks_our_language(target: &SshTarget, system: &str) -> Result<()> {
    let (kernel, architecture) = system.split_once(' ').unwrap_or((system, ""));
    let ours = std::env::consts::ARCH;
    let architecture = match architecture {
        "amd64" => "x86_64",
        "arm64" => "aarch64",
        other => other,
    };
    if kernel == "Linux" && architecture == ours {
        return Ok(());
    }
    Err(Error::new(
        Kind::Incomplete,
        format!("{target} is {kernel} on {architecture}, and this env brings an agent for Linux on {ours}"),
    )
    .hint(format!("use env on a Linux machine with {architecture}")))
}

/// The path in an answer that proves that the agent is ours.
fn verified(answer: &str) -> Option<String> {
    let (proof, path) = answer.split_once(' ')?;
    let is_ours = proof == *AGENT_DIGEST
        || serde_json::from_str(proof).is_ok_and(|line: Line| {
            let ours = Reply::Version { version: env!("CARGO_PKG_VERSION").to_owned(), protocol: PROTOCOL };
            line == Line::Result(ours)
        });
    is_ours.then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_linux_of_our_own_architecture_will_do() {
        let target = SshTarget { host: "web1".into(), ..SshTarget::default() };
        let fits = |system: &str| speaks_our_language(&target, system);
        assert_eq!(fits(&format!("Linux {}", std::env::consts::ARCH)), Ok(()));
        for system in ["Linux riscv64", "FreeBSD amd64", "Linux", ""] {
            assert_eq!(fits(system).unwrap_err().kind, Kind::Incomplete, "{system}");
        }
    }

    #[test]
    fn an_agent_is_believed_by_its_hash_or_its_own_word() {
        let path = Some("/tmp/a b/envup-agent".to_owned());
        assert_eq!(verified(&format!("{} /tmp/a b/envup-agent", *AGENT_DIGEST)), path);
        let word = |version: &str| {
            let line = Line::Result(Reply::Version { version: version.to_owned(), protocol: PROTOCOL });
            verified(&format!("{} /tmp/a b/envup-agent", serde_json::to_string(&line).unwrap()))
        };
        assert_eq!(word(env!("CARGO_PKG_VERSION")), path);
        assert_eq!(word("0.0.0-other"), None);
        assert_eq!(verified(&format!("{} /tmp/x", "0".repeat(64))), None);
        assert_eq!(verified(""), None);
    }
}
