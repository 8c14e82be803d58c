//! The labels that say whose a thing is and what was asked for.
//!
//! A thing is ours when its labels *and* the name derived from them agree: labels travel with committed images, so a
//! container with our labels and another name is somebody else's.

use crate::model::id::{Identity, ProjectId};
use crate::model::observed::{Contents, Owner};
use crate::provider::NewMachine;
use std::collections::{BTreeMap, BTreeSet, HashMap};

const VERSION: &str = "envup.version";
pub(super) const ID: &str = "envup.project.id";
pub(super) const PROJECT: &str = "envup.project.name";
pub(super) const DIRECTORY: &str = "envup.directory";
const ENVIRONMENT: &str = "envup.environment";
pub(super) const KIND: &str = "envup.kind";
const NAME: &str = "envup.name";
const BOX: &str = "envup.box";
const SOURCE: &str = "envup.source";
const DECLARED: &str = "envup.declared";
const ASKED: &str = "envup.asked";
const CONTENTS: &str = "envup.contents";
/// The image that a machine started from, when a layer was on top of it or a snapshot stood for it.
pub(super) const BASE: &str = "envup.image";
const CONSTRUCTION: &str = "envup.construction";
/// The key of a layer; of a machine, that of the layer it started from.
pub(super) const LAYER: &str = "envup.layer";
/// What the names of all our labels begin with.
pub(super) const PREFIX: &str = "envup.";

/// Engine labels.
pub(super) type Labels = HashMap<String, String>;

/// What a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A container that is a machine.
    Machine,
    /// A network of a stack.
    Network,
    /// A volume of a stack.
    Volume,
    /// The volume with the secrets of one machine.
    Secrets,
    /// The volume with the configs of one machine whose root is read-only.
    Configs,
    /// An image built for a stack.
    Image,
    /// A volume with the agent; belongs to all stacks.
    Agent,
    /// A container that lives for a moment, to fill a volume.
    Filler,
}

const KINDS: [(Kind, &str); 8] = [
    (Kind::Machine, "machine"),
    (Kind::Network, "network"),
    (Kind::Volume, "volume"),
    (Kind::Secrets, "secrets"),
    (Kind::Configs, "configs"),
    (Kind::Image, "image"),
    (Kind::Agent, "agent"),
    (Kind::Filler, "filler"),
];

impl Kind {
    /// As the label says it.
    pub(super) fn as_str(self) -> &'static str {
        KINDS.iter().find(|(kind, _)| *kind == self).map_or("", |(_, text)| text)
    }

    fn parse(text: &str) -> Option<Self> {
        KINDS.iter().find(|(_, known)| *known == text).map(|(kind, _)| *kind)
    }

    /// The name a thing of this kind has in the engine.
    pub(super) fn engine_name(self, identity: &Identity, name: &str) -> String {
        match self {
            Self::Network => identity.network(name),
            Self::Volume => identity.volume(name),
            Self::Secrets => format!("{}.secrets", identity.machine(name)),
            Self::Configs => format!("{}.configs", identity.machine(name)),
            Self::Machine | Self::Image | Self::Agent | Self::Filler => identity.machine(name),
        }
    }
}

/// A thing of ours, as its labels and name say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ours {
    pub(super) kind: Kind,
    /// Name in the stack; of the machine, for what belongs to one.
    pub(super) name: String,
    pub(super) owner: Owner,
}

/// What labels remember of what was asked for, because the engine does not tell it apart from the image's own values.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Notes {
    /// Fields that the Envfile set and an image may set too: only these are read from the engine.
    pub(super) declared: BTreeSet<String>,
    /// Fields that the engine does not report at all, with their values.
    pub(super) asked: BTreeMap<String, String>,
    /// Digests of configs and secrets.
    pub(super) contents: Contents,
}

