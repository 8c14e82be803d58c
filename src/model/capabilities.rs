//! What a provider can do, as data that plans can be made from.

/// What a provider can do, as data.
#[derive(Debug, Clone)]
pub struct Capabilities {
    /// Fields (or their prefixes ending in `.`) that a living machine can take on.
    pub update: &'static [&'static str],
    /// Fields that a machine takes on while it is off: one that runs is stopped for them, and started again.
    pub update_off: &'static [&'static str],
    /// The same as `update`, for machines made from a box only.
    pub update_box: &'static [&'static str],
    /// Its machines exist already: it makes, starts, stops and removes nothing, and has no networks and volumes.
    pub existing: bool,
    /// Its machines start from the disk of a box, not from the archive.
    pub disks: bool,
    /// Its machines do not see folders of this host: they are copied.
    pub copies_folders: bool,
    /// Its box machines trust this host's own certificate authorities from the first boot on, where it can be told how these are looked up.
    pub hands_on_authorities: bool,
    /// Most hosts do without it: where it cannot be used, nothing of it is taken to exist when all stacks are listed.
    pub optional: bool,
    /// A machine that runs an image can be made before the network that it joins: only its start needs the network.
    pub networks_later: bool,
    /// Each of its machines runs an sshd of its own, which lets the checkout's key in at the machine's direct address.
    pub sshd: bool,
}

impl Capabilities {
    /// Nothing: what a provider says of itself begins with this.
    pub const NONE: Self = Self {
        update: &[],
        update_off: &[],
        update_box: &[],
        existing: false,
        disks: false,
        copies_folders: false,
        hands_on_authorities: false,
        optional: false,
        networks_later: false,
        sshd: false,
    };

    /// Whether a machine can take on a new value of this field and stay what it is.
    pub fn can_update(&self, field: &str, is_box: bool) -> bool {
        let fits =
            |known: &&str| if known.ends_with('.') { field.starts_with(*known) } else { field == *known };
        self.update.iter().any(fits)
            || self.is_updated_off(field)
            || is_box && self.update_box.iter().any(fits)
    }

    /// Whether it takes on a new value of this field only while it is off.
    pub fn is_updated_off(&self, field: &str) -> bool {
        self.update_off.contains(&field)
    }
}
