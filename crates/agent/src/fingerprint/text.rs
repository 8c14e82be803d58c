//! The canonical text of a fingerprint: JSON with one item on a line, so that two of them read well side by side in git.
//!
//! Equal fingerprints have equal texts, byte for byte. Each section carries the SHA-256 of its lines, the whole that of its
//! sections and of what could not be read, so that whoever compares can leave out what is the same.

use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Fingerprint, Items, Level, SCHEMA, Section, Unread};
use std::collections::BTreeMap;

/// More than a section needs besides its lines and digest, and the whole besides its sections. Bytes.
const FRAME: usize = 192;

/// Why a text is not a fingerprint that can be used here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Damage {
    /// It was written by a newer version.
    Newer(u32),
    /// It is not what it should be.
    Broken(String),
}

impl fmt::Display for Damage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Damage::Newer(version) => {
                write!(formatter, "it has version {version} and this program reads up to {SCHEMA}")
            }
            Damage::Broken(why) => formatter.write_str(why),
        }
    }
}

impl std::error::Error for Damage {}

#[derive(Deserialize)]
struct Stored {
    version: u32,
    level: Level,
    key_id: String,
    sha256: String,
    sections: BTreeMap<Section, StoredSection>,
    unread: Vec<Unread>,
}

#[derive(Deserialize)]
struct StoredSection {
    sha256: String,
    items: Items,
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

impl Fingerprint {
    /// The canonical text; ends with a newline.
    pub fn to_text(&self) -> String {
        let sections: Vec<(Section, String, String)> = self
            .sections
            .iter()
            .map(|(section, items)| {
                let lines = lines(items);
                (*section, sha256(lines.as_bytes()), lines)
            })
            .collect();
        // With room for all of it but what could not be read, which mostly is nothing.
        let length: usize =
            sections.iter().map(|(_, digest, lines)| digest.len() + lines.len() + FRAME).sum();
        let mut text = String::with_capacity(length + FRAME);
        let root = self.root(sections.iter().map(|(section, digest, _)| (*section, digest.as_str())));
        // Writing to a String cannot fail, here and below.
        let _ = write!(
            text,
            "{{\"version\":{SCHEMA},\"level\":{},\"key_id\":{},\"sha256\":\"{root}\",\"sections\":{{",
            json(&self.level),
            json(&self.key_id)
        );
        for (place, (section, digest, lines)) in sections.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            let _ = write!(
                text,
                "{comma}\n\"{}\":{{\"sha256\":\"{digest}\",\"items\":{{{lines}}}}}",
                section.as_str()
            );
        }
        let unread: Vec<String> = self.unread.iter().map(json).collect();
        let _ = writeln!(text, "\n}},\"unread\":[{}]}}", unread.join(",\n"));
        text
    }

    /// Reads what [`to_text`](Self::to_text) wrote, in any layout; digests that are not right are refused.
    pub fn from_text(text: &str) -> Result<Fingerprint, Damage> {
        let stored: Stored = serde_json::from_str(text).map_err(|error| damage(text, &error))?;
        if stored.version > SCHEMA {
            return Err(Damage::Newer(stored.version));
        }
        let (mut sections, mut digests) = (BTreeMap::new(), BTreeMap::new());
        for (section, content) in stored.sections {
            digests.insert(section, sha256(lines(&content.items).as_bytes()));
            if digests[&section] != content.sha256 {
                return Err(Damage::Broken(format!("its section {} was changed by hand", section.as_str())));
            }
            sections.insert(section, content.items);
        }
        let fingerprint =
            Fingerprint { level: stored.level, key_id: stored.key_id, sections, unread: stored.unread };
        let root = fingerprint.root(digests.iter().map(|(section, digest)| (*section, digest.as_str())));
        match root == stored.sha256 {
            true => Ok(fingerprint),
            false => Err(Damage::Broken("its digest does not fit its content".to_owned())),
        }
    }

    /// The digest of everything: equal only for equal fingerprints. 64 hexadecimal characters.
    pub fn sha256(&self) -> String {
        let digest = |items| sha256(lines(items).as_bytes());
        let digests: Vec<_> =
            self.sections.iter().map(|(section, items)| (*section, digest(items))).collect();
        self.root(digests.iter().map(|(section, digest)| (*section, digest.as_str())))
    }

    fn root<'d>(&self, sections: impl Iterator<Item = (Section, &'d str)>) -> String {
        let mut text = format!("{SCHEMA}\n{}\n{}\n", self.level.as_str(), self.key_id);
        for (section, digest) in sections {
            let _ = writeln!(text, "{} {digest}", section.as_str());
        }
        self.unread.iter().for_each(|unread| text += &(json(unread) + "\n"));
        sha256(text.as_bytes())
    }
}

/// What is wrong with a text that is not understood: a newer one may have any shape.
fn damage(text: &str, error: &serde_json::Error) -> Damage {
    match serde_json::from_str(text) {
        Ok(Version { version }) if version > SCHEMA => Damage::Newer(version),
        _ => Damage::Broken(error.to_string()),
    }
}

/// The items of a section, each on a line of its own.
fn lines(items: &Items) -> String {
    let mut text = Vec::new();
    for (place, (key, item)) in items.iter().enumerate() {
        text.extend_from_slice(if place == 0 { b"\n" } else { b",\n" });
        // Plain data of ours always becomes JSON, and JSON is always UTF-8.
        let _ = serde_json::to_writer(&mut text, key);
        text.push(b':');
        let _ = serde_json::to_writer(&mut text, item);
    }
    String::from_utf8(text).unwrap_or_default()
}

/// Plain data of ours always becomes JSON.
fn json(value: &(impl Serialize + ?Sized)) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Fingerprint {
        let item = |value: &str| [("value".to_owned(), value.to_owned())].into();
        let os: Items = [("id".to_owned(), item("debian")), ("version".to_owned(), item("12"))].into();
        Fingerprint {
            key_id: "00ff".to_owned(),
            sections: [(Section::Os, os), (Section::Ports, Items::new())].into(),
            unread: vec![Unread {
                section: Section::Files,
                key: "/root".to_owned(),
                reason: "permission denied".to_owned(),
            }],
            ..Fingerprint::default()
        }
    }

    #[test]
    fn each_item_has_a_line_and_the_text_comes_back() {
        let text = example().to_text();
        assert!(text.contains("\n\"id\":{\"value\":\"debian\"},\n\"version\":{\"value\":\"12\"}"), "{text}");
        assert_eq!(Fingerprint::from_text(&text).unwrap(), example());
        assert_eq!(Fingerprint::from_text(&text).unwrap().to_text(), text);
    }

    #[test]
    fn what_was_changed_by_hand_is_refused() {
        let text = example().to_text();
        for changed in [
            text.replace("debian", "ubuntu"),
            text.replace("permission denied", "none"),
            text.replace("fast", "full"),
        ] {
            assert!(matches!(Fingerprint::from_text(&changed), Err(Damage::Broken(_))), "{changed}");
        }
    }

    #[test]
    fn a_newer_schema_is_told_apart_from_damage() {
        let newer = r#"{"version":7,"whatever":1}"#;
        assert_eq!(Fingerprint::from_text(newer), Err(Damage::Newer(7)));
        for text in ["", "{}", "[]", "nonsense", "{\"version\":1}"] {
            assert!(matches!(Fingerprint::from_text(text), Err(Damage::Broken(_))), "{text}");
        }
    }
}
