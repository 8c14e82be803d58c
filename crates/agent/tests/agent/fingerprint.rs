//! The fingerprint as a caller gets it: a canonical text in lines, whatever the tree.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use envup_agent::{
    Call, Fingerprint, FingerprintReply, FingerprintRequest, Level, Line, Part, Reply, Request, Section,
};

use crate::support::{Machine, Session};

/// What a fingerprint of a tree brought.
pub struct Taken {
    pub fingerprint: Fingerprint,
    pub reply: FingerprintReply,
    /// What came back as cache; empty if the one that was sent is still good.
    pub cache: Vec<u8>,
}

/// Takes the fingerprint of the tree below a directory, with the cache of an earlier one.
pub fn take(root: &Path, level: Level, cache: &[u8]) -> Taken {
    let (lines, reply) = Session::start_with(&request(root, level, cache), cache).finish();
    taken(lines, reply)
}

/// The call that takes a fingerprint.
pub fn request(root: &Path, level: Level, cache: &[u8]) -> String {
    let request = FingerprintRequest {
        level,
        key: "00".repeat(32),
        environment: Vec::new(),
        cache_bytes: cache.len(),
        root: root.display().to_string(),
    };
    serde_json::to_string(&Call::new(Request::Fingerprint(request))).unwrap()
}

/// What an agent answered.
pub fn taken(lines: Vec<Line>, reply: Reply) -> Taken {
    let (mut packed, mut cache) = (Vec::new(), Vec::new());
    for line in lines {
        if let Line::Data { part, bytes } = line {
            let whole = if part == Part::Fingerprint { &mut packed } else { &mut cache };
            STANDARD.decode_vec(bytes, whole).unwrap();
        }
    }
    let Reply::Fingerprint(reply) = reply else { panic!("no fingerprint but {reply:?}") };
    assert_eq!(reply.has_cache, !cache.is_empty());
    let text = String::from_utf8(lz4_flex::decompress_size_prepended(&packed).unwrap()).unwrap();
    Taken { fingerprint: Fingerprint::from_text(&text).unwrap(), reply, cache }
}

#[test]
fn a_small_debian_is_told_by_its_packages() {
    let machine = Machine::new();
    let write = |path: &str, text: &str| {
        let path = machine.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write(
        "var/lib/dpkg/status",
        "Package: nginx\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.22.1-9\n\n",
    );
    write("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n");
    let Taken { fingerprint, reply, .. } = take(&machine.dir, Level::Facts, &[]);
    assert_eq!(fingerprint.items(Section::Packages).unwrap()["dpkg:nginx"]["version"], "1.22.1-9");
    assert_eq!(fingerprint.items(Section::Os).unwrap()["version"]["value"], "12");
    assert!(fingerprint.is_complete(), "{:?}", fingerprint.unread);
    assert!(!reply.has_cache && reply.ledger.ledger.steps.is_empty());
}

#[test]
fn a_key_that_is_none_is_refused() {
    let machine = Machine::new();
    let request = FingerprintRequest {
        level: Level::Facts,
        key: "short".to_owned(),
        environment: Vec::new(),
        cache_bytes: 0,
        root: "/".to_owned(),
    };
    let Reply::Error { message, .. } = machine.run(Request::Fingerprint(request)) else { panic!("accepted") };
    assert!(message.contains("64 hexadecimal characters"), "{message}");
}