/// The labels every thing of a stack carries.
pub(super) fn common(identity: &Identity, environment: &str, kind: Kind, name: &str) -> Labels {
    [
        (VERSION, "1"),
        (ID, &identity.id.0),
        (PROJECT, &identity.name),
        (DIRECTORY, &identity.directory),
        (ENVIRONMENT, environment),
        (KIND, kind.as_str()),
        (NAME, name),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into()
}

/// The user's own labels; nobody else's take the place of ours.
pub(super) fn users(labels: &BTreeMap<String, String>) -> impl Iterator<Item = (&String, &String)> {
    labels.iter().filter(|(name, _)| !name.starts_with(PREFIX))
}

/// The labels a machine carries besides; all of them always, so that none shines through from a committed image.
pub(super) fn of_machine(labels: &mut Labels, new: &NewMachine<'_>) {
    let mut set = |name: &str, value: &str| labels.insert(name.to_owned(), value.to_owned());
    set(BOX, &new.machine.is_box().to_string());
    set(SOURCE, &new.machine.source_name());
    set(BASE, new.stands_for.or(new.layer.map(|_| new.image)).unwrap_or_default());
    set(LAYER, new.layer.unwrap_or_default());
    set(CONSTRUCTION, new.construction.unwrap_or_default());
}

/// Labels of something that belongs to no stack: the agent's volume, a filler.
pub(super) fn shared(kind: Kind, name: &str) -> Labels {
    [(VERSION, "1"), (KIND, kind.as_str()), (NAME, name)]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}

/// Whose a thing is; `None` when it is not ours.
pub(super) fn ours(labels: Option<&Labels>, engine_name: &str) -> Option<Ours> {
    let labels = labels?;
    let get = |key: &str| labels.get(key).cloned();
    if get(VERSION)? != "1" {
        return None;
    }
    let kind = Kind::parse(&get(KIND)?)?;
    let name = get(NAME)?;
    let identity =
        Identity { id: ProjectId::parse(&get(ID)?)?, name: get(PROJECT)?, directory: get(DIRECTORY)? };
    if kind.engine_name(&identity, &name) != engine_name.trim_start_matches('/') {
        return None;
    }
    let owner = Owner {
        id: identity.id,
        name: identity.name,
        directory: identity.directory,
        environment: get(ENVIRONMENT).unwrap_or_default(),
    };
    Some(Ours { kind, name, owner })
}

/// Whether a thing belongs to this very stack and is of this kind and name.
pub(super) fn belongs(
    labels: Option<&Labels>,
    engine_name: &str,
    identity: &Identity,
    kind: Kind,
    name: &str,
) -> bool {
    ours(labels, engine_name).is_some_and(|found| {
        found.kind == kind
            && found.name == name
            && found.owner.id == identity.id
            && found.owner.name == identity.name
    })
}

/// The name that the labels say.
pub(super) fn name(labels: Option<&Labels>) -> Option<&str> {
    labels?.get(NAME).map(String::as_str)
}

/// The image that a machine started from, when there was a layer on top of it.
pub(super) fn base(labels: Option<&Labels>) -> Option<&str> {
    filled(labels, BASE)
}

/// The key that a machine under construction began with.
pub(super) fn construction(labels: Option<&Labels>) -> Option<&str> {
    filled(labels, CONSTRUCTION)
}

/// A label that is there and not blank.
pub(super) fn filled<'l>(labels: Option<&'l Labels>, name: &str) -> Option<&'l str> {
    labels?.get(name).map(String::as_str).filter(|value| !value.is_empty())
}

/// Whether a machine was made from a box.
pub(super) fn is_box(labels: Option<&Labels>) -> bool {
    labels.and_then(|labels| labels.get(BOX)).is_some_and(|value| value == "true")
}

/// What a machine was made from, for people.
pub(super) fn source(labels: Option<&Labels>) -> String {
    labels.and_then(|labels| labels.get(SOURCE)).cloned().unwrap_or_default()
}

impl Notes {
    /// Writes the notes into labels.
    pub(super) fn write(&self, labels: &mut Labels) {
        labels.insert(DECLARED.to_owned(), as_json(&self.declared));
        labels.insert(ASKED.to_owned(), as_json(&self.asked));
        labels.insert(CONTENTS.to_owned(), as_json(&self.contents));
    }

    /// Reads the notes from labels; what cannot be read was not noted.
    pub(super) fn read(labels: Option<&Labels>) -> Self {
        let get = |key: &str| labels.and_then(|labels| labels.get(key)).map_or("", String::as_str);
        Self {
            declared: serde_json::from_str(get(DECLARED)).unwrap_or_default(),
            asked: serde_json::from_str(get(ASKED)).unwrap_or_default(),
            contents: serde_json::from_str(get(CONTENTS)).unwrap_or_default(),
        }
    }

    /// Notes that the Envfile set a field.
    pub(super) fn declare(&mut self, field: impl Into<String>) {
        self.declared.insert(field.into());
    }
}

fn as_json(value: &impl serde::Serialize) -> String {
    // Sets and maps of strings always have a JSON form.
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        let id = ProjectId("3f9a1c00beef".into());
        Identity { id, name: "shop".into(), directory: "/srv/shop".into() }
    }

    #[test]
    fn labels_and_name_must_agree() {
        let labels = common(&identity(), "dev", Kind::Machine, "web");
        let found = ours(Some(&labels), "/shop-3f9a1c-web").unwrap();
        assert_eq!((found.kind, found.name.as_str()), (Kind::Machine, "web"));
        assert_eq!(found.owner.environment, "dev");
        assert_eq!(ours(Some(&labels), "/my-experiment"), None);
        assert_eq!(ours(None, "/shop-3f9a1c-web"), None);
    }

    #[test]
    fn what_belongs_to_a_machine_has_its_name_and_a_suffix() {
        let labels = common(&identity(), "dev", Kind::Secrets, "web");
        assert!(belongs(Some(&labels), "shop-3f9a1c-web.secrets", &identity(), Kind::Secrets, "web"));
        assert!(!belongs(Some(&labels), "shop-3f9a1c-web", &identity(), Kind::Secrets, "web"));
    }

    #[test]
    fn notes_survive_the_labels() {
        let mut notes = Notes::default();
        notes.declare("command");
        notes.declare("env.LANG");
        notes.asked.insert("init".into(), "systemd".into());
        notes.contents.insert("config.page".into(), "ab".into());
        let mut labels = Labels::new();
        notes.write(&mut labels);
        assert_eq!(Notes::read(Some(&labels)), notes);
        assert_eq!(Notes::read(None), Notes::default());
    }
}
