//! Makes the disk of a VM with mmdebstrap: from a box's archive, with the recipe's script and one of ours that makes a file system
//! of the result, without root and without loop devices.

use super::build::{Mmdebstrap, run};
use super::recipe::Recipe;
use crate::event::{Context, Event};
use crate::model::digest::Digester;
use crate::model::{Error, Kind, Result};
use crate::state::find_program;
use rustix::process::geteuid;
use std::path::{Path, PathBuf};

/// Carry the script that makes a VM of the box, and for ours that makes a disk of it.
const VM_VARIABLE: &str = "ENVUP_VM";
const DISK_VARIABLE: &str = "ENVUP_DISK";
const DISK_SCRIPT: &str = include_str!("disk.sh");

/// The directory in which that script leaves what it made.
pub(super) const LEFT: &str = "envup-disk";

/// The file that lies there when the disk has no certificate authorities to which an initrd could add this host's own.
pub(super) const NO_AUTHORITIES: &str = "no-authorities";

/// Where the package ca-certificates keeps them.
const AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Digest of what a disk is made by: the recipe, and what we do with it.
pub(super) fn made_by(recipe: &Recipe) -> String {
    let mut digester = Digester::new("disk/1");
    digester.part(&recipe.digest).part(DISK_SCRIPT);
    digester.finish()
}

impl Mmdebstrap {
    /// Leaves a disk, a kernel and an initrd in a directory below `scratch`.
    pub(super) fn make_disk(
        &self,
        recipe: &Recipe,
        archive: &Path,
        scratch: &Path,
        context: &Context,
    ) -> Result<()> {
        let what = format!("making a disk of box {}", recipe.name());
        context.emit(Event::Doing { machine: None, what: what.clone() });
        for (program, package) in [("mke2fs", "e2fsprogs"), ("qemu-img", "qemu-utils")] {
            find_tool(program).ok_or_else(|| {
                let missing = format!("cannot make a disk of box {}: there is no {program}", recipe.name());
                Error::new(Kind::Unavailable, missing).hint(format!("sudo apt install {package}"))
            })?;
        }
        let root = geteuid().is_root();
        let mut command = self.command(recipe, scratch, root)?;
        command.args(disk_arguments(recipe, &self.sources(recipe), archive, scratch, root));
        command.env(VM_VARIABLE, recipe.customize_vm().unwrap_or_default()).env(DISK_VARIABLE, DISK_SCRIPT);
        run(&mut command, recipe, &mut std::io::sink(), &what, context)
    }
}

/// Starts from the archive: what is in the box stays as it is, and all that comes on top comes from the recipe's script.
fn disk_arguments(
    recipe: &Recipe,
    sources: &[String],
    archive: &Path,
    scratch: &Path,
    root: bool,
) -> Vec<String> {
    let quoted = |path: &Path| shell_words::quote(&path.display().to_string()).into_owned();
    let mut arguments = vec![
        format!("--mode={}", if root { "root" } else { "unshare" }),
        "--format=null".to_owned(),
        "--variant=custom".to_owned(),
        format!("--components={}", recipe.definition.bootstrap.components.join(",")),
        format!("--setup-hook=tar-in {} /", quoted(archive)),
        format!("--customize-hook=eval \"${DISK_VARIABLE}\""),
        format!("--customize-hook=[ -s \"$1{AUTHORITIES}\" ] || : >\"$1/{LEFT}/{NO_AUTHORITIES}\""),
        format!("--customize-hook=copy-out /{LEFT} {}", quoted(scratch)),
    ];
    arguments.extend([recipe.definition.bootstrap.suite.clone(), "/dev/null".to_owned()]);
    arguments.extend(sources.iter().cloned());
    arguments
}

/// A program of the system, which may lie where only root looks.
fn find_tool(name: &str) -> Option<PathBuf> {
    find_program(Path::new(name)).or_else(|| {
        let places = ["/usr/sbin", "/sbin"].into_iter().map(|place| Path::new(place).join(name));
        places.into_iter().find(|path| path.is_file())
    })
}

#[cfg(test)]
mod tests {
    use super::super::recipe::tests::{MINIMAL, recipe};
    use super::*;

    #[test]
    fn a_disk_starts_from_the_archive_of_its_box() {
        let recipe = recipe(MINIMAL).unwrap();
        let sources = ["deb http://a.example x main".to_owned()];
        let made =
            disk_arguments(&recipe, &sources, Path::new("/a b/root.tar"), Path::new("/scratch"), false);
        assert_eq!(
            made,
            [
                "--mode=unshare",
                "--format=null",
                "--variant=custom",
                "--components=main",
                "--setup-hook=tar-in '/a b/root.tar' /",
                "--customize-hook=eval \"$ENVUP_DISK\"",
                "--customize-hook=[ -s \"$1/etc/ssl/certs/ca-certificates.crt\" ] || \
                 : >\"$1/envup-disk/no-authorities\"",
                "--customize-hook=copy-out /envup-disk /scratch",
                "bookworm",
                "/dev/null",
                "deb http://a.example x main",
            ]
        );
    }
}
