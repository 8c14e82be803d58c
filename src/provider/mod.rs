//! What runs machines: the trait every provider implements, and the operations it is asked for.
//!
//! A provider does single operations, each idempotent; what has to be done, and in which order, is the plan's and the
//! engine's business.

pub mod docker;
pub mod fake;
mod ground;
pub mod host;
mod snapshots;
mod surroundings;

pub use ground::{Ground, Grounds, Place};
pub use snapshots::Snapshots;
pub use surroundings::Surroundings;

use crate::event::Context;
use crate::model::capabilities::Capabilities;
use crate::model::fields::Fields;
use crate::model::id::Identity;
use crate::model::layer::Layer;
use crate::model::machine::{Build, Machine};
use crate::model::observed::{Contents, Observed};
use crate::model::stack::{Network, Stack, Volume};
use crate::model::{Error, Kind, Result};
use crate::state::Directories;
use crate::transport::Transport;
use std::collections::BTreeMap;
use std::io::Write;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

/// Makes a provider, in these surroundings and with its files below these directories, without touching an engine. A program
/// hands in one for each provider that it has.
pub type Make = fn(&Surroundings, &Directories) -> Box<dyn Provider>;

/// Runs machines.
pub trait Provider: Send + Sync {
    /// As the Envfile names it.
    fn name(&self) -> &'static str;

    /// Whether it can be used here; else an error of kind `Unavailable` whose hint says how to get it.
    fn check(&self) -> Result<()>;

    /// What it can do.
    fn capabilities(&self) -> &Capabilities;

    /// What [`observe`](Self::observe) will report of this machine of the stack once it was created as declared, from
    /// `image` and with these contents. Touches no engine. The stack is there for the names of external networks and
    /// volumes, which are fields too.
    fn describe(&self, stack: &Stack, machine: &Machine, image: &str, contents: &Contents) -> Result<Fields>;

    /// The same for a network; `ground` is the provider whose network it lies on, when that is another one.
    fn describe_network(&self, network: &Network, ground: Option<&str>) -> Fields;

    /// The same for a volume.
    fn describe_volume(&self, volume: &Volume) -> Fields;

