//! Whether VMs run quickly on this host's processor. That /dev/kvm is there says little: on hosts that are VMs themselves it may
//! carry out every instruction in software. So a loop is timed in a VM of a few bytes, once for each host and kernel.

use envup::model::machine::Accel;
use envup::model::{Error, Kind, Result};
use envup::state::{Access, Document, read_or_none, write};
use kvm_bindings::kvm_userspace_memory_region;
use kvm_ioctls::{Kvm, VcpuExit};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long the loop may take: well under a millisecond is what working KVM needs, from 45 to hundreds where it only pretends.
const LIMIT: Duration = Duration::from_millis(5);

/// How often it is tried: the first round pays for everything that is paid once, and others may want the processor meanwhile.
const ROUNDS: usize = 3;

/// `mov cx, 50000; loop: dec cx; jnz loop; hlt` in the processor's first mode.
const PROGRAM: [u8; 7] = [0xb9, 0x50, 0xc3, 0x49, 0x75, 0xfd, 0xf4];

/// Where it lies: a page of memory.
const PLACE: u64 = 0x1000;
const PAGE: usize = 4096;

/// What was found out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Probed {
    /// The kernel it was found out on.
    kernel: String,
    /// Microseconds; `None` when it cannot be used at all.
    micros: Option<u64>,
    /// Why it cannot.
    why: String,
}

impl Document for Probed {
    const VERSION: u32 = 1;
    const WHAT: &'static str = "result of the probe for KVM";
    const WAY_OUT: &'static str = "remove it: the probe is made again";
}

/// Whether a machine shall run on the host's processor; fails when it must and cannot. What was found out is kept in `cache`.
pub fn chosen(wanted: Accel, cache: &Path) -> Result<bool> {
    if wanted == Accel::Tcg {
        return Ok(false);
    }
    let probed = probed(&cache.join("kvm.json"));
    let works = probed.micros.is_some_and(|micros| u128::from(micros) <= LIMIT.as_micros());
    if works || wanted == Accel::Auto {
        return Ok(works);
    }
    let why = match probed.micros {
        Some(micros) => format!(
            "a loop that takes well under a millisecond took {} ms: its instructions are carried out in software",
            micros / 1000
        ),
        None => probed.why,
    };
    Err(Error::new(Kind::Unavailable, format!("KVM is of no use on this host: {why}"))
        .hint("leave `accel` out, or say `accel = \"tcg\"`: then QEMU does the processor's work itself"))
}

fn probed(file: &Path) -> Probed {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned();
    // Who may use the device may have changed; what the processor can do has not.
    if let Some(known) =
        read_or_none::<Probed>(file).filter(|known| known.kernel == kernel && known.micros.is_some())
    {
        return known;
    }
    let found = match probe() {
        Ok(took) => Probed { kernel, micros: u64::try_from(took.as_micros()).ok(), why: String::new() },
        Err(why) => Probed { kernel, micros: None, why },
    };
    // Not being able to keep it costs time, and nothing else.
    let _ = write(file, Access::Shared, &found);
    found
}

/// How long the loop takes in the best of some rounds.
fn probe() -> Result<Duration, String> {
    let said = |what: &str, error: kvm_ioctls::Error| format!("{what}: {error}");
    let kvm = Kvm::new().map_err(|error| said("/dev/kvm cannot be opened", error))?;
    let machine = kvm.create_vm().map_err(|error| said("no VM can be made", error))?;
    let mut memory = Page::with(&PROGRAM);
    let region = kvm_userspace_memory_region {
        slot: 0,
        guest_phys_addr: PLACE,
        memory_size: PAGE as u64,
        userspace_addr: memory.address(),
        flags: 0,
    };
    give(&machine, region).map_err(|error| said("it takes no memory", error))?;
    let mut processor = machine.create_vcpu(0).map_err(|error| said("no processor can be made", error))?;
    let mut took = Duration::MAX;
    for _ in 0..ROUNDS {
        let mut special =
            processor.get_sregs().map_err(|error| said("its processor cannot be set", error))?;
        special.cs.base = 0;
        special.cs.selector = 0;
        processor.set_sregs(&special).map_err(|error| said("its processor cannot be set", error))?;
        let mut general = processor.get_regs().map_err(|error| said("its processor cannot be set", error))?;
        general.rip = PLACE;
        general.rflags = 2;
        processor.set_regs(&general).map_err(|error| said("its processor cannot be set", error))?;
        let begin = Instant::now();
        match processor.run() {
            Ok(VcpuExit::Hlt) => took = took.min(begin.elapsed()),
            Ok(other) => return Err(format!("a loop ended with {other:?}")),
            Err(error) => return Err(said("a loop cannot be run", error)),
        }
        if took <= LIMIT {
            break;
        }
    }
    Ok(took)
}

/// Lends memory to a VM.
#[allow(unsafe_code)]
fn give(machine: &kvm_ioctls::VmFd, region: kvm_userspace_memory_region) -> Result<(), kvm_ioctls::Error> {
    // SAFETY: the region is a page that `probe` owns for longer than the VM, aligned and of this length; nobody else looks at it
    // while the VM runs.
    unsafe { machine.set_user_memory_region(region) }
}

/// A page of memory, where a page begins.
#[repr(align(4096))]
struct Aligned([u8; PAGE]);

struct Page(Box<Aligned>);

impl Page {
    fn with(content: &[u8]) -> Self {
        let mut page = Box::new(Aligned([0; PAGE]));
        page.0[..content.len()].copy_from_slice(content);
        Self(page)
    }

    fn address(&mut self) -> u64 {
        self.0.0.as_mut_ptr() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remember(place: &Path, micros: Option<u64>) {
        let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap().trim().to_owned();
        write(&place.join("kvm.json"), Access::Shared, &Probed { kernel, micros, why: "no".into() }).unwrap();
    }

    #[test]
    fn slow_kvm_is_used_for_nothing_and_said_when_it_is_a_must() {
        let place = tempfile::tempdir().unwrap();
        remember(place.path(), Some(377_000));
        assert_eq!(chosen(Accel::Auto, place.path()), Ok(false));
        let error = chosen(Accel::Kvm, place.path()).unwrap_err();
        assert!(error.message.contains("377 ms") && !error.hints.is_empty(), "{error:?}");
        remember(place.path(), Some(49_000));
        assert_eq!(chosen(Accel::Auto, place.path()), Ok(false));
        remember(place.path(), Some(300));
        assert_eq!(chosen(Accel::Auto, place.path()), Ok(true));
        assert_eq!(chosen(Accel::Kvm, place.path()), Ok(true));
        assert_eq!(chosen(Accel::Tcg, place.path()), Ok(false));
    }

    /// Whatever this host is, the probe ends with an answer, and the answer is kept when there is one.
    #[test]
    fn the_probe_ends() {
        let place = tempfile::tempdir().unwrap();
        let begin = Instant::now();
        let first = chosen(Accel::Auto, place.path()).unwrap();
        assert!(begin.elapsed() < Duration::from_secs(20));
        assert_eq!(chosen(Accel::Auto, place.path()).unwrap(), first);
    }
}
