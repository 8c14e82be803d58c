//! For tests: a small tree of files that stands for a machine, and bytes that nobody meant.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use envup_agent::{Fingerprint, FingerprintRequest, Items, Level, Section};

use super::Collector;
use super::view::{Found, View};

/// A directory that is gone with this value.
pub struct Tree {
    root: PathBuf,
}

impl Tree {
    pub fn new() -> Tree {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let root = std::env::temp_dir().join(format!("envup-agent-tree-{}-{count}", std::process::id()));
        fs::create_dir_all(&root).unwrap();
        Tree { root }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Writes a file that everybody may read.
    pub fn file(&self, path: &str, content: impl AsRef<[u8]>) -> &Tree {
        fs::write(self.place(path), content).unwrap();
        self.mode(path, 0o644)
    }

    pub fn link(&self, path: &str, target: &str) -> &Tree {
        symlink(target, self.place(path)).unwrap();
        self
    }

    pub fn mode(&self, path: &str, mode: u32) -> &Tree {
        fs::set_permissions(self.place(path), fs::Permissions::from_mode(mode)).unwrap();
        self
    }

    /// Makes a package of dpkg's that owns a file.
    pub fn package(&self, name: &str, version: &str, path: &str) -> &Tree {
        let status = self.root.join("var/lib/dpkg/status");
        let known = fs::read_to_string(&status).unwrap_or_default();
        let state = "Status: install ok installed\nArchitecture: amd64";
        let paragraph = format!("Package: {name}\n{state}\nVersion: {version}\n\n");
        self.file("/var/lib/dpkg/status", known + &paragraph);
        self.file(&format!("/var/lib/dpkg/info/{name}.list"), format!("{path}\n"))
    }

    /// What a collector finds in the tree.
    pub fn items(&self, collect: Collector) -> Items {
        let fingerprint = self.fingerprint(collect, &[]);
        assert_eq!(fingerprint.unread, [], "something could not be read");
        fingerprint.sections.into_values().next().unwrap()
    }

    /// The same with variables that may be told, and with what could not be read.
    pub fn fingerprint(&self, collect: Collector, environment: &[&str]) -> Fingerprint {
        take(self.root.to_str().unwrap(), collect, environment)
    }

    /// Does something with the tree as collectors see it.
    pub fn view<T>(&self, act: impl FnOnce(&View<'_>) -> T) -> T {
        with_view(self.root.to_str().unwrap(), &[], act)
    }

    fn place(&self, path: &str) -> PathBuf {
        let place = self.root.join(path.trim_start_matches('/'));
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        place
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// What a collector finds on the machine that the tests run on, which may be anything.
pub fn live(collect: Collector) -> Fingerprint {
    take("/", collect, &[])
}

fn take(root: &str, collect: Collector, environment: &[&str]) -> Fingerprint {
    let mut found = Found::default();
    with_view(root, environment, |view| collect(view, &mut found));
    let mut fingerprint = Fingerprint::default();
    found.hand_in(Section::Os, &mut fingerprint);
    fingerprint
}

fn with_view<T>(root: &str, environment: &[&str], act: impl FnOnce(&View<'_>) -> T) -> T {
    let request = FingerprintRequest {
        level: Level::Facts,
        key: "07".repeat(32),
        environment: environment.iter().map(|name| name.to_string()).collect(),
        cache_bytes: 0,
        root: root.to_owned(),
    };
    let Ok(view) = View::new(&request) else { panic!("the request is refused") };
    act(&view)
}

/// One field of one item.
pub fn field<'i>(items: &'i Items, key: &str, name: &str) -> Option<&'i str> {
    items.get(key)?.get(name).map(String::as_str)
}

/// Random bytes, and `sample` with random bytes in it or without its end; the same ones each time.
pub fn odd(sample: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap()
    };
    (0..120).map(move |turn| match turn % 2 {
        0 => (0..random() % 300).map(|_| random().to_le_bytes()[0]).collect(),
        _ => {
            let mut bytes = sample[..sample.len() - random() % (sample.len() / 2 + 1)].to_vec();
            for _ in 0..random() % 8 + 1 {
                let place = random() % bytes.len();
                bytes[place] = random().to_le_bytes()[0];
            }
            bytes
        }
    })
}