    /// What exists of a stack, or of all stacks of this host.
    fn observe(&self, scope: Scope<'_>) -> Result<Observed>;

    /// Carries out one operation; carrying it out again changes nothing.
    fn apply(&self, identity: &Identity, operation: Operation<'_>, context: &Context) -> Result<()>;

    /// Builds an image and writes its root file system into `sink` as a tar archive; `reference` is its name meanwhile.
    /// Nothing of it stays. Providers that cannot build say so.
    fn export_build(
        &self,
        reference: &str,
        _build: &Build,
        _sink: &mut dyn Write,
        _context: &Context,
    ) -> Result<()> {
        Err(Error::new(Kind::Unavailable, format!("{} cannot build {reference}", self.name())))
    }

    /// What keeps the disks of its machines, where it can.
    fn layers(&self) -> Option<&dyn Layers> {
        None
    }

    /// What lets machines of other providers join its networks, where they can.
    fn grounds(&self) -> Option<&dyn Grounds> {
        None
    }

    /// What keeps snapshots of its machines and volumes, where it can.
    fn snapshots(&self) -> Option<&dyn Snapshots> {
        None
    }

    /// A way into a machine; `name` is its name in the stack.
    fn connect(&self, identity: &Identity, name: &str) -> Result<Box<dyn Transport>>;

    /// Whether a machine that is taken to run can be reached; else why not. Engines have just said so.
    fn reach(&self, _identity: &Identity, _name: &str, _context: &Context) -> Result<()> {
        Ok(())
    }

    /// An address at which this host is certain to reach this running machine and no other, where there is one.
    fn direct_address(&self, _identity: &Identity, _name: &str) -> Result<Option<IpAddr>> {
        Ok(None)
    }

    /// What lets a machine that runs out of this host where a firewall keeps it from that, in words for people. `None` where it is in
    /// no network that leads out, or where the engine itself sees to it.
    fn way_out(&self, _identity: &Identity, _name: &str) -> Result<Option<String>> {
        Ok(None)
    }

    /// Waits until process 1 of a machine has ended and gives its code.
    fn wait(&self, identity: &Identity, name: &str, context: &Context) -> Result<i64>;

    /// Hands on the lines of a machine's log until its end, or for as long as `options.follow` says.
    fn logs(
        &self,
        identity: &Identity,
        name: &str,
        options: &LogOptions,
        sink: &mut dyn FnMut(LogLine) -> Result<()>,
        context: &Context,
    ) -> Result<()>;
}

/// Keeps disks of machines, so that new machines can start from them. They belong to no stack: what led to one is in its key.
pub trait Layers: Send + Sync {
    /// Keeps the disk of a machine under construction that is stopped, whole or not at all. Nothing of the machine shows
    /// in the layer but its disk.
    fn save(&self, identity: &Identity, machine: &str, key: &str, context: &Context) -> Result<()>;

    /// All that are kept.
    fn list(&self) -> Result<Vec<Layer>>;

    /// Lets go of one; `false` when a machine that was made from it is still there.
    fn remove(&self, key: &str) -> Result<bool>;
}

/// What an observation is about.
#[derive(Debug, Clone, Copy)]
pub enum Scope<'a> {
    /// One stack.
    Stack(&'a Identity),
    /// All stacks that were made from this directory.
    Directory(&'a str),
    /// Everything of ours on this host.
    Host,
}

/// One thing to do.
#[derive(Debug)]
pub enum Operation<'a> {
    /// Make sure that an image is there, pulling it when it is missing.
    PullImage {
        /// Name with tag or digest.
        reference: &'a str,
        /// `linux/arm64` and the like.
        platform: Option<&'a str>,
    },
    /// Make sure that an image is there, building it when it is missing.
    BuildImage {
        /// The name it gets.
        reference: &'a str,
        /// What to build.
        build: &'a Build,
        /// `linux/arm64` and the like.
        platform: Option<&'a str>,
    },
    /// Make sure that a box is there, importing it when it is missing.
    ImportBox {
        /// The name it gets.
        reference: &'a str,
        /// Its files, in the form that the provider's capabilities ask for.
        files: BoxFiles<'a>,
    },
    /// Make a network.
    CreateNetwork {
        /// As declared.
        network: &'a Network,
        /// Another provider's network that it lies on.
        ground: Option<&'a Ground>,
    },
    /// Remove a network of the stack.
    RemoveNetwork(&'a str),
    /// Make a volume.
    CreateVolume(&'a Volume),
    /// Remove a volume of the stack.
    RemoveVolume(&'a str),
    /// Make a machine, not yet started, with its networks joined and its files in place.
    CreateMachine(&'a NewMachine<'a>),
    /// Start a machine that exists.
    StartMachine(&'a str),
    /// Ask process 1 to end, and kill it after the grace.
    StopMachine {
        /// Name in the stack.
        name: &'a str,
        /// Instead of the machine's own grace.
        grace: Option<Duration>,
    },
    /// Bring fields of a living machine to what is declared.
    UpdateMachine {
        /// As declared.
        machine: &'a NewMachine<'a>,
        /// The fields that differ.
        fields: &'a [&'a str],
    },
    /// Remove a machine and what goes with it (its secrets), however it stands. Volumes of the stack stay.
    RemoveMachine(&'a str),
    /// Let go of what no machine needs any more: images built for the stack, agents of older versions.
    Prune,
}

/// A box as files on this host.
#[derive(Debug, Clone, Copy)]
pub enum BoxFiles<'a> {
    /// The root file system as a tar archive, perhaps compressed.
    Archive(&'a Path),
    /// The disk of a VM, and what boots it.
    Disk {
        /// A qcow2 image that refers to no other file.
        disk: &'a Path,
        /// The kernel.
        kernel: &'a Path,
        /// What the kernel starts from: it copies `/machine`, where somebody appended such a directory to it, onto the disk.
        initrd: &'a Path,
    },
}

/// A machine to make, with all that its Envfile entry refers to.
#[derive(Debug, Clone)]
pub struct NewMachine<'a> {
    /// As declared.
    pub machine: &'a Machine,
    /// The environment it is made for.
    pub environment: &'a str,
    /// The image it starts from.
    pub image: &'a str,
    /// What it counts as made from, when `image` is a snapshot of a machine that was made from that.
    pub stands_for: Option<&'a str>,
    /// The key of the layer on top of that image, when it starts from one.
    pub layer: Option<&'a str>,
    /// Whether layers are made in it, and the key of what that begins with.
    pub construction: Option<&'a str>,
    /// The networks it joins.
    pub networks: Vec<&'a Network>,
    /// Those of them that lie on another provider's, with its place there; nobody knows that one before the network is made.
    pub places: BTreeMap<&'a str, Option<Place>>,
    /// The stack's volumes it uses.
    pub volumes: Vec<&'a Volume>,
    /// Contents of its configs and secrets.
    pub files: Vec<PlacedFile>,
    /// Their digests.
    pub contents: Contents,
}

/// A file put into a machine before it starts.
#[derive(Clone, PartialEq, Eq)]
pub struct PlacedFile {
    /// Absolute path in the machine.
    pub path: String,
    /// Its bytes.
    pub content: Vec<u8>,
    /// Whether it is a secret: kept out of the machine's own disk.
    pub secret: bool,
}

impl std::fmt::Debug for PlacedFile {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} ({} bytes)", self.path, self.content.len())
    }
}

/// Which lines of a log.
#[derive(Debug, Clone, Default)]
pub struct LogOptions {
    /// Go on with new lines.
    pub follow: bool,
    /// Only lines since this Unix time in seconds.
    pub since: Option<i64>,
    /// Only the last so many lines.
    pub tail: Option<usize>,
    /// Only lines since process 1 was started last.
    pub this_run: bool,
}

/// One line of a machine's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// When it was written, nanoseconds of Unix time; 0 when the engine does not say.
    pub time: i128,
    /// Whether it came from standard error.
    pub stderr: bool,
    /// Without the final newline.
    pub text: String,
}
