//! The libvirt provider: machines are VMs. The only place that speaks to libvirt.
//!
//! * [`connection`], [`trouble`]: the way to libvirt, and what it complains of in words of ours.
//! * [`labels`], [`xml`]: whose a thing is, noted in libvirt's own metadata.
//! * [`address`]: which addresses networks and machines get.
//! * [`network`], [`names`], [`ground`]: networks, the names in them, and machines of other providers there.
//! * [`pool`], [`boxes`]: disks, and the boxes they come from.
//! * [`volumes`], [`mounts`]: disks of the stack that outlive machines, and how they are mounted inside one.
//! * [`disks`], [`layers`]: the disk of a machine, and those that are kept for others to start from.
//! * [`snapshots`]: copies of disks, to go back to.
//! * [`seed`], [`cpio`]: what a machine is given before it first boots.
//! * [`domain`], [`edit`], [`fields`]: a machine as libvirt has it, the same with other parts, and what plans compare.
//! * [`machine`], [`power`]: making one and removing it, switching it on and off.
//! * [`update`], [`ports`]: changing one that stays, and the ports it publishes.
//! * [`observe`], [`transport`], [`kvm`]: what exists, the way into a machine, and whether this host can run VMs quickly.

mod address;
mod boxes;
mod connection;
mod cpio;
mod disks;
mod domain;
mod edit;
mod fields;
mod ground;
mod kvm;
mod labels;
mod layers;
mod machine;
mod mounts;
mod names;
mod network;
mod observe;
mod pool;
mod ports;
mod power;
mod provider;
mod seed;
mod snapshots;
mod transport;
mod trouble;
mod unsupported;
mod update;
mod volumes;
mod xml;

pub use provider::{LibvirtProvider, make};
