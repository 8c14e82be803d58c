//! Programs and libraries that need what a machine does not have, made with the compiler that Rust links with. Nobody runs them.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Makes them in `programs/` of a directory: `NAME` for libraries, `needs-NAME` for programs linked with them.
pub fn build(directory: &Path) {
    let write = |name: &str, content: &str| fs::write(directory.join(name), content).unwrap();
    write("library.c", "void corpus(void) {}\n");
    write("program.c", "void corpus(void);\nvoid _start(void) { corpus(); }\n");
    write("GLIBC_2.99.map", "GLIBC_2.99 { global: corpus; };\n");
    fs::create_dir(directory.join("programs")).unwrap();
    let library = |name: &str, file: &str, more: &[&str]| {
        let words = format!("-shared -nostdlib -Wl,-soname,{name} -o programs/{file} library.c");
        compile(directory, &[&words.split(' ').collect::<Vec<_>>(), more].concat());
        compile(
            directory,
            &["-nostdlib", "-o", &format!("programs/needs-{file}"), "program.c", &format!("programs/{file}")],
        );
    };
    library("libssl.so.1.1", "libssl.so.1.1", &[]);
    library("libcorpus.so.1", "libcorpus.so.1", &[]);
    library("libc.so.6", "GLIBC_2.99", &["-Wl,--version-script=GLIBC_2.99.map"]);
}

#[track_caller]
fn compile(directory: &Path, arguments: &[&str]) {
    let output = Command::new("cc").args(arguments).current_dir(directory).output().unwrap();
    assert!(output.status.success(), "cc {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}
