//! Reads files whole with as few calls as can be: where a processor is emulated, calls are what a fingerprint's time goes into.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::buffer::spare_capacity;
use rustix::io::Errno;

/// Nobody reads whole what is larger; what follows is not read.
const LARGEST: usize = 64 << 20;

/// What is read at once of a file that does not say how long it is, such as those of the kernel.
const UNTOLD: usize = 4096;

/// The bytes of a file and its status; `None` when it is not a regular one: a pipe in its place must not keep us waiting.
pub fn read(path: &Path) -> io::Result<Option<(Vec<u8>, Metadata)>> {
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_CLOEXEC;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let status = file.metadata()?;
    if !status.is_file() {
        return Ok(None);
    }
    Ok(Some((bytes(&file, status.len())?, status)))
}

/// All bytes of a file of this size; of more or less of them when it changes meanwhile.
fn bytes(file: &File, size: u64) -> io::Result<Vec<u8>> {
    let size = usize::try_from(size).unwrap_or(LARGEST).min(LARGEST);
    let mut bytes = Vec::with_capacity(if size == 0 { UNTOLD } else { size + 1 });
    loop {
        match rustix::io::read(file, spare_capacity(&mut bytes)) {
            Ok(0) => break,
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        // All that was expected, and room for more: the end, without asking once more.
        if size > 0 && bytes.len() >= size && bytes.len() < bytes.capacity() || bytes.len() >= LARGEST {
            break;
        }
        bytes.reserve(UNTOLD);
    }
    bytes.truncate(LARGEST);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_whole_whatever_they_say_of_their_size() {
        let place = std::env::temp_dir().join(format!("envup-whole-{}", std::process::id()));
        for length in [0, 1, UNTOLD, UNTOLD + 1, 100_000] {
            let content = vec![b'x'; length];
            std::fs::write(&place, &content).unwrap();
            let (read, status) = read(&place).unwrap().unwrap();
            assert!(read == content && status.len() == length as u64, "{length}");
            let file = File::open(&place).unwrap();
            assert_eq!(bytes(&file, 7).unwrap(), content, "{length} instead of 7");
            let file = File::open(&place).unwrap();
            assert_eq!(bytes(&file, 200_000).unwrap(), content, "{length} instead of 200,000");
        }
        std::fs::remove_file(&place).unwrap();
        let (told, status) = read(Path::new("/proc/self/mountinfo")).unwrap().unwrap();
        assert!(status.len() == 0 && told.ends_with(b"\n"));
        assert!(read(Path::new("/dev/null")).unwrap().is_none());
        assert!(read(&place).is_err());
    }
}
