//! systemd's units as their files and links tell them: what is enabled, masked, or changed on this machine.
//!
//! Reads /etc/systemd/system and the packages' directory below /usr; asks no running systemd. What only lasts until the next
//! start (below /run) is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use envup_agent::looks_secret;
use sha2::{Digest as _, Sha256};

use super::unit_file::UnitFile;
use super::view::{Found, View, hex};

const OWN: &str = "/etc/systemd/system";
const SHIPPED: &[&str] = &["/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];
const KINDS: &[&str] =
    &["automount", "mount", "path", "scope", "service", "slice", "socket", "swap", "target", "timer"];

/// A unit.
#[derive(Default)]
pub struct Unit {
    /// Such as `nginx.service`.
    pub name: String,
    /// The file that begins it, where there is one.
    pub file: Option<String>,
    /// What that file and the drop-ins of this machine say.
    pub settings: UnitFile,
    /// Whether the machine has a file, link or drop-in of its own for it.
    pub is_own: bool,
    masked: bool,
    linked: bool,
    wanted_by: BTreeSet<String>,
    aliases: BTreeSet<String>,
    drop_ins: Vec<String>,
    own_files: Vec<String>,
}

impl Unit {
    /// `masked`, `enabled`, `linked`, `disabled`, or `static` when there is nothing to enable; `absent` without a file.
    pub fn enabled(&self) -> &'static str {
        match () {
            () if self.masked => "masked",
            () if !self.wanted_by.is_empty() || !self.aliases.is_empty() => "enabled",
            () if self.linked => "linked",
            () if self.settings.has("Install") => "disabled",
            () if self.file.is_none() => "absent",
            () => "static",
        }
    }

    /// Whether it can be enabled, and is neither a template nor a target, which starts nothing itself.
    pub fn is_installable(&self) -> bool {
        self.settings.has("Install") && !self.name.contains("@.") && !self.name.ends_with(".target")
    }

    /// Adds the item that tells about it; `more` are further fields.
    pub fn tell(&self, view: &View<'_>, more: &[(&'static str, Option<&str>)], found: &mut Found) {
        let list = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(",");
        let (wanted_by, aliases) = (list(&self.wanted_by), list(&self.aliases));
        let drop_ins: Vec<&str> = self.drop_ins.iter().filter_map(|path| path.rsplit('/').next()).collect();
        let drop_ins = drop_ins.join(",");
        let some = |text: &'_ str| (!text.is_empty()).then(|| text.to_owned());
        let (name, digest) = self.digest(view, found);
        let real = self.file.as_deref().and_then(|file| view.real(file));
        let package = real.and_then(|real| view.owners().of(&real)).map(|package| package.key.as_str());
        let lists =
            [("wanted_by", some(&wanted_by)), ("aliases", some(&aliases)), ("drop_ins", some(&drop_ins))];
        found.item(
            &self.name,
            [("enabled", Some(self.enabled())), ("package", package), (name, digest.as_deref())],
        );
        found.item(&self.name, lists.iter().map(|(name, list)| (*name, list.as_deref())));
        found.item(&self.name, more.iter().copied());
    }

    /// The digest of the machine's own files for it: a keyed one when not everybody may read them, or ought to.
    fn digest(&self, view: &View<'_>, found: &mut Found) -> (&'static str, Option<String>) {
        let mut bytes = Vec::new();
        for path in &self.own_files {
            bytes.extend(format!("{path}\0").bytes());
            bytes.extend(view.bytes(path, found).unwrap_or_default());
            bytes.push(0);
        }
        let is_public = self.own_files.iter().all(|path| view.is_public(path));
        match is_public && !looks_secret(&String::from_utf8_lossy(&bytes)) {
            true => ("sha256", (!bytes.is_empty()).then(|| hex(&Sha256::digest(&bytes)))),
            false => ("keyed", Some(view.keyed(&format!("unit {}", self.name), &bytes))),
        }
    }
}

