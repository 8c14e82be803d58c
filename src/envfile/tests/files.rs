//! Files that are not what they should be, and text that no one wrote.

use super::super::{FILE_NAME, LoadOptions, find, load, load_all};
use super::{load_in, project, refused, shown, stack_of};
use crate::model::step::Tool;

const GOOD: &str = "[machine.web]\nimage = \"x\"\n";

fn refused_bytes(bytes: &[u8]) -> String {
    let directory = project("", &[]);
    std::fs::write(directory.path().join(FILE_NAME), bytes).unwrap();
    shown(&load_in(directory.path()).unwrap_err())
}

#[test]
fn files_that_are_no_envfile() {
    assert!(refused_bytes(b"\x7fELF\x80\xff").ends_with("it is not text (byte 5 is not UTF-8)"));
    assert!(refused_bytes(&vec![b'#'; (1 << 20) + 1]).ends_with("it is larger than 1 MiB"));
    assert!(refused_bytes(b"a = \"\0\"").starts_with("Envfile:1:"));

    let directory = tempfile::tempdir().unwrap();
    let options = LoadOptions::default();
    let error = load(directory.path(), &options).unwrap_err();
    assert!(error.message.ends_with("it is a directory"), "{error}");
    let error = load(&directory.path().join("none/Envfile"), &options).unwrap_err();
    assert!(error.hints[0].contains("env new"), "{error:?}");
    let error = load(&directory.path().join("Envfile"), &options).unwrap_err();
    assert!(error.hints[0].contains("env new"), "{error:?}");
    let error = load(std::path::Path::new("/dev/zero"), &options).unwrap_err();
    assert!(error.message.ends_with("it is not a regular file"), "{error}");
}

#[test]
fn marks_and_line_ends_of_other_systems() {
    let windows = format!("\u{feff}{}", GOOD.replace('\n', "\r\n"));
    assert_eq!(stack_of(&windows, &[]).machines.len(), 1);
    assert!(refused("\u{feff}x = 1\r\n", &[]).starts_with("Envfile:1:1: unknown key `x`"));
}

#[test]
fn a_name_given_by_hand_is_checked() {
    let directory = project(GOOD, &[]);
    let file = directory.path().join(FILE_NAME);
    let named =
        |name: &str| load(&file, &LoadOptions { project: Some(name.to_owned()), ..LoadOptions::default() });
    assert_eq!(named("copy").unwrap().stack.name, "copy");
    assert!(named("No Good").is_err());
}

#[test]
fn the_nearest_envfile_is_found() {
    let directory = project(GOOD, &[("a/b/c.txt", ""), ("a/Envfile/not-a-file", "")]);
    assert_eq!(find(&directory.path().join("a/b")), Some(directory.path().join(FILE_NAME)));
}

#[test]
fn a_wrong_dotenv_is_placed_but_not_quoted() {
    let error = refused(GOOD, &[(".env", "A=1\nPASSWORD=\"hunter2\n")]);
    assert!(error.starts_with(".env:2:1: the quote is not closed"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
    let error = refused("[machine.a]\nimage = 'x'\nenv_file = 'app.env'\n", &[("app.env", "x y\n")]);
    assert!(error.starts_with("app.env:1:1: this line has no `=`"), "{error}");
}

#[test]
fn links_out_of_the_project_are_seen_as_such() {
    let directory = project("[machine.a]\nimage = 'x'\nsync = ['data:/data']\n", &[]);
    std::os::unix::fs::symlink("/etc", directory.path().join("data")).unwrap();
    let stack = load_in(directory.path()).unwrap().stack;
    assert_eq!(stack.machines["a"].sync[0].host.to_str(), Some("/etc"));
}

/// What TOML and our values give a meaning to.
const SIGNS: &[u8] = b"\"'[]{}=.,$#:\n\\-0";

/// A small generator of its own: the same text on every run.
fn noise(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *seed >> 33
}

#[test]
fn no_text_makes_it_panic() {
    let example = include_str!("../../../Envfile.example");
    let directory = project("", &[]);
    let file = directory.path().join(FILE_NAME);
    let mut seed = 7;
    for round in 0..300 {
        let mut bytes = if round % 2 == 0 { example.as_bytes().to_vec() } else { GOOD.as_bytes().repeat(3) };
        for _ in 0..=noise(&mut seed) % 12 {
            let at = noise(&mut seed) as usize % bytes.len();
            match noise(&mut seed) % 4 {
                0 => bytes[at] = noise(&mut seed) as u8,
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, SIGNS[noise(&mut seed) as usize % SIGNS.len()]),
                _ => {
                    let end = (at + noise(&mut seed) as usize % 40).min(bytes.len());
                    bytes.extend_from_within(at..end);
                }
            }
        }
        std::fs::write(&file, &bytes).unwrap();
        if let Err(error) = load_all(&file, &LoadOptions::default()) {
            shown(&error);
        }
    }
}

#[test]
fn a_playbook_knows_the_file_of_its_vault_password() {
    let files = [("ops/site.yml", ""), ("ops/password", "")];
    let step = |vault: &str| format!("ansible = \"ops/site.yml\"\n{vault}\n");
    let secret = "[secret.word]\nfile = \"ops/password\"\n";
    for vault in ["vault = \"word\"", "vault_password_file = \"ops/password\""] {
        let own = format!("[[machine.web.provision]]\n{}", step(vault));
        let of_stack = format!("[[provision]]\n{}", step(vault));
        let stack = stack_of(&format!("[machine.web]\nimage = \"i:1\"\n{own}{of_stack}{secret}"), &files);
        let steps = [&stack.machines["web"].provision[0], &stack.provision[0].step];
        for step in steps {
            let Tool::Ansible(ansible) = &step.tool else { panic!("{step:?}") };
            let file = ansible.password_file.as_ref().unwrap();
            assert!(file.ends_with("ops/password"), "{vault}: {file:?}");
        }
    }
}
