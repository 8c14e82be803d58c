//! Whatever happens to files, a fingerprint with a cache is the same as one without, byte for byte.

use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use envup_agent::{Cache, CachedDirectory, Level, Section};

use crate::fingerprint::take;
use crate::support::{Machine, pause};

/// The same numbers for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    /// One of few paths, so that edits meet each other; some of them are secret.
    fn path(&mut self, root: &Path) -> PathBuf {
        let mut path = root.join("srv");
        for _ in 0..self.below(3) {
            path.push(["one", "two"][self.below(2)]);
        }
        path.push(["a", "b", "c", ".env", "one", "two"][self.below(6)]);
        path
    }

    fn content(&mut self) -> Vec<u8> {
        let length = match self.below(8) {
            0 => 0,
            1 => (1 << 20) + self.below(3),
            _ => self.below(3),
        };
        vec![self.0.to_le_bytes()[2]; length]
    }
}

/// One change of the kind that people, programs and attackers make. It may well be impossible.
fn edit(root: &Path, random: &mut Random) -> io::Result<()> {
    let (path, other) = (random.path(root), random.path(root));
    match random.below(12) {
        0 | 1 => fs::write(&path, random.content()),
        2 | 3 => change_unseen(&path, random.0.to_le_bytes()[1]),
        4 => {
            let mode = [0o600, 0o644, 0o755][random.below(3)];
            fs::set_permissions(&path, fs::Permissions::from_mode(mode))
        }
        5 => fs::rename(&path, &other),
        6 => fs::hard_link(&path, &other),
        7 => symlink("a", &path),
        8 => {
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000 * random.below(4) as u64);
            File::open(&path)?.set_times(FileTimes::new().set_modified(time).set_accessed(time))
        }
        9 => {
            // A directory where a file was, or the other way round.
            let was_file = path.is_file();
            fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path))?;
            if was_file { fs::create_dir(&path) } else { fs::write(&path, random.content()) }
        }
        10 => {
            // Both change places.
            let third = root.join("srv/third");
            fs::rename(&path, &third)?;
            fs::rename(&other, &path)?;
            fs::rename(&third, &other)
        }
        _ => OpenOptions::new().append(true).open(&path)?.write_all(b"+"),
    }
}

/// Changes a byte of a file; its size and the time of its last change stay the same.
fn change_unseen(path: &Path, byte: u8) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(path)?;
    let status = file.metadata()?;
    let times = FileTimes::new().set_modified(status.modified()?).set_accessed(status.accessed()?);
    if status.len() > 0 {
        file.write_at(&[byte], status.len() / 2)?;
    }
    file.set_times(times)
}

/// What a machine is before anything happens.
fn machine() -> Machine {
    let machine = Machine::new();
    for directory in ["srv/one/one", "srv/one/two", "srv/two/one", "srv/two/two"] {
        fs::create_dir_all(machine.path(directory)).unwrap();
    }
    machine
}

/// The digest of the whole, and the cache for the next time.
fn scan(root: &Path, cache: &[u8]) -> (String, Vec<u8>) {
    let taken = take(root, Level::Fast, cache);
    (taken.reply.sha256, if taken.reply.has_cache { taken.cache } else { cache.to_vec() })
}

#[test]
fn edits_between_two_scans_are_all_seen() {
    for seed in [1, 0xdead_beef, 0x1234_5678_9abc] {
        let (machine, mut random) = (machine(), Random(seed));
        let (mut cache, mut done) = (Vec::new(), 0);
        for round in 0..40 {
            for _ in 0..random.below(6) {
                done += usize::from(edit(&machine.dir, &mut random).is_ok());
            }
            let (with, next) = scan(&machine.dir, &cache);
            let (without, _) = scan(&machine.dir, &[]);
            assert_eq!(with, without, "seed {seed}, round {round}");
            cache = next;
        }
        assert!(done > 20, "only {done} edits were possible");
    }
}

#[test]
fn edits_during_a_scan_do_no_harm_to_the_next_one() {
    let (machine, mut random) = (machine(), Random(99));
    let mut cache = Vec::new();
    for round in 0..25 {
        let is_over = AtomicBool::new(false);
        cache = std::thread::scope(|scope| {
            let (root, random, is_over) = (&machine.dir, &mut random, &is_over);
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    let _ = edit(root, random);
                }
            });
            let (_, next) = scan(&machine.dir, &cache);
            is_over.store(true, Ordering::Relaxed);
            next
        });
        let (with, next) = scan(&machine.dir, &cache);
        let (without, _) = scan(&machine.dir, &[]);
        assert_eq!(with, without, "round {round}");
        cache = next;
    }
}

/// The cache once everything may be trusted: the clock for files has to go on after the last change.
pub fn settled(root: &Path, level: Level) -> Vec<u8> {
    loop {
        let cache = take(root, level, &[]).cache;
        let known = Cache::from_bytes(&cache).unwrap();
        let are_settled = known.directories.iter().all(|directory| directory.stamp.changed > 0);
        if are_settled && known.files().all(|(_, file)| file.changed > 0) {
            return cache;
        }
        pause();
    }
}

/// Changes what a cache knows of directories.
fn changed(cache: &[u8], with: impl Fn(&mut CachedDirectory<'_>)) -> Vec<u8> {
    let mut cache = Cache::from_bytes(cache).unwrap();
    cache.directories.iter_mut().for_each(with);
    cache.to_bytes()
}

#[test]
fn a_directory_in_which_nothing_came_or_went_is_not_read() {
    let machine = machine();
    fs::create_dir(machine.path("srv/empty")).unwrap();
    symlink("nowhere", machine.path("srv/one/link")).unwrap();
    let told = |cache: &[u8], path: &str| {
        let taken = take(&machine.dir, Level::Fast, cache);
        (taken.fingerprint.items(Section::Files).unwrap().contains_key(path), taken.reply.has_cache)
    };
    let forgotten = |directory: &mut CachedDirectory<'_>| directory.others.retain(|name| *name != b"link");
    let cache = settled(&machine.dir, Level::Fast);
    // All is known, empty directories too.
    assert!(!take(&machine.dir, Level::Fast, &cache).reply.has_cache);
    let cache = changed(&cache, forgotten);
    assert!(!told(&cache, "/srv/one/link").0);
    // A cache of too short a time after a change does not trust: the names are read.
    let early = changed(&cache, |directory| directory.stamp.changed = 0);
    assert_eq!(told(&early, "/srv/one/link"), (true, true));
    fs::write(machine.path("srv/one/new"), "").unwrap();
    assert_eq!(told(&cache, "/srv/one/link"), (true, true));
}

#[test]
fn what_comes_and_goes_in_few_directories_has_no_cache_sent() {
    let machine = machine();
    for number in 0..200 {
        fs::create_dir(machine.path(&format!("srv/two/{number}"))).unwrap();
    }
    let cache = settled(&machine.dir, Level::Fast);
    symlink("nowhere", machine.path("srv/two/7/link")).unwrap();
    let again = take(&machine.dir, Level::Fast, &cache);
    assert!(again.fingerprint.items(Section::Files).unwrap().contains_key("/srv/two/7/link"));
    assert!(!again.reply.has_cache);
    // A file that has to be read each time is another matter.
    fs::write(machine.path("srv/two/8/file"), "").unwrap();
    assert!(take(&machine.dir, Level::Fast, &cache).reply.has_cache);
}