/// Where units lie.
pub fn directories() -> impl Iterator<Item = &'static str> {
    SHIPPED.iter().copied().chain([OWN])
}

/// All units of certain names that have a file, a link or a drop-in.
pub fn units(view: &View<'_>, counts: &dyn Fn(&str) -> bool, found: &mut Found) -> Vec<Unit> {
    let mut units: BTreeMap<String, Unit> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    // One of them often is a link to another.
    for directory in SHIPPED.iter().filter(|directory| seen.insert(view.real(directory))) {
        // Links to units of other names are their aliases, as they came with a package.
        let files = view.entries(directory, found).into_iter().filter(|(_, is_link)| !is_link);
        for (name, _) in files.filter(|(name, _)| is_unit(name)) {
            unit(&mut units, &name).file.get_or_insert(format!("{directory}/{name}"));
        }
    }
    for name in view.names(OWN, found) {
        own(view, &name, &mut units, found);
    }
    let templates: Vec<String> = units.values().filter_map(|unit| unit.file.clone()).collect();
    units.retain(|name, _| counts(name));
    for unit in units.values_mut() {
        if unit.file.is_none() {
            let template = template(&unit.name).map(|template| format!("/{template}"));
            let file = template.and_then(|template| templates.iter().find(|path| path.ends_with(&template)));
            unit.file = file.cloned();
        }
        for path in unit.file.iter().chain(&unit.drop_ins) {
            unit.settings.read(&view.text(path, found).unwrap_or_default());
        }
    }
    units.into_values().collect()
}

/// What the machine itself says with one entry of its directory.
fn own(view: &View<'_>, name: &str, units: &mut BTreeMap<String, Unit>, found: &mut Found) {
    let path = format!("{OWN}/{name}");
    if let Some((whose, _)) =
        name.rsplit_once('.').filter(|(_, end)| matches!(*end, "wants" | "requires" | "upholds"))
    {
        for wanted in view.names(&path, found).into_iter().filter(|name| is_unit(name)) {
            let unit = unit(units, &wanted);
            unit.is_own = true;
            unit.wanted_by.insert(whose.to_owned());
        }
    } else if let Some(whose) = name.strip_suffix(".d") {
        let names = view.names(&path, found).into_iter().filter(|name| name.ends_with(".conf"));
        let paths: Vec<String> = names.map(|name| format!("{path}/{name}")).collect();
        if !paths.is_empty() {
            let unit = unit(units, whose);
            unit.is_own = true;
            unit.own_files.extend(paths.iter().cloned());
            unit.drop_ins = paths;
        }
    } else if is_unit(name) {
        let target = fs::read_link(view.path(&path)).map(|target| target.to_string_lossy().into_owned());
        let alias_of =
            target.as_ref().ok().and_then(|target| target.rsplit('/').next()).filter(|other| *other != name);
        match (target.as_deref(), alias_of) {
            (Ok("/dev/null"), _) => unit(units, name).masked = true,
            (Ok(_), Some(other)) => {
                let other = unit(units, other);
                other.is_own = true;
                other.aliases.insert(name.to_owned());
                return;
            }
            (Ok(target), None) => {
                let unit = unit(units, name);
                unit.linked = true;
                unit.file = Some(target.to_owned());
            }
            (Err(_), _) => {
                let unit = unit(units, name);
                unit.file = Some(path.clone());
                unit.own_files.insert(0, path);
            }
        }
        unit(units, name).is_own = true;
    }
}

fn unit<'u>(units: &'u mut BTreeMap<String, Unit>, name: &str) -> &'u mut Unit {
    units.entry(name.to_owned()).or_insert_with(|| Unit { name: name.to_owned(), ..Unit::default() })
}

fn is_unit(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, kind)| KINDS.contains(&kind))
}

/// `getty@.service` for `getty@tty1.service`.
pub fn template(name: &str) -> Option<String> {
    let (stem, kind) = name.rsplit_once('.')?;
    let (stem, instance) = stem.split_once('@')?;
    (!instance.is_empty()).then(|| format!("{stem}@.{kind}"))
}
