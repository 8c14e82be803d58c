//! VMs on real libvirt and QEMU. One test at a time holds a VM: in software each takes a processor.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

#[path = "vms/accidents.rs"]
mod accidents;
#[path = "vms/drift.rs"]
mod drift;
#[path = "vms/faults.rs"]
mod faults;
#[path = "vms/folders.rs"]
mod folders;
#[path = "vms/gate.rs"]
mod gate;
#[path = "vms/layers.rs"]
mod layers;
#[path = "vms/left.rs"]
mod left;
#[path = "vms/lifecycle.rs"]
mod lifecycle;
#[path = "vms/mixed.rs"]
mod mixed;
#[path = "vms/parity.rs"]
mod parity;
#[path = "vms/private.rs"]
mod private;
#[path = "vms/refused.rs"]
mod refused;
#[path = "vms/run.rs"]
mod run;
#[path = "vms/stage.rs"]
mod stage;
#[path = "vms/tools.rs"]
mod tools;
#[path = "vms/volumes.rs"]
mod volumes;
