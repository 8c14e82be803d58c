//! Turns what a blocking reader gives, or a blocking writer writes, into chunks for the body of a request.

use crate::model::{Error, Result};
use futures_util::{Stream, StreamExt};
use std::io::{Read, Write};
use tokio::sync::mpsc;

/// Bytes handed over at a time.
pub(super) const CHUNK: usize = 64 * 1024;

/// Chunks under way between reader and engine.
const AHEAD: usize = 4;

type Chunk = std::io::Result<Vec<u8>>;

/// A stream of chunks and their sender; it ends when the sender goes.
fn chunks() -> (mpsc::Sender<Chunk>, impl Stream<Item = Chunk> + Send + 'static) {
    let (sender, receiver) = mpsc::channel::<Chunk>(AHEAD);
    let chunks = futures_util::stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|chunk| (chunk, receiver))
    });
    (sender, chunks)
}

/// The chunks of what `source` gives, and the work of reading it, to be done beside the request. `told` hears how many
/// bytes were read so far.
pub(super) fn reading<'a>(
    source: &'a mut (dyn Read + Send),
    mut told: impl FnMut(u64) + 'a,
) -> (impl Stream<Item = Chunk> + Send + 'static, impl Future<Output = Result<()>> + 'a) {
    let (sender, chunks) = chunks();
    let work = async move {
        let mut buffer = vec![0; CHUNK];
        let mut done = 0;
        loop {
            let chunk = match source.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => buffer[..count].to_vec(),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    let ours = Error::failed("cannot read what is to be sent").because(&error);
                    // Breaks the request off, so that no half of it counts as whole.
                    let _ = sender.send(Err(error)).await;
                    return Err(ours);
                }
            };
            done += chunk.len() as u64;
            told(done);
            if sender.send(Ok(chunk)).await.is_err() {
                return Ok(()); // the engine refused; its answer says why
            }
        }
    };
    (chunks, work)
}

/// The chunks that come from somewhere else, and the work of passing them on, to be done beside the request.
pub(super) fn passing_on<B: AsRef<[u8]>>(
    pieces: impl Stream<Item = Result<B>>,
) -> (impl Stream<Item = Chunk> + Send + 'static, impl Future<Output = Result<()>>) {
    let (sender, chunks) = chunks();
    let work = async move {
        let mut pieces = std::pin::pin!(pieces);
        while let Some(piece) = pieces.next().await {
            match piece {
                Ok(piece) => {
                    if sender.send(Ok(piece.as_ref().to_vec())).await.is_err() {
                        return Ok(()); // the engine refused; its answer says why
                    }
                }
                Err(error) => {
                    // Breaks the request off, so that no half of it counts as whole.
                    let _ = sender.send(Err(std::io::Error::other(error.to_string()))).await;
                    return Err(error);
                }
            }
        }
        Ok(())
    };
    (chunks, work)
}

/// The chunks of what `write` writes, in a thread of its own.
pub(super) fn writing(
    write: impl FnOnce(&mut dyn Write) -> std::io::Result<()> + Send + 'static,
) -> impl Stream<Item = Chunk> + Send + 'static {
    let (sender, chunks) = chunks();
    std::thread::spawn(move || {
        let mut writer = std::io::BufWriter::with_capacity(CHUNK, Sender(sender));
        let result = write(&mut writer).and_then(|()| writer.flush());
        if let Err(error) = result {
            // Nobody left to tell means that the request is over anyway.
            let _ = writer.get_ref().0.blocking_send(Err(error));
        }
    });
    chunks
}

struct Sender(mpsc::Sender<Chunk>);

impl Write for Sender {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self.0.blocking_send(Ok(bytes.to_vec())) {
            Ok(()) => Ok(bytes.len()),
            Err(_) => Err(std::io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
