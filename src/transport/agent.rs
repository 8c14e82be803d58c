//! The host's side of the agent: the embedded binary, and one call to it in a machine.
//!
//! How the binary gets into a machine is the provider's or the transport's business; where it stays it lies at [`AGENT_PATH`].

use super::{Command, Output, Stdin, Transport};
use crate::event::Context;
use crate::model::digest::sha256;
use crate::model::error::Attempt;
use crate::model::{Error, Result};
use envup_agent::{Call, Line, Reply, Request};
use std::sync::LazyLock;

/// The static agent for this machine's architecture.
pub static AGENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/envup-agent"));

/// The directory the agent lies in, inside every machine.
pub const AGENT_DIRECTORY: &str = "/run/envup/agent";

/// Where the agent lies in machines that are ours.
pub const AGENT_PATH: &str = "/run/envup/agent/envup-agent";

/// SHA-256 of [`AGENT`], 64 hexadecimal characters.
pub static AGENT_DIGEST: LazyLock<String> = LazyLock::new(|| sha256(AGENT));

/// Where it lies in machines that are given one before they boot and live longer than this program: another one finds its own there or
/// none.
pub static LASTING_PATH: LazyLock<String> = LazyLock::new(|| format!("{AGENT_PATH}-{}", &AGENT_DIGEST[..16]));

/// Has the agent carry out one request. Every line but the last goes to `on_line`; the last one is returned.
pub fn call(
    transport: &dyn Transport,
    request: Request,
    on_line: &mut (dyn FnMut(Line) + Send),
    context: &Context,
) -> Result<Reply> {
    carry_out(transport, Stdin::Bytes(line(&Call::new(request))), on_line, context)
}

/// The same for a request that ends with us, however we end: the agent's standard input is open as long as somebody waits for
/// the answer. Bytes may follow it; both are asked for when the agent was started.
pub fn call_with(
    transport: &dyn Transport,
    request: impl FnOnce() -> (Request, Vec<u8>) + Send + 'static,
    on_line: &mut (dyn FnMut(Line) + Send),
    context: &Context,
) -> Result<Reply> {
    let stdin = || {
        let (request, body) = request();
        [line(&Call { ends_with_input: true, ..Call::new(request) }), body]
    };
    carry_out(transport, Stdin::Held(Box::new(stdin)), on_line, context)
}

/// A call as the agent reads it. Plain data of ours always becomes JSON.
fn line(call: &Call) -> Vec<u8> {
    let mut line = serde_json::to_vec(call).unwrap_or_default();
    line.push(b'\n');
    line
}

fn carry_out(
    transport: &dyn Transport,
    stdin: Stdin,
    on_line: &mut (dyn FnMut(Line) + Send),
    context: &Context,
) -> Result<Reply> {
    let command = Command { stdin, ..Command::new([transport.agent(context)?]) };
    let mut answer = Answer { open: Vec::new(), stderr: Vec::new(), reply: None, on_line };
    let exit = transport.exec(command, &mut answer, context)?;
    match answer.reply {
        Some(Reply::Error { message, hint }) => {
            let error = Error::failed(message);
            Err(hint.into_iter().fold(error, Error::hint))
        }
        Some(reply) => Ok(reply),
        None => {
            let stderr = String::from_utf8_lossy(&answer.stderr).trim().to_owned();
            let error = Error::failed(format!("the agent ended without an answer (exit {})", exit.code));
            Err(if stderr.is_empty() { error } else { error.detail(stderr) })
        }
    }
}

/// The error for an answer that does not belong to the request.
pub fn unexpected(reply: &Reply) -> Error {
    Error::failed(format!("the agent gave an answer to another question: {reply:?}"))
}

/// Puts lines together from what the agent writes.
struct Answer<'a> {
    open: Vec<u8>,
    stderr: Vec<u8>,
    reply: Option<Reply>,
    on_line: &'a mut (dyn FnMut(Line) + Send),
}

impl Output for Answer<'_> {
    fn stdout(&mut self, bytes: &[u8]) -> Result<()> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.open.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                let line = serde_json::from_slice(&self.open).attempt(|| "reading the agent's answer")?;
                self.open.clear();
                match line {
                    Line::Result(reply) => self.reply = Some(reply),
                    line => (self.on_line)(line),
                }
            }
        }
        Ok(())
    }

    fn stderr(&mut self, bytes: &[u8]) -> Result<()> {
        self.stderr.extend_from_slice(bytes);
        Ok(())
    }

    fn is_enough(&self) -> bool {
        self.reply.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::fake::FakeTransport;

    fn answering(code: i32, stdout: &str) -> FakeTransport {
        let stdout = stdout.as_bytes().to_vec();
        FakeTransport::new(move |_, _| (code, stdout.clone()))
    }

    #[test]
    fn lines_are_handed_on_and_the_last_is_the_reply() {
        let transport =
            answering(0, "{\"output\":\"Hit:1\\n\"}\n{\"result\":{\"cancelled\":{\"step\":null}}}\n");
        let mut seen = Vec::new();
        let reply =
            call(&transport, Request::Ledger, &mut |line| seen.push(line), &Context::silent()).unwrap();
        assert_eq!(seen, [Line::Output("Hit:1\n".into())]);
        assert_eq!(reply, Reply::Cancelled { step: None });
    }

    #[test]
    fn a_line_may_come_in_pieces_and_several_at_once() {
        let mut seen = Vec::new();
        let mut on_line = |line| seen.push(line);
        let (open, stderr) = (Vec::new(), Vec::new());
        let mut answer = Answer { open, stderr, reply: None, on_line: &mut on_line };
        for piece in [
            "{\"out",
            "put\":\"a\"}\n{\"output\":\"b\"}",
            "\n{\"output\":\"c\"}\n{\"result\":{\"cancelled\":",
        ] {
            answer.stdout(piece.as_bytes()).unwrap();
            assert!(!answer.is_enough());
        }
        answer.stdout(b"{\"step\":null}}}\n").unwrap();
        assert!(answer.is_enough());
        assert_eq!(seen, ["a", "b", "c"].map(|text| Line::Output(text.to_owned())));
    }

    /// It goes into every machine, over ssh each time.
    #[test]
    fn the_agent_stays_small() {
        assert!(AGENT.len() <= 2 << 20, "{} bytes", AGENT.len());
    }

    #[test]
    fn an_agent_that_dies_is_an_error() {
        let error = call(&answering(137, ""), Request::Ledger, &mut |_| {}, &Context::silent()).unwrap_err();
        assert!(error.message.contains("exit 137"), "{error}");
    }
}
