//! A door between `env` and libvirt's daemon that counts calls and closes behind one of them.

use super::private::Private;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;

/// Where a packet has its type, behind the length: program, version, procedure come first.
const TYPE: usize = 12;

/// The type of a call; others are streams' data and signs of life.
const CALL: u32 = 0;

/// A door.
pub struct Gate {
    place: TempDir,
    calls: Arc<AtomicUsize>,
    last: usize,
}

impl Gate {
    /// Lets this many calls through. The last of them gets no answer, nor does anything after it.
    pub fn after(last: usize, libvirt: &Private) -> Self {
        let place = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(place.path().join("sock")).unwrap();
        let calls = Arc::new(AtomicUsize::new(0));
        let (daemon, counted) = (libvirt.socket(), calls.clone());
        // Ends with the test process: a thread that waits costs nothing.
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                serve(client, &daemon, &counted, last);
            }
        });
        Self { place, calls, last }
    }

    /// Where it listens.
    pub fn socket(&self) -> PathBuf {
        self.place.path().join("sock")
    }

    /// How many calls there were.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// Whether it closed.
    pub fn is_closed(&self) -> bool {
        self.calls() >= self.last
    }
}

fn serve(client: UnixStream, daemon: &Path, calls: &Arc<AtomicUsize>, last: usize) {
    let daemon = UnixStream::connect(daemon).unwrap();
    let (mut back_from, mut back_to) = (daemon.try_clone().unwrap(), client.try_clone().unwrap());
    let (counted, mut from, mut to) = (calls.clone(), client, daemon);
    std::thread::spawn(move || {
        let mut piece = [0; 65536];
        while let Ok(count @ 1..) = back_from.read(&mut piece) {
            // After the last call nothing comes back; the other side waits until it is killed.
            if counted.load(Ordering::SeqCst) < last && back_to.write_all(&piece[..count]).is_err() {
                break;
            }
        }
    });
    let calls = calls.clone();
    std::thread::spawn(move || {
        while let Some(packet) = packet(&mut from) {
            let kind =
                packet[4..].get(TYPE..TYPE + 4).map(|bytes| u32::from_be_bytes(bytes.try_into().unwrap()));
            if calls.load(Ordering::SeqCst) < last {
                if kind == Some(CALL) {
                    calls.fetch_add(1, Ordering::SeqCst);
                }
                if to.write_all(&packet).is_err() {
                    break;
                }
            }
        }
        // The client is gone, and the daemon is told.
        let _ = to.shutdown(std::net::Shutdown::Both);
    });
}

/// One packet whole, with its length in front.
fn packet(from: &mut UnixStream) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    from.read_exact(&mut length).ok()?;
    let rest = usize::try_from(u32::from_be_bytes(length)).ok()?.checked_sub(4)?;
    let mut packet = length.to_vec();
    packet.resize(4 + rest, 0);
    from.read_exact(&mut packet[4..]).ok()?;
    Some(packet)
}
