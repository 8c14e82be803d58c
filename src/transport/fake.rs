//! A transport into a machine that exists only in memory, for tests of everything above.

use super::{Command, Exit, Output, Transport};
use crate::event::Context;
use crate::model::Result;
use std::io::{Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// What a command answers: code and standard output.
pub type Answer = (i32, Vec<u8>);

type Answers = dyn Fn(&[String], &[u8]) -> Answer + Send + Sync;
type Archives = Vec<(String, Vec<u8>)>;

/// Answers commands by a function and keeps what was run and put.
#[derive(Clone)]
pub struct FakeTransport {
    answer: Arc<Answers>,
    /// Command lines run so far.
    pub ran: Arc<Mutex<Vec<String>>>,
    /// Archives put so far: directory and bytes.
    pub archives: Arc<Mutex<Archives>>,
}

impl FakeTransport {
    /// A machine whose commands answer as `answer` says, given their arguments and standard input.
    pub fn new(answer: impl Fn(&[String], &[u8]) -> Answer + Send + Sync + 'static) -> Self {
        Self { answer: Arc::new(answer), ran: Arc::default(), archives: Arc::default() }
    }
}

impl Transport for FakeTransport {
    fn exec(&self, command: Command, output: &mut dyn Output, _context: &Context) -> Result<Exit> {
        let mut stdin = Vec::new();
        match command.stdin {
            super::Stdin::Empty => {}
            super::Stdin::Bytes(bytes) => stdin = bytes,
            super::Stdin::Held(pieces) => stdin = pieces().concat(),
            super::Stdin::Stream(mut stream) => {
                // A fake's stream is a buffer of the test's: it cannot fail.
                let _ = stream.read_to_end(&mut stdin);
            }
        }
        self.ran.lock().unwrap_or_else(PoisonError::into_inner).push(command.argv.join(" "));
        let (code, stdout) = (self.answer)(&command.argv, &stdin);
        output.stdout(&stdout)?;
        Ok(Exit { code })
    }

    fn put(&self, archive: &mut (dyn Read + Send), directory: &str, _context: &Context) -> Result<()> {
        let mut bytes = Vec::new();
        // As above.
        let _ = archive.read_to_end(&mut bytes);
        self.archives.lock().unwrap_or_else(PoisonError::into_inner).push((directory.to_owned(), bytes));
        Ok(())
    }

    fn get(&self, path: &str, archive: &mut dyn Write, _context: &Context) -> Result<()> {
        let archives = self.archives.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, bytes)) =
            archives.iter().rev().find(|(directory, _)| path.starts_with(directory.as_str()))
        {
            let _ = archive.write_all(bytes);
        }
        Ok(())
    }
}
