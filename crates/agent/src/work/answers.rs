//! Writes the lines of the answer.

use std::io::{self, Write};

use envup_agent::{Line, Part, Reply, Unmet};

use super::failure::Failure;

/// Standard output, one line of JSON at a time, each delivered at once.
#[derive(Default)]
pub struct Answers {
    text: Vec<u8>,
}

impl Answers {
    pub fn output(&mut self, text: String) -> Result<(), Failure> {
        self.send(&Line::Output(text))
    }

    pub fn waiting(&mut self, step: &str, seconds: f64) -> Result<(), Failure> {
        self.send(&Line::Waiting { step: step.to_owned(), seconds })
    }

    pub fn unmet(&mut self, unmet: Unmet) -> Result<(), Failure> {
        self.send(&Line::Probe(unmet))
    }

    pub fn data(&mut self, part: Part, bytes: String) -> Result<(), Failure> {
        self.send(&Line::Data { part, bytes })
    }

    pub fn result(&mut self, reply: Reply) -> Result<(), Failure> {
        self.send(&Line::Result(reply))
    }

    /// Fails when nobody listens any more: then the caller is gone and there is nothing left to do for it.
    fn send(&mut self, line: &Line) -> Result<(), Failure> {
        let lost = |error: io::Error| Failure::io("cannot write the answer", error);
        self.text.clear();
        serde_json::to_writer(&mut self.text, line).map_err(|error| lost(error.into()))?;
        self.text.push(b'\n');
        let mut stdout = io::stdout().lock();
        stdout.write_all(&self.text).and_then(|()| stdout.flush()).map_err(lost)
    }
}
