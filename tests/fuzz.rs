//! What machines answer and what files hold is read without a panic, whatever it is.
//!
//! Valid examples are cut, spliced and flipped by a generator that always begins with the same seed. In `./test` a few thousand
//! rounds; `FUZZ_SECONDS=60 cargo test --test integration fuzz -- --nocapture` goes on for longer, from another seed each time.
#![allow(clippy::disallowed_methods, clippy::print_stdout)] // whoever lets it run for longer says so, and wants to know

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use envup::engine::imported;
use envup_agent::{
    Cache, CachedDirectory, CachedFile, Content, Fingerprint, FingerprintReply, Items, LedgerReply, Line,
    Part, Reply, Section, Stamp, Unread,
};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How many inputs each test tries unless told otherwise.
const ROUNDS: u64 = 3000;

/// A small generator of numbers (SplitMix64): the same seed, the same inputs.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit.max(1)).unwrap()).unwrap()
    }

    /// The example with a few things wrong.
    fn spoilt(&mut self, example: &[u8]) -> Vec<u8> {
        const WORDS: [&[u8]; 8] =
            [b"\"", b"{", b"null", b"-1", b"18446744073709551616", b"\\u0000", b"\xff\xfe", b"[[[[[[[["];
        let mut bytes = example.to_vec();
        for _ in 0..=self.below(4) {
            let (from, to) = (self.below(bytes.len() + 1), self.below(bytes.len() + 1));
            match self.below(6) {
                0 if from < bytes.len() => bytes[from] ^= 1 << self.below(8),
                1 => bytes.truncate(from),
                2 => drop(bytes.drain(from.min(to)..from.max(to))),
                3 => {
                    let word = WORDS[self.below(WORDS.len())];
                    bytes.splice(from..from, word.iter().copied());
                }
                4 => {
                    let piece = bytes[from.min(to)..from.max(to)].to_vec();
                    bytes.splice(from..from, piece);
                }
                _ => bytes.extend_from_slice(WORDS[self.below(WORDS.len())]),
            }
            bytes.truncate(1 << 16);
        }
        bytes
    }
}

/// Tries one input after the other.
fn fuzz(example: &[u8], mut read: impl FnMut(&[u8])) {
    read(example);
    let seconds = std::env::var("FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let end = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let seed = match end {
        Some(_) => u64::from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos()),
        None => 1,
    };
    println!("seed {seed}");
    let mut random = Random(seed);
    let mut rounds = 0;
    while end.map_or(rounds < ROUNDS, |end| Instant::now() < end) {
        read(&random.spoilt(example));
        rounds += 1;
    }
    println!("{rounds} inputs");
}

fn fingerprint() -> Fingerprint {
    let item = |value: &str| [("value".to_owned(), value.to_owned())].into();
    let items: Items = (0..5).map(|number| (format!("key {number}"), item("välue \"quoted\""))).collect();
    let unread = Unread { section: Section::Files, key: "/root".into(), reason: "permission denied".into() };
    Fingerprint {
        key_id: "0123456789abcdef".into(),
        sections: [(Section::Os, items.clone()), (Section::Files, items)].into(),
        unread: vec![unread],
        ..Fingerprint::default()
    }
}

/// What an agent writes.
fn answer() -> Vec<u8> {
    let text = fingerprint().to_text();
    let packed = lz4_flex::compress_prepend_size(text.as_bytes());
    let (left, right) = packed.split_at(packed.len() / 2);
    let data = |bytes: &[u8]| Line::Data { part: Part::Fingerprint, bytes: STANDARD.encode(bytes) };
    let sha256 = envup::model::digest::sha256(text.as_bytes());
    let ledger = LedgerReply { ledger: Default::default(), running: None };
    let reply = Reply::Fingerprint(FingerprintReply { sha256, has_cache: false, ledger });
    let lines = [data(left), data(right), Line::Result(reply)];
    lines.iter().flat_map(|line| [serde_json::to_vec(line).unwrap(), b"\n".to_vec()].concat()).collect()
}

#[test]
fn an_answer_of_an_agent_is_taken_or_refused() {
    let example = answer();
    assert_eq!(imported(&example).unwrap(), fingerprint().to_text());
    fuzz(&example, |bytes| {
        // Whatever is taken is a whole fingerprint.
        if let Ok(text) = imported(bytes) {
            assert_eq!(Fingerprint::from_text(&text).unwrap().to_text(), text);
        }
    });
}

#[test]
fn a_fingerprint_file_is_read_or_refused() {
    fuzz(fingerprint().to_text().as_bytes(), |bytes| {
        if let Ok(read) = Fingerprint::from_text(&String::from_utf8_lossy(bytes)) {
            assert_eq!(Fingerprint::from_text(&read.to_text()), Ok(read));
        }
    });
}

#[test]
fn a_cache_of_files_is_read_or_refused() {
    let file = |name| CachedFile {
        name,
        inode: 1 << 40,
        size: 12,
        changed: 1_700_000_000_000_000_000,
        mode: 0o4755,
        user: 0,
        group: 1000,
        content: Content::Sha256([7; 32]),
        md5: Some([3; 16]),
    };
    let directory = |path, names: &[&'static [u8]]| CachedDirectory {
        path,
        stamp: Stamp { inode: 7, size: 4096, changed: 1_700_000_000_000_000_000 },
        files: names.iter().map(|name| file(name)).collect(),
        others: vec![b"a link".as_slice(), b"\xfe"],
    };
    let cache = Cache {
        key_id: "0123456789abcdef",
        directories: vec![directory(b"", &[b"a"]), directory(b"/etc", &[b"hosts", b"\xff"])],
    };
    let example = cache.to_bytes();
    assert_eq!(Cache::from_bytes(&example), Ok(cache));
    fuzz(&example, |bytes| {
        if let Ok(read) = Cache::from_bytes(bytes) {
            assert_eq!(Cache::from_bytes(&read.to_bytes()), Ok(read.clone()));
            let files: usize = read.directories.iter().map(|directory| directory.files.len()).sum();
            assert_eq!(read.files().count(), files);
        }
    });
}
