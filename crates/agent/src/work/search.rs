//! Looks for values in the files of one file system that were touched since a moment: what a layer would keep.
//!
//! Other file systems, such as volumes and /proc, are not entered, and links are not followed. Names of files count too. A
//! file that cannot be read is an error: nobody could say what is in it.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use envup_agent::{Reply, SearchReply, SearchRequest};

use super::failure::Failure;
use super::sys;

/// How much of a file is looked at at once.
const PIECE: usize = 1 << 20;

/// Clocks of file systems tick coarsely.
const TICK: i64 = 2;

/// Carries the request out.
pub fn search(request: &SearchRequest) -> Result<Reply, Failure> {
    let decode = |text: &String| STANDARD.decode(text).ok().filter(|value| !value.is_empty());
    let values: Option<Vec<Vec<u8>>> = request.values.iter().map(decode).collect();
    let values = values.ok_or_else(|| Failure::new("a value to look for is not in base64"))?;
    let root = Path::new(&request.below);
    let device = fs::symlink_metadata(root).map_err(|error| cannot(root, error))?.dev();
    let mut search = Search { values, since: request.since - TICK, device, piece: Vec::new() };
    let found = search.below(root)?;
    Ok(Reply::Search(SearchReply { found }))
}

type Found = Option<(String, usize)>;

struct Search {
    values: Vec<Vec<u8>>,
    since: i64,
    device: u64,
    piece: Vec<u8>,
}

impl Search {
    fn below(&mut self, directory: &Path) -> Result<Found, Failure> {
        let Some(entries) = there(directory, fs::read_dir(directory))? else { return Ok(None) };
        for entry in entries.flatten() {
            let path = entry.path();
            let Some(data) = there(&path, fs::symlink_metadata(&path))? else { continue };
            // Files of an overlay may bear the numbers of what it is laid over.
            if data.is_dir() && data.dev() != self.device {
                continue;
            }
            let is_new = data.ctime() >= self.since;
            let found = match () {
                () if is_new && let Some(value) = self.holds(entry.file_name().as_bytes()) => Some(value),
                () if data.is_dir() => match self.below(&path)? {
                    None => None,
                    found => return Ok(found),
                },
                () if data.is_file() && is_new => self.file(&path)?,
                () => None,
            };
            if let Some(value) = found {
                return Ok(Some((path.display().to_string(), value)));
            }
        }
        Ok(None)
    }

    fn file(&mut self, path: &Path) -> Result<Option<usize>, Failure> {
        let Some(mut file) = there(path, File::open(path))? else { return Ok(None) };
        // A value may lie across the border of two pieces.
        let overlap = self.values.iter().map(Vec::len).max().unwrap_or(1) - 1;
        let mut piece = std::mem::take(&mut self.piece);
        piece.clear();
        loop {
            let before = piece.len();
            let read = (&mut file).take(PIECE as u64).read_to_end(&mut piece);
            let read = read.map_err(|error| cannot(path, error))?;
            if let Some(value) = self.holds(&piece) {
                return Ok(Some(value));
            }
            if read == 0 {
                self.piece = piece;
                return Ok(None);
            }
            piece.drain(..(before + read).saturating_sub(overlap));
        }
    }

    fn holds(&self, bytes: &[u8]) -> Option<usize> {
        self.values.iter().position(|value| sys::contains(bytes, value))
    }
}

/// What goes away while we look is not there.
fn there<T>(path: &Path, result: std::io::Result<T>) -> Result<Option<T>, Failure> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(cannot(path, error)),
    }
}

fn cannot(path: &Path, error: std::io::Error) -> Failure {
    Failure::io(format_args!("cannot look into {}", path.display()), error)
}
