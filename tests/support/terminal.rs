//! A terminal with somebody at it: sees what the program shows, types lines.

use super::{PATIENCE, pause};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;

/// A program that runs on a terminal; it is killed when it is dropped before its end.
pub struct Terminal {
    program: Child,
    keyboard: File,
    screen: Arc<Mutex<String>>,
    /// Up to where somebody has read.
    read: usize,
    reader: Option<JoinHandle<()>>,
}

impl Terminal {
    pub(super) fn start(mut command: Command) -> Self {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&keyboard).unwrap();
        unlockpt(&keyboard).unwrap();
        let name = ptsname(&keyboard, Vec::new()).unwrap().into_string().unwrap();
        let side = || File::options().read(true).write(true).open(&name).unwrap();
        let program = command.stdin(side()).stdout(side()).stderr(side()).spawn().unwrap();
        // The command holds the program's side open, and only its last holder's end is the end of the screen.
        drop(command);
        let keyboard = File::from(keyboard);
        let screen = Arc::new(Mutex::new(String::new()));
        let (mut output, shown) = (keyboard.try_clone().unwrap(), screen.clone());
        let reader = std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(length @ 1..) = output.read(&mut bytes) {
                shown.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..length]));
            }
        });
        Self { program, keyboard, screen, read: 0, reader: Some(reader) }
    }

    /// Waits until this is shown, after what was waited for before.
    #[track_caller]
    pub fn sees(&mut self, text: &str) -> &mut Self {
        let begin = Instant::now();
        let found = || self.screen()[self.read..].find(text);
        while found().is_none() {
            assert!(begin.elapsed() < PATIENCE, "`{text}` is missing on\n{}", self.screen());
            pause();
        }
        self.read += found().unwrap_or_default() + text.len();
        self
    }

    /// All that was shown until now.
    pub fn screen(&self) -> String {
        self.screen.lock().unwrap().clone()
    }

    /// Types a line.
    pub fn types(&mut self, line: &str) -> &mut Self {
        writeln!(self.keyboard, "{line}").unwrap();
        self
    }

    /// Waits for the end: the exit code, and all that was shown.
    pub fn ends(mut self) -> (Option<i32>, String) {
        let status = self.program.wait().unwrap();
        self.reader.take().unwrap().join().unwrap();
        (status.code(), self.screen())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}
