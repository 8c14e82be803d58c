//! A run of `env` that goes on while the test does something to it.

use crate::support::{PATIENCE, Run};
pub use crate::support::{pause, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use std::io::Read;
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;

/// A run that goes on.
pub struct Running {
    child: Child,
    said: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
}

impl Running {
    /// Starts it.
    pub fn start(run: Run) -> Self {
        let mut child = run.start();
        let said = Arc::new(Mutex::new(String::new()));
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let readers = vec![listen(stdout, said.clone()), listen(stderr, said.clone())];
        Self { child, said, readers }
    }

    /// Everything it said so far, on both streams.
    pub fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// Waits until it has said something.
    #[track_caller]
    pub fn until_says(&mut self, text: &str) {
        let begin = Instant::now();
        while !self.said().contains(text) {
            let over = self.child.try_wait().unwrap().is_some() || begin.elapsed() > PATIENCE;
            assert!(!over || self.said().contains(text), "`{text}` is missing in:\n{}", self.said());
            pause();
        }
    }

    /// Sends SIGINT, as Ctrl-C does.
    pub fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Ends it with SIGKILL, if it has not ended by itself.
    pub fn kill(mut self) {
        let _ = self.child.kill();
        self.end();
    }

    /// Waits for its end; gives code and all it said.
    pub fn end(mut self) -> (i32, String) {
        let status: ExitStatus = self.child.wait().unwrap();
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        (status.code().unwrap_or(-1), self.said())
    }
}

fn listen(mut stream: impl Read + Send + 'static, said: Arc<Mutex<String>>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            said.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
    })
}
