//! The one place that writes to standard output and standard error.
//!
//! Results go to standard output; notes, progress, questions and errors to standard error. When the reader of standard
//! output goes away, what is left is not written and nobody is told, as with other tools in a pipe. Output that is lost for
//! another reason, such as a full disk, is kept as an error for whoever decides the exit code.

use super::paint::Paint;
use super::screen::Screen;
use crate::model::Error;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Verbosity {
    /// Results and errors only.
    Quiet,
    /// Also notes and progress.
    #[default]
    Normal,
    /// Also what builds and steps write.
    Verbose,
}

/// Writes; clones share the streams.
#[derive(Clone)]
pub struct Printer {
    screen: Screen,
    verbosity: Verbosity,
    streams: Arc<Streams>,
}

struct Streams {
    out: Mutex<Box<dyn Write + Send>>,
    err: Mutex<Box<dyn Write + Send>>,
    reader_left: AtomicBool,
    lost: Mutex<Option<io::Error>>,
}

impl Printer {
    /// Writes to this process's own streams.
    pub fn new(screen: Screen, verbosity: Verbosity) -> Self {
        Self::to(screen, verbosity, Box::new(io::stdout()), Box::new(io::stderr()))
    }

    fn to(
        screen: Screen,
        verbosity: Verbosity,
        out: Box<dyn Write + Send>,
        err: Box<dyn Write + Send>,
    ) -> Self {
        let streams = Streams {
            out: Mutex::new(out),
            err: Mutex::new(err),
            reader_left: AtomicBool::new(false),
            lost: Mutex::new(None),
        };
        Self { screen, verbosity, streams: Arc::new(streams) }
    }

    /// What the streams are.
    pub fn screen(&self) -> Screen {
        self.screen
    }

    /// How much is said.
    pub fn verbosity(&self) -> Verbosity {
        self.verbosity
    }

    /// Colours of results.
    pub fn paint(&self) -> Paint {
        Paint { on: self.screen.colours_results() }
    }

    /// Colours of notes, progress and errors.
    pub fn paint_notes(&self) -> Paint {
        Paint { on: self.screen.colours_notes() }
    }

    /// Writes a result: text that ends in a newline or gets one.
    pub fn result(&self, text: &str) {
        let newline = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        self.result_bytes(format!("{text}{newline}").as_bytes());
    }

    /// Writes the closing line of what was done, unless people want it quiet.
    pub fn summary(&self, text: &str) {
        if self.verbosity > Verbosity::Quiet {
            self.result(text);
        }
    }

    /// Writes a result as it is.
    pub fn result_bytes(&self, bytes: &[u8]) {
        if self.reader_left() {
            return;
        }
        let mut out = self.streams.out.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = out.write_all(bytes).and_then(|()| out.flush()) {
            self.streams.reader_left.store(true, Ordering::SeqCst);
            if error.kind() != io::ErrorKind::BrokenPipe {
                *self.streams.lost.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            }
        }
    }

    /// Why results could not be written, when it was not a reader that had enough; said once.
    pub fn take_loss(&self) -> Option<Error> {
        let lost = self.streams.lost.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        Some(Error::failed("cannot write to standard output: the result is incomplete").because(lost))
    }

    /// Whether nobody reads the results any more.
    pub fn reader_left(&self) -> bool {
        self.streams.reader_left.load(Ordering::SeqCst)
    }

    /// Acts as soon as nobody reads the results any more, for work that may have nothing to write for long.
    pub fn when_reader_leaves(&self, act: impl FnOnce() + Send + 'static) {
        let streams = self.streams.clone();
        std::thread::spawn(move || {
            let stdout = io::stdout();
            let mut looked_at = [PollFd::new(&stdout, PollFlags::empty())];
            // Of what has no reader, such as a file, there is never anything to tell.
            while poll(&mut looked_at, None) == Err(Errno::INTR) {}
            if looked_at[0].revents().intersects(PollFlags::ERR | PollFlags::HUP) {
                streams.reader_left.store(true, Ordering::SeqCst);
                act();
            }
        });
    }

    /// Tells people something, unless they want it quiet.
    pub fn note(&self, text: &str) {
        if self.verbosity > Verbosity::Quiet {
            self.error(text);
        }
    }

    /// Tells people something that only those want to know who asked for more.
    pub fn detail(&self, text: &str) {
        if self.verbosity >= Verbosity::Verbose {
            self.error(text);
        }
    }

    /// Tells people what went wrong, always.
    pub fn error(&self, text: &str) {
        let newline = if text.ends_with('\n') { "" } else { "\n" };
        self.error_bytes(format!("{text}{newline}").as_bytes());
    }

    /// Writes to standard error as it is.
    pub fn error_bytes(&self, bytes: &[u8]) {
        let mut err = self.streams.err.lock().unwrap_or_else(PoisonError::into_inner);
        // There is no third stream to complain on.
        let _ = err.write_all(bytes).and_then(|()| err.flush());
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Keeps what was written; clones share it.
    #[derive(Clone, Default)]
    pub(crate) struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Kept {
        pub(crate) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A printer whose standard output and standard error are kept.
    pub(crate) fn kept(verbosity: Verbosity) -> (Printer, Kept, Kept) {
        let (out, err) = (Kept::default(), Kept::default());
        let printer = Printer::to(Screen::PLAIN, verbosity, Box::new(out.clone()), Box::new(err.clone()));
        (printer, out, err)
    }

    struct Gone;

    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn each_kind_of_text_goes_where_it_belongs() {
        for (verbosity, expected) in [
            (Verbosity::Quiet, "error\n"),
            (Verbosity::Normal, "note\nerror\n"),
            (Verbosity::Verbose, "note\ndetail\nerror\n"),
        ] {
            let (printer, out, err) = kept(verbosity);
            printer.result("result");
            printer.note("note");
            printer.detail("detail");
            printer.error("error");
            assert_eq!(out.text(), "result\n");
            assert_eq!(err.text(), expected);
        }
    }

    #[test]
    fn a_reader_that_left_is_noticed_and_not_complained_about() {
        let err = Kept::default();
        let printer = Printer::to(Screen::PLAIN, Verbosity::Normal, Box::new(Gone), Box::new(err.clone()));
        printer.result("result");
        printer.result("more");
        assert!(printer.reader_left());
        assert!(printer.take_loss().is_none());
        assert_eq!(err.text(), "");
    }

    #[test]
    fn output_that_is_lost_is_told_once() {
        let printer =
            Printer::to(Screen::PLAIN, Verbosity::Normal, Box::new(Full), Box::new(Kept::default()));
        printer.result("result");
        assert!(printer.take_loss().is_some());
        assert!(printer.take_loss().is_none());
    }
}
