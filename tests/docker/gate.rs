//! A socket in front of the engine that lets calls through and stops at one of them: a test can kill `env` there.

use super::running::pause;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Where the engine itself listens.
const ENGINE: &str = "/var/run/docker.sock";

/// How long nothing may happen before the calls count as over.
const QUIET: Duration = Duration::from_secs(300);

/// A socket in front of the engine.
pub struct Gate {
    socket: PathBuf,
    news: Receiver<News>,
    shared: Arc<Shared>,
}

enum News {
    /// The call is sent on, and its answer will never come.
    Reached,
    /// A connection was closed by `env`.
    Closed,
    /// A connection was opened.
    Opened,
}

struct Shared {
    /// Calls that were sent on and have not been answered.
    unanswered: AtomicUsize,
    /// How long the last call waits before the engine gets it.
    late: Duration,
    /// Calls that change something, until the gate closes.
    left: AtomicUsize,
    /// What such a call has in its first line; without it, any that changes something.
    what: Option<&'static str>,
    news: Mutex<Sender<News>>,
}

impl Gate {
    /// Lets this many calls that change something through to the engine; the last of them gets no answer, nor does anything
    /// after it.
    pub fn before_answer(call: usize, directory: &Path) -> Self {
        Self::new(call, None, Duration::ZERO, directory)
    }

    /// The same with an engine that is slow to take the last of them: it is reached before the engine has it.
    pub fn before_late_answer(call: usize, late: Duration, directory: &Path) -> Self {
        Self::new(call, None, late, directory)
    }

    /// The same with the first call that has these words in its first line.
    pub fn before_answer_to(what: &'static str, directory: &Path) -> Self {
        Self::new(1, Some(what), Duration::ZERO, directory)
    }

    fn new(call: usize, what: Option<&'static str>, late: Duration, directory: &Path) -> Self {
        let socket = directory.join(format!("gate-{call}.sock"));
        let _ = std::fs::remove_file(&socket);
        let listener = UnixListener::bind(&socket).unwrap();
        let (sender, news) = mpsc::channel();
        let shared = Arc::new(Shared {
            unanswered: AtomicUsize::new(0),
            late,
            left: AtomicUsize::new(call),
            what,
            news: Mutex::new(sender),
        });
        let serving = shared.clone();
        std::thread::spawn(move || {
            // Ends with the test process: a thread that waits costs nothing.
            for client in listener.incoming().flatten() {
                serving.tell(News::Opened);
                let shared = serving.clone();
                std::thread::spawn(move || serve(client, shared));
            }
        });
        Self { socket, news, shared }
    }

    /// Waits until the engine has answered everything that it was asked for, though nobody hears it.
    #[track_caller]
    pub fn wait_until_answered(&self) {
        let begin = Instant::now();
        while self.shared.unanswered.load(Ordering::SeqCst) > 0 {
            assert!(begin.elapsed() < QUIET, "the engine does not answer");
            pause();
        }
    }

    /// Where it listens.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Waits for a call that will be made, however long nothing else is asked meanwhile.
    #[track_caller]
    pub fn wait_for_it(&self) {
        while !matches!(self.news.recv_timeout(QUIET).expect("the call is made"), News::Reached) {}
    }

    /// Waits until the call was made; `false` when all connections were closed before.
    pub fn wait(&self) -> bool {
        let mut open = 0;
        loop {
            match self.news.recv_timeout(QUIET) {
                Ok(News::Reached) => return true,
                Ok(News::Opened) => open += 1,
                Ok(News::Closed) if open > 1 => open -= 1,
                Ok(News::Closed) => {
                    // The next connection, if any, follows at once.
                    match self.news.recv_timeout(Duration::from_secs(1)) {
                        Ok(News::Reached) => return true,
                        Ok(_) => open = 1,
                        Err(_) => return false,
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return false,
            }
        }
    }
}

impl Shared {
    fn tell(&self, news: News) {
        let _ = self.news.lock().unwrap().send(news);
    }

    /// Whether a request is one that counts.
    fn counts(&self, request: &[u8]) -> bool {
        let verbs = ["POST /", "PUT /", "DELETE /"];
        let line = String::from_utf8_lossy(request.split(|byte| *byte == b'\r').next().unwrap_or_default());
        let changes = verbs.iter().any(|verb| line.starts_with(verb));
        changes && self.what.is_none_or(|what| line.contains(what))
    }

    /// Counts a call; whether it is the last that is let through, and whether it is one too many.
    fn count(&self) -> (bool, bool) {
        let before = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        (before == Ok(1), before.is_err())
    }
}

#[allow(clippy::disallowed_methods)] // an engine that is slow on purpose
fn serve(mut client: UnixStream, shared: Arc<Shared>) {
    let mut engine = UnixStream::connect(ENGINE).unwrap();
    let (mut answers, mut back) = (engine.try_clone().unwrap(), client.try_clone().unwrap());
    let stopped = Arc::new(AtomicBool::new(false));
    let asked = Arc::new(AtomicBool::new(false));
    let (is_stopped, is_asked, told) = (stopped.clone(), asked.clone(), shared.clone());
    std::thread::spawn(move || {
        let answered = || {
            if is_asked.swap(false, Ordering::SeqCst) {
                told.unanswered.fetch_sub(1, Ordering::SeqCst);
            }
        };
        let mut buffer = [0; 16 * 1024];
        while let Ok(count @ 1..) = answers.read(&mut buffer) {
            answered();
            if is_stopped.load(Ordering::SeqCst) || back.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        answered();
        if !is_stopped.load(Ordering::SeqCst) {
            let _ = back.shutdown(Shutdown::Write);
        }
    });
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = client.read(&mut buffer) {
        let counts = shared.counts(&buffer[..count]);
        let (is_last, too_many) = if counts { shared.count() } else { (false, false) };
        if too_many {
            break;
        }
        if counts && !asked.swap(true, Ordering::SeqCst) {
            shared.unanswered.fetch_add(1, Ordering::SeqCst);
        }
        if is_last {
            stopped.store(true, Ordering::SeqCst);
            shared.tell(News::Reached);
            std::thread::sleep(shared.late);
        }
        if engine.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = engine.shutdown(Shutdown::Write);
    shared.tell(News::Closed);
}
