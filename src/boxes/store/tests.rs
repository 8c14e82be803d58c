//! The store when all goes well, and when processes are killed, disks are full and several want the same.

use super::super::build::Mmdebstrap;
use super::super::recipe::tests::{MINIMAL, files};
use super::*;
use crate::model::Kind;
use crate::model::digest::sha256;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// Says to the test binary, run by a test, where its store is.
const PLACE_VARIABLE: &str = "ENVUP_TEST_PLACE";

fn tiny() -> BoxSource {
    BoxSource::Named("tiny/1".to_owned())
}

/// A tar archive with one file of this length.
fn archive(length: usize) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_size(length as u64);
    header.set_mode(0o644);
    let mut tar = tar::Builder::new(Vec::new());
    tar.append_data(&mut header, "content", &vec![b'x'; length][..]).unwrap();
    tar.into_inner().unwrap()
}

/// Writes an archive, and counts how often.
#[derive(Clone)]
struct Counting {
    length: usize,
    builds: Arc<AtomicUsize>,
}

impl Builder for Counting {
    fn build(&self, _: &Recipe, _: &Path, sink: &mut dyn Write, context: &Context) -> Result<()> {
        self.builds.fetch_add(1, Ordering::SeqCst);
        context.sleep(Duration::from_millis(50), "testing")?;
        sink.write_all(&archive(self.length)).map_err(|error| cannot_write(Path::new("the box"), error))
    }
}

/// A checkout with a recipe for tiny/1, and a data directory.
struct Host {
    place: TempDir,
    counting: Counting,
}

impl Host {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("boxes/tiny-1");
        fs::create_dir_all(&folder).unwrap();
        for (name, content) in files(MINIMAL) {
            fs::write(folder.join(name), content).unwrap();
        }
        Self { place, counting: Counting { length: 1000, builds: Arc::default() } }
    }

    fn store(&self) -> Store {
        store_at(self.place.path()).with_builder(self.counting.clone())
    }

    fn root(&self) -> PathBuf {
        self.place.path().join("data/boxes")
    }

    /// Everything in the store but locks, which stay.
    fn leftovers(&self) -> Vec<PathBuf> {
        let entries =
            WalkDir::new(self.root()).min_depth(1).into_iter().flatten().map(|entry| entry.into_path());
        entries.filter(|path| path.is_file() && !path.starts_with(self.root().join(LOCKS))).collect()
    }

    fn ensure(&self) -> Result<BoxFile> {
        self.store().ensure(&tiny(), &Context::silent())
    }
}

fn store_at(place: &Path) -> Store {
    Store::open(&Directories::under(&place.join("data")), Some(place))
}

#[test]
fn a_box_is_built_once_and_kept() {
    let host = Host::new();
    assert!(matches!(host.store().resolve(&tiny()).unwrap(), Resolution::Build(_)));
    assert_eq!(host.store().find(&tiny()).unwrap(), None);
    let made = host.ensure().unwrap();
    assert_eq!(made.meta.sha256, sha256(&archive(1000)));
    assert_eq!(made.reference(), format!("envup-box/tiny-1:{}", &made.meta.sha256[..12]));
    assert_eq!(host.ensure().unwrap(), made);
    assert_eq!(host.store().find(&tiny()).unwrap().as_ref(), Some(&made));
    for name in ["tiny/1", "tiny/1@1", &made.meta.sha256[..8]] {
        assert_eq!(host.store().get(name).as_ref(), Some(&made), "{name}");
    }
    assert_eq!(host.counting.builds.load(Ordering::SeqCst), 1);
    assert_eq!(host.store().get("tiny/1@2"), None);
}

#[test]
fn all_who_need_a_box_at_once_build_it_once() {
    let host = Host::new();
    let made: Vec<_> = std::thread::scope(|scope| {
        let makers: Vec<_> = (0..6).map(|_| scope.spawn(|| host.ensure().unwrap())).collect();
        makers.into_iter().map(|maker| maker.join().unwrap()).collect()
    });
    assert!(made.iter().all(|one| *one == made[0]));
    assert_eq!(host.counting.builds.load(Ordering::SeqCst), 1);
}

#[test]
fn a_changed_recipe_gives_another_box_and_an_equal_one_serves_both() {
    let mut host = Host::new();
    let before = host.ensure().unwrap();
    let script = host.place.path().join("boxes/tiny-1/finish.sh");
    fs::write(&script, "true # as before\n").unwrap();
    assert_eq!(host.ensure().unwrap().path, before.path);
    host.counting.length = 2000;
    fs::write(&script, "echo more\n").unwrap();
    let after = host.ensure().unwrap();
    assert_ne!(after.path, before.path);
    assert_eq!(host.store().list().len(), 2);
    fs::write(&script, "true\n").unwrap();
    assert_eq!(host.ensure().unwrap().path, before.path);
    assert_eq!(host.counting.builds.load(Ordering::SeqCst), 3);
}

