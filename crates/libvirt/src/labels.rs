//! The labels that say whose a domain or network is and what was asked for: one JSON text in libvirt's own metadata, written with
//! the thing itself.
//!
//! As with containers, a thing is ours when its labels *and* the name derived from them agree.

use crate::xml::escape;
use envup::model::id::{Identity, ProjectId};
use envup::model::observed::{Contents, Owner};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The namespace of our metadata.
pub const NAMESPACE: &str = "urn:envup:labels";

/// The namespace's prefix in documents.
pub const PREFIX: &str = "envup";

const VERSION: u32 = 1;

/// What a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A domain that is a machine.
    Machine,
    /// A network of a stack.
    Network,
    /// A volume of a stack.
    Volume,
}

/// What is noted with a thing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Labels {
    version: u32,
    id: String,
    project: String,
    directory: String,
    /// The environment it was made for.
    pub environment: String,
    /// What it is.
    pub kind: Kind,
    /// Name in the stack.
    pub name: String,
    /// Of a machine: what is noted besides.
    #[serde(default)]
    pub machine: MachineNotes,
    /// Fields that libvirt does not report as they were asked for, with their values.
    #[serde(default)]
    pub asked: BTreeMap<String, String>,
}

/// What is noted with a machine only.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MachineNotes {
    /// Random, so that a machine made anew is another one; its uuid is the same.
    pub instance: String,
    /// When it was made, in nanoseconds since 1970.
    pub created: i64,
    /// While layers are made in it: the key of what that began with.
    #[serde(default)]
    pub construction: Option<String>,
    /// The box it was made from, by its name in an engine.
    pub image: String,
    /// The same for people.
    pub source: String,
    /// Published ports as QEMU writes them, once they were changed while it existed.
    #[serde(default)]
    pub published: Option<Vec<String>>,
    /// Address on each network of the stack.
    pub addresses: BTreeMap<String, String>,
    /// Public half of its host key.
    pub host_key: String,
    /// Digests of configs and secrets.
    pub contents: Contents,
}

impl Labels {
    /// Labels of a thing of this stack.
    pub fn new(identity: &Identity, environment: &str, kind: Kind, name: &str) -> Self {
        Self {
            version: VERSION,
            id: identity.id.0.clone(),
            project: identity.name.clone(),
            directory: identity.directory.clone(),
            environment: environment.to_owned(),
            kind,
            name: name.to_owned(),
            machine: MachineNotes::default(),
            asked: BTreeMap::new(),
        }
    }

    /// The element that libvirt keeps.
    pub fn to_xml(&self) -> String {
        format!(
            "<{PREFIX}:labels xmlns:{PREFIX}=\"{NAMESPACE}\">{}</{PREFIX}:labels>",
            escape(&self.to_json())
        )
    }

    /// The text itself.
    pub fn to_json(&self) -> String {
        // Maps of strings always have a JSON form.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The same for a call that adds the namespace itself.
    pub fn to_plain_xml(&self) -> String {
        format!("<labels>{}</labels>", escape(&self.to_json()))
    }

    /// Reads the element; `None` when the thing is not ours.
    pub fn from_xml(element: &str, engine_name: &str) -> Option<Self> {
        let document = roxmltree::Document::parse(element).ok()?;
        Self::from_json(document.root_element().text()?, engine_name)
    }

    /// Reads the text; `None` when the thing is not ours.
    pub fn from_json(text: &str, engine_name: &str) -> Option<Self> {
        let labels: Self = serde_json::from_str(text).ok()?;
        let fits = labels.version == VERSION && labels.engine_name()? == engine_name;
        fits.then_some(labels)
    }

    /// Whose it is.
    pub fn identity(&self) -> Option<Identity> {
        let id = ProjectId::parse(&self.id)?;
        Some(Identity { id, name: self.project.clone(), directory: self.directory.clone() })
    }

    /// The same as observations have it.
    pub fn owner(&self) -> Owner {
        Owner {
            id: ProjectId(self.id.clone()),
            name: self.project.clone(),
            directory: self.directory.clone(),
            environment: self.environment.clone(),
        }
    }

    /// Whether it belongs to this very stack.
    pub fn is_of(&self, identity: &Identity) -> bool {
        self.id == identity.id.0 && self.project == identity.name
    }

    fn engine_name(&self) -> Option<String> {
        let identity = self.identity()?;
        Some(match self.kind {
            Kind::Machine => identity.machine(&self.name),
            Kind::Network => identity.network(&self.name),
            Kind::Volume => identity.volume(&self.name),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_name_must_agree() {
        let id = ProjectId("3f9a1c00beef".into());
        let identity = Identity { id, name: "shop".into(), directory: "/srv/<shop> & \"co\"".into() };
        let mut labels = Labels::new(&identity, "dev", Kind::Machine, "web");
        labels.asked.insert("hostname".into(), "web".into());
        let xml = labels.to_xml();
        assert_eq!(Labels::from_xml(&xml, "shop-3f9a1c-web"), Some(labels.clone()));
        assert_eq!(Labels::from_xml(&xml, "my-experiment"), None);
        assert_eq!(Labels::from_xml("<x>{}</x>", "shop-3f9a1c-web"), None);
        assert!(labels.is_of(&identity) && !labels.is_of(&Identity { name: "shop.test".into(), ..identity }));
    }
}
