//! Follows the log of a step and passes it on as text.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use super::answers::Answers;
use super::failure::Failure;

const CHUNK: usize = 32 * 1024;
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// A log being followed from its beginning.
pub struct Tail {
    log: Option<File>,
    position: u64,
    /// The beginning of a character whose rest was not written yet.
    pending: Vec<u8>,
    pause: Duration,
}

impl Tail {
    /// A log that cannot be read has no output; that is no reason to fail.
    pub fn open(path: &Path) -> Tail {
        Tail { log: File::open(path).ok(), position: 0, pending: Vec::new(), pause: SHORTEST_PAUSE }
    }

    /// Passes on what is new. Returns how long to wait before asking again: longer while nothing comes.
    pub fn pump(&mut self, answers: &mut Answers) -> Result<Duration, Failure> {
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        let mut chunk = vec![0; CHUNK];
        while let Some(Ok(count @ 1..)) = self.log.as_ref().map(|log| log.read_at(&mut chunk, self.position))
        {
            self.position += count as u64;
            self.pending.extend_from_slice(&chunk[..count]);
            let text = complete_text(&mut self.pending);
            if !text.is_empty() {
                answers.output(text)?;
            }
            self.pause = SHORTEST_PAUSE;
        }
        Ok(self.pause)
    }

    /// Passes on the rest, when nothing more will come.
    pub fn finish(mut self, answers: &mut Answers) -> Result<(), Failure> {
        self.pump(answers)?;
        if self.pending.is_empty() {
            return Ok(());
        }
        answers.output(String::from_utf8_lossy(&self.pending).into_owned())
    }
}

/// Takes everything but an unfinished character at the end; what is no text becomes replacement characters.
fn complete_text(bytes: &mut Vec<u8>) -> String {
    let unfinished = match bytes.utf8_chunks().last() {
        Some(chunk)
            if std::str::from_utf8(chunk.invalid()).is_err_and(|error| error.error_len().is_none()) =>
        {
            chunk.invalid().len()
        }
        _ => 0,
    };
    let rest = bytes.split_off(bytes.len() - unfinished);
    String::from_utf8_lossy(&std::mem::replace(bytes, rest)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_is_never_cut() {
        let mut bytes = "grün".as_bytes()[..3].to_vec();
        assert_eq!(complete_text(&mut bytes), "gr");
        bytes.extend_from_slice(&"grün".as_bytes()[3..]);
        assert_eq!(complete_text(&mut bytes), "ün");
        assert!(bytes.is_empty());
    }

    #[test]
    fn what_is_no_text_is_shown_as_such() {
        assert_eq!(complete_text(&mut b"a\xffb\xff".to_vec()), "a\u{fffd}b\u{fffd}");
    }
}