#[test]
fn only_recipes_of_the_checkout_are_suspect() {
    let host = Host::new();
    let store = host.store();
    let suspect = |name: &str| store.recipe_of_checkout(&BoxSource::Named(name.into())).unwrap().is_some();
    assert_eq!([suspect("tiny/1"), suspect("tiny/1@1"), suspect("debian/12")], [true, true, false]);
}

#[test]
fn a_changed_archive_is_not_used() {
    let host = Host::new();
    let made = host.ensure().unwrap();
    let mut bytes = fs::read(&made.path).unwrap();
    bytes[600] ^= 1;
    fs::write(&made.path, &bytes).unwrap();
    let error = host.ensure().unwrap_err();
    assert!(error.hints[0].contains("env box remove tiny/1@1"), "{error:?}");
    assert!(error.detail.unwrap().contains(&made.meta.sha256));
    host.store().remove(&made).unwrap();
    host.ensure().unwrap().verify(&Context::silent()).unwrap();
}

#[test]
fn what_is_damaged_counts_as_absent() {
    let host = Host::new();
    let made = host.ensure().unwrap();
    for damage in [made.path.clone(), made.directory().join("box.json")] {
        fs::write(damage, "{").unwrap();
        assert_eq!(host.store().list(), []);
        assert_eq!(host.ensure().unwrap().meta.sha256, made.meta.sha256);
    }
    assert_eq!(host.leftovers().len(), 3);
}

#[test]
fn a_removed_box_leaves_nothing() {
    let host = Host::new();
    host.store().remove(&host.ensure().unwrap()).unwrap();
    assert_eq!(host.store().list(), []);
    assert!(host.leftovers().is_empty() && !host.root().join("tiny-1").exists());
}

#[test]
fn an_unknown_box_is_refused_with_what_there_is() {
    let error =
        Host::new().store().ensure(&BoxSource::Named("tiny/2".into()), &Context::silent()).unwrap_err();
    assert_eq!(error.kind, Kind::Usage);
    assert_eq!(error.hints[0], "known boxes: debian/12, tiny/1");
}

/// Runs one of these tests again where it may mount. A host that does not even allow that has to say so itself, because a
/// test that proves nothing must not pass.
fn as_root_of_a_namespace(test: &str) {
    let tests = std::env::current_exe().unwrap();
    let mut inside = Command::new("unshare");
    inside.args(["--user", "--map-root-user", "--mount"]).arg(tests);
    inside.args(["--exact", &format!("boxes::store::tests::{test}")]).env(INSIDE, "yes");
    #[allow(clippy::disallowed_methods)] // a test that has to know which of its two processes it is
    let passed = std::env::var_os(INSIDE).is_none() && inside.status().is_ok_and(|status| status.success());
    assert!(passed, "this test has to mount something; without that right: cargo test -- --skip {test}");
}

/// Tells a test that it runs inside already.
const INSIDE: &str = "ENVUP_TEST_INSIDE";

#[test]
fn a_full_disk_is_told_and_leaves_nothing() {
    let mut host = Host::new();
    let root = host.root();
    fs::create_dir_all(&root).unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(&root).status();
    if !mounted.is_ok_and(|status| status.success()) {
        return as_root_of_a_namespace("a_full_disk_is_told_and_leaves_nothing");
    }
    host.counting.length = 4 << 20;
    let error = host.ensure().unwrap_err();
    let leftovers = host.leftovers();
    Command::new("umount").arg(&root).status().unwrap();
    assert!(error.to_string().contains("No space left"), "{error:?}");
    assert!(error.hints[0].contains("make room"), "{error:?}");
    assert_eq!(leftovers, [] as [PathBuf; 0]);
}

#[test]
fn what_is_no_archive_is_not_kept() {
    let host = Host::new();
    let path = host.place.path().join("page.html");
    fs::write(&path, "<!doctype html>").unwrap();
    let source =
        BoxSource::Url { url: format!("file://{}", path.display()), sha256: sha256(b"<!doctype html>") };
    let error = host.store().ensure(&source, &Context::silent()).unwrap_err();
    assert!(error.to_string().contains("not a tar archive"), "{error:?}");
    assert!(host.leftovers().is_empty());
}

/// Answers every request with what `answer` makes of its path, and counts.
fn serve(answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let requests: Arc<AtomicUsize> = Arc::default();
    let counter = requests.clone();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            use std::io::{BufRead, BufReader};
            let lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
            let path = head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
            counter.fetch_add(1, Ordering::SeqCst);
            let _ = stream.write_all(&answer(path));
        }
    });
    (address, requests)
}

