//! Texts that are encrypted with Ansible Vault, among the files of a step: found, so that a wrong password is told before
//! anything is created. Pure but for reading files.

use super::digest::directory;
use crate::model::step::Ansible;
use std::fs;
use std::path::PathBuf;

/// What an encrypted text begins with.
const HEAD: &str = "$ANSIBLE_VAULT;";

/// Larger files are no variables.
const LARGEST: u64 = 4 << 20;

/// Every encrypted text below the playbook's directory and the inventories: where it is, and the text.
pub fn texts(ansible: &Ansible) -> Vec<(PathBuf, String)> {
    let places = [directory(ansible).to_owned()].into_iter().chain(ansible.inventory.iter().cloned());
    let mut found = Vec::new();
    for place in places {
        let entries = walkdir::WalkDir::new(&place).sort_by_file_name().into_iter();
        let entries = entries.filter_entry(|entry| entry.depth() == 0 || entry.file_name() != ".git");
        for entry in entries.flatten().filter(|entry| entry.file_type().is_file()) {
            let small = entry.metadata().is_ok_and(|metadata| metadata.len() <= LARGEST);
            let text = small.then(|| fs::read_to_string(entry.path()).ok()).flatten().unwrap_or_default();
            found.extend(blocks(&text).into_iter().map(|block| (entry.path().to_owned(), block)));
        }
    }
    found.dedup();
    found
}

/// The whole of an encrypted file, or each encrypted value of a readable one, without its indentation.
fn blocks(text: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if !line.trim_start().starts_with(HEAD) {
            continue;
        }
        let mut block = line.trim().to_owned() + "\n";
        let is_hexadecimal = |line: &&str| {
            let line = line.trim();
            !line.is_empty() && line.chars().all(|c| c.is_ascii_hexdigit())
        };
        while let Some(line) = lines.next_if(|line| is_hexadecimal(line)) {
            block += line.trim();
            block.push('\n');
        }
        blocks.push(block);
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_files_and_single_values_are_found() {
        let whole = "$ANSIBLE_VAULT;1.1;AES256\n6162\n6364\n";
        assert_eq!(blocks(whole), [whole]);
        let inline = "a: 1\nb: !vault |\n  $ANSIBLE_VAULT;1.2;AES256;prod\n  6162\n  63\nc: deadbeef\n";
        assert_eq!(blocks(inline), ["$ANSIBLE_VAULT;1.2;AES256;prod\n6162\n63\n"]);
        assert!(blocks("deadbeef\nno vault\n").is_empty());
    }
}
