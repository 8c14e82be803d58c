//! Every situation a checkout can be found in.

use super::*;
use tempfile::TempDir;

/// A host with a data directory and some checkouts.
struct Host {
    place: TempDir,
    directories: Directories,
}

impl Host {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let directories = Directories::under(&place.path().join("data"));
        Self { place, directories }
    }

    fn checkout(&self, name: &str) -> PathBuf {
        let path = self.place.path().join(name);
        fs::create_dir_all(&path).unwrap();
        path
    }

    fn open(&self, name: &str) -> Project {
        Project::open(&self.directories, &self.checkout(name), || Ok(None)).unwrap()
    }

    fn copy(&self, from: &str, to: &str) {
        let state = self.checkout(to).join(STATE_DIRECTORY);
        fs::create_dir_all(state.join("ledgers")).unwrap();
        for name in ["id", ".gitignore"] {
            fs::copy(self.checkout(from).join(STATE_DIRECTORY).join(name), state.join(name)).unwrap();
        }
    }
}

#[test]
fn a_new_checkout_gets_an_id_and_keeps_it() {
    let host = Host::new();
    let first = host.open("shop");
    assert_eq!(first.situation, Situation::New);
    assert_eq!(fs::read(first.state_directory().join(".gitignore")).unwrap(), b"*\n");
    let second = Project::open(&host.directories, &host.checkout("shop"), || panic!("asked")).unwrap();
    assert_eq!((second.id, second.situation), (first.id.clone(), Situation::Known));
    assert_ne!(first.id, host.open("other").id);
}

#[test]
fn a_moved_checkout_keeps_its_id() {
    let host = Host::new();
    let id = host.open("old").id;
    fs::rename(host.checkout("old"), host.place.path().join("new")).unwrap();
    let moved = host.open("new");
    assert_eq!(moved.id, id);
    assert!(matches!(moved.situation, Situation::Moved(_)));
    assert_eq!(host.open("new").situation, Situation::Known);
    // A fresh clone where it was is somebody else, even though labels of its machines still name that directory.
    let adopt = || Ok(Some(id.clone()));
    let fresh = Project::open(&host.directories, &host.checkout("old"), adopt).unwrap();
    assert_eq!(fresh.situation, Situation::New);
    assert_ne!(fresh.id, id);
    assert_eq!(host.open("new").id, id);
}

#[test]
fn a_copied_checkout_gets_an_id_of_its_own() {
    let host = Host::new();
    let original = host.open("shop");
    host.copy("shop", "copy");
    let copy = host.open("copy");
    assert_eq!(copy.situation, Situation::Copied(original.directory.clone()));
    assert_ne!(copy.id, original.id);
    assert!(!copy.state_directory().join("ledgers").exists());
    assert_eq!(host.open("shop").id, original.id);
    assert_eq!((host.open("copy").id, host.open("copy").situation), (copy.id, Situation::Known));
}

#[test]
fn a_lost_record_is_adopted_by_directory() {
    let host = Host::new();
    let id = host.open("shop").id;
    fs::remove_dir_all(host.checkout("shop").join(STATE_DIRECTORY)).unwrap();
    let again = Project::open(&host.directories, &host.checkout("shop"), || Ok(Some(id.clone()))).unwrap();
    assert_eq!((again.id, again.situation), (id.clone(), Situation::Adopted));
    assert_eq!(host.open("shop").id, id);
}

#[test]
fn a_record_that_was_lost_after_a_move_is_remembered() {
    let host = Host::new();
    let id = host.open("shop").id;
    fs::rename(host.checkout("shop"), host.place.path().join("moved")).unwrap();
    host.open("moved");
    fs::remove_dir_all(host.checkout("moved").join(STATE_DIRECTORY)).unwrap();
    let again = host.open("moved");
    assert_eq!((again.id, again.situation), (id, Situation::Adopted));
}

#[test]
fn one_directory_by_two_paths_is_one_checkout() {
    let host = Host::new();
    let id = host.open("shop").id;
    let link = host.place.path().join("link");
    std::os::unix::fs::symlink(host.checkout("shop"), &link).unwrap();
    let project = Project::open(&host.directories, &link, || Ok(None)).unwrap();
    assert_eq!((project.id, project.situation), (id, Situation::Known));
}

#[test]
fn looking_writes_nothing() {
    let host = Host::new();
    let directory = host.checkout("shop");
    let project = Project::look(&host.directories, &directory, || Ok(None)).unwrap();
    assert_eq!(project.situation, Situation::New);
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 0);
    assert!(!host.directories.data.exists());
}

#[test]
fn all_who_open_a_new_checkout_at_once_agree() {
    let host = Host::new();
    let ids: Vec<_> = std::thread::scope(|scope| {
        let openers: Vec<_> = (0..8).map(|_| scope.spawn(|| host.open("shop").id)).collect();
        openers.into_iter().map(|opener| opener.join().unwrap()).collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[test]
fn damage_is_an_error_that_says_what_to_do() {
    let host = Host::new();
    host.open("shop");
    let path = id_path(&host.checkout("shop"));
    for damage in ["{\"vers", "{\"version\":1,\"id\":\"../../x\",\"directory\":\"/\"}"] {
        fs::write(&path, damage).unwrap();
        let error = Project::open(&host.directories, &host.checkout("shop"), || Ok(None)).unwrap_err();
        assert!(error.hints[0].starts_with("remove it"), "{error:?}");
    }
}

#[test]
fn what_cannot_be_written_is_an_error_with_a_hint() {
    let host = Host::new();
    // Something in the way fails for everyone, root included.
    fs::create_dir_all(host.checkout("shop").join(STATE_DIRECTORY).join(".gitignore")).unwrap();
    let error = Project::open(&host.directories, &host.checkout("shop"), || Ok(None)).unwrap_err();
    assert!(error.hints[0].contains("must be writable"), "{error:?}");
}

#[test]
fn what_stands_in_place_of_our_directory_is_refused() {
    let host = Host::new();
    let victim = host.checkout("victim");
    std::os::unix::fs::symlink(&victim, host.checkout("shop").join(STATE_DIRECTORY)).unwrap();
    let error = Project::open(&host.directories, &host.checkout("shop"), || Ok(None)).unwrap_err();
    assert!(error.message.ends_with("is not a directory"), "{error}");
    assert_eq!(fs::read_dir(&victim).unwrap().count(), 0);
}