fn response(status: &str, header: &str, body: &[u8]) -> Vec<u8> {
    let head =
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n{header}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

#[test]
fn a_box_is_fetched_once_through_redirects_and_compared() {
    let host = Host::new();
    let body = archive(5000);
    let sha = sha256(&body);
    let (address, requests) = serve(move |path| match path {
        "/old" => response("302 Found", "location: /my-box-1.tar\r\n", b""),
        "/round" => response("302 Found", "location: /round\r\n", b""),
        "/cut.tar" => response("200 OK", "", &body)[..1000].to_vec(),
        "/my-box-1.tar" => response("200 OK", "", &body),
        _ => response("404 Not Found", "", b""),
    });
    let ensure = |path: &str, sha256: &str| {
        let source = BoxSource::Url { url: format!("{address}{path}"), sha256: sha256.to_owned() };
        host.store().ensure(&source, &Context::silent())
    };
    let wrong = ensure("/my-box-1.tar", &"0".repeat(64)).unwrap_err();
    assert!(wrong.detail.unwrap().contains(&format!("found    sha256 {sha}")));
    for (path, expected) in [("/missing", "404"), ("/round", "redirect"), ("/cut.tar", "")] {
        let error = ensure(path, &sha).unwrap_err();
        assert!(error.to_string().contains(expected), "{path}: {error:?}");
    }
    assert!(host.leftovers().is_empty());

    let before = requests.load(Ordering::SeqCst);
    let fetched = ensure("/old", &sha.to_uppercase()).unwrap();
    assert_eq!(ensure("/elsewhere", &sha).unwrap(), fetched);
    assert_eq!(requests.load(Ordering::SeqCst) - before, 2);
    assert_eq!(fetched.meta.version, sha[..12]);
    fetched.verify(&Context::silent()).unwrap();
}

#[test]
fn fetched_boxes_are_named_by_their_files() {
    for (url, name) in [
        ("https://a.example/boxes/Debian-12_x.tar.gz?token=1", "debian-12x"),
        ("file:///srv/root.tgz", "root"),
        ("https://a.example/", "a.example"),
        ("https://a.example/..", "fetched"),
    ] {
        assert_eq!(name_of_url(url), name, "{url}");
    }
}

/// Not a test: the process that the next one kills.
#[test]
#[ignore = "run by a_killed_build_leaves_nothing_half_made"]
#[allow(clippy::disallowed_methods)]
fn killed_build() {
    let Some(place) = std::env::var_os(PLACE_VARIABLE).map(PathBuf::from) else { return };
    let program = place.join("mmdebstrap");
    let builder = Mmdebstrap { program, mirrors: vec!["http://a.example".into()], ..Mmdebstrap::default() };
    store_at(&place).with_builder(builder).ensure(&tiny(), &Context::silent()).unwrap();
}

#[test]
fn a_killed_build_leaves_nothing_half_made() {
    let host = Host::new();
    let place = host.place.path();
    fs::write(place.join("root.tar"), archive(1 << 20)).unwrap();
    // Says something now and then, as the real one does, and so learns that nobody listens any more.
    let script = format!(
        "#!/bin/sh\necho $$ >>{0}/pids\nhead -c 700000 {0}/root.tar\n\
         for n in 1 2 3 4 5 6; do sleep 0.02; echo working >&2 || exit 1; done\ntail -c +700001 {0}/root.tar\n",
        place.display()
    );
    fs::write(place.join("mmdebstrap"), script).unwrap();
    fs::set_permissions(place.join("mmdebstrap"), fs::Permissions::from_mode(0o755)).unwrap();
    for step in 0..12 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["boxes::store::tests::killed_build", "--exact", "--ignored"])
            .env(PLACE_VARIABLE, place)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Context::silent().sleep(Duration::from_millis(10 + step * 20), "testing").unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        for found in host.store().list() {
            found.verify(&Context::silent()).unwrap();
            host.store().remove(&found).unwrap();
        }
    }
    host.ensure().unwrap();
    assert_eq!(
        host.leftovers().len(),
        3,
        "archive, description and the mark of verification: {:?}",
        host.leftovers()
    );
    for pid in fs::read_to_string(place.join("pids")).unwrap_or_default().lines() {
        let gone = || !Path::new("/proc").join(pid).join("cwd").exists();
        let waited = (0..100)
            .any(|_| gone() || Context::silent().sleep(Duration::from_millis(50), "testing").is_err());
        assert!(waited, "build {pid} goes on without its env");
    }
}
