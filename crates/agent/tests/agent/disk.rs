//! A machine made of files, and what a fingerprint tells of them.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use envup_agent::{Item, Level, Section};
use md5::{Digest as _, Md5};

use crate::fingerprint::{Taken, take};
use crate::support::{Machine, await_that};

/// A machine made of files.
pub struct Disk {
    pub machine: Machine,
}

impl Disk {
    pub fn new() -> Disk {
        let disk = Disk { machine: Machine::new() };
        disk.write("etc/passwd", "root:x:0:0::/root:/bin/sh\nme:x:1000:1000::/home/me:/bin/sh\n");
        disk
    }

    pub fn root(&self) -> &Path {
        &self.machine.dir
    }

    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.machine.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        path
    }

    pub fn mode(&self, path: &str, mode: u32) {
        fs::set_permissions(self.machine.path(path), fs::Permissions::from_mode(mode)).unwrap();
    }

    /// A package `demo` as dpkg would have left it, with these files and what is in them.
    pub fn debian(&self, files: &[(&str, &str)]) {
        let status = "Package: demo\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n";
        let sums = files.iter().map(|(path, content)| format!("{}  {path}\n", md5(content)));
        self.write("var/lib/dpkg/status", status);
        self.write("var/lib/dpkg/info/demo.md5sums", sums.collect::<String>());
        let list: String = files.iter().map(|(path, _)| format!("/{path}\n")).collect();
        self.write("var/lib/dpkg/info/demo.list", format!("/.\n/usr\n/usr/lib\n/usr/lib/demo\n{list}"));
        files.iter().for_each(|(path, content)| drop(self.write(path, content)));
    }

    /// Waits until whatever changes from now on did not come with the package: it takes its time to be unpacked, and what changes
    /// within two seconds belongs to it.
    pub fn await_unpacked(&self) {
        let list = fs::metadata(self.machine.path("var/lib/dpkg/info/demo.list")).unwrap();
        let unpacked = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(list.ctime()).unwrap() + 4);
        await_that("the end of unpacking", || (SystemTime::now() > unpacked).then_some(()));
    }

    pub fn take(&self, level: Level) -> Taken {
        take(self.root(), level, &[])
    }

    /// The owner of everything that tests make.
    pub fn own(&self) -> String {
        let status = fs::metadata(self.root()).unwrap();
        let name = |number: u32| if number == 0 { "root".to_owned() } else { number.to_string() };
        format!("{}:{}", name(status.uid()), status.gid())
    }
}

fn md5(content: &str) -> String {
    Md5::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An item of section `files`, if there is one.
pub fn file<'t>(taken: &'t Taken, path: &str) -> Option<&'t Item> {
    taken.fingerprint.items(Section::Files).unwrap().get(path)
}

/// One field of an item that is there.
pub fn field<'t>(taken: &'t Taken, path: &str, name: &str) -> Option<&'t str> {
    let item = file(taken, path).unwrap_or_else(|| panic!("{path} is not told"));
    item.get(name).map(String::as_str)
}
