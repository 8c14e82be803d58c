//! Layers: what the Envfile says about keeping them, and what is known of one that is kept.

use super::size::Size;
use serde::Serialize;
use std::time::Duration;

/// `[layers]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerSettings {
    /// Whether layers are made and used.
    pub enabled: bool,
    /// How old one may become before it is made anew: what it was made from, such as a package mirror, moves on.
    pub max_age: Duration,
    /// How much room all layers may take together.
    pub limit: Size,
}

impl Default for LayerSettings {
    fn default() -> Self {
        Self { enabled: true, max_age: Duration::from_secs(14 * 86_400), limit: Size(20 << 30) }
    }
}

/// A layer that a provider keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Digest of everything that led to it; 64 hexadecimal characters.
    pub key: String,
    /// When it was made, in seconds of Unix time.
    pub created: u64,
    /// What it takes beside what it was made from, in bytes.
    pub size: u64,
}

/// A layer with all that is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeptLayer {
    /// Digest of everything that led to it.
    pub key: String,
    /// What keeps it.
    pub provider: &'static str,
    /// When it was made, in seconds of Unix time.
    pub created: u64,
    /// When a machine of this user started from it last; `None` when others made it.
    pub used: Option<u64>,
    /// What it takes beside what it was made from, in bytes.
    pub size: u64,
    /// What it was made from, where that is known: `debian/12`.
    pub base: Option<String>,
    /// Names of its steps, where they are known.
    pub steps: Vec<String>,
}

/// Which layers were taken away, by key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Removed {
    /// Those that are gone.
    pub removed: Vec<String>,
    /// Those that stay, because machines that were made from them are there.
    pub in_use: Vec<String>,
}
