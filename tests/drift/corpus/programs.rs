//! Programs and libraries that need what a machine does not have, made with the compiler that Rust links with. Nobody runs them.

use crate::support::Project;
use std::process::Command;

/// Makes them in `programs/` of the project: `NAME` for libraries, `needs-NAME` for programs linked with them.
pub fn build(project: &Project) {
    project.write("library.c", "void corpus(void) {}\n");
    project.write("program.c", "void corpus(void);\nvoid _start(void) { corpus(); }\n");
    project.write("GLIBC_2.99.map", "GLIBC_2.99 { global: corpus; };\n");
    std::fs::create_dir(project.path("programs")).unwrap();
    let library = |name: &str, file: &str, more: &[&str]| {
        let words = format!("-shared -nostdlib -Wl,-soname,{name} -o programs/{file} library.c");
        compile(project, &[&words.split(' ').collect::<Vec<_>>(), more].concat());
        compile(
            project,
            &["-nostdlib", "-o", &format!("programs/needs-{file}"), "program.c", &format!("programs/{file}")],
        );
    };
    library("libssl.so.1.1", "libssl.so.1.1", &[]);
    library("libcorpus.so.1", "libcorpus.so.1", &[]);
    library("libc.so.6", "GLIBC_2.99", &["-Wl,--version-script=GLIBC_2.99.map"]);
}

#[track_caller]
fn compile(project: &Project, arguments: &[&str]) {
    let output = Command::new("cc").args(arguments).current_dir(project.directory()).output().unwrap();
    assert!(output.status.success(), "cc {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}
