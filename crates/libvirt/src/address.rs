//! Addresses of networks and machines: chosen by name, so that a machine made anew has the same ones, and never where somebody
//! else's network is. Pure but for the one function that reads this host's routes.

use envup::model::digest::sha256;
use envup::model::{Error, Result};
use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// A range of IPv4 addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subnet {
    base: u32,
    /// Bits that all its addresses share.
    pub prefix: u8,
}

impl Subnet {
    /// The range of this size with this address in it.
    pub fn new(address: Ipv4Addr, prefix: u8) -> Self {
        let prefix = prefix.min(32);
        Self { base: u32::from(address) & mask(prefix), prefix }
    }

    /// Whether the two have addresses in common.
    pub fn overlaps(&self, other: &Self) -> bool {
        let shared = mask(self.prefix.min(other.prefix));
        self.base & shared == other.base & shared
    }

    /// Whether an address lies in it.
    pub fn contains(&self, address: Ipv4Addr) -> bool {
        u32::from(address) & mask(self.prefix) == self.base
    }

    /// The address at a place in it; the first is the network's own, the second the host's.
    pub fn at(&self, place: u32) -> Ipv4Addr {
        Ipv4Addr::from(self.base + place)
    }

    /// The host's address.
    pub fn host(&self) -> Ipv4Addr {
        self.at(1)
    }

    /// The part of it that machines of other providers get: its upper half.
    pub fn guests(&self) -> Self {
        let prefix = self.prefix + 1;
        Self { base: self.base + (1 << (32 - prefix)), prefix }
    }

    /// How many addresses it has.
    pub fn size(&self) -> u64 {
        1 << (32 - self.prefix)
    }
}

impl FromStr for Subnet {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            Error::usage(format!("`{text}` is not a range of IPv4 addresses"))
                .hint("write it like 10.5.0.0/24")
        };
        let (address, prefix) = text.split_once('/').ok_or_else(wrong)?;
        let address = address.parse().map_err(|_| wrong())?;
        match prefix.parse() {
            Ok(prefix @ 8..=29) => Ok(Self::new(address, prefix)),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", Ipv4Addr::from(self.base), self.prefix)
    }
}

fn mask(prefix: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0)
}

/// A range for a network that the Envfile gives none: by its name, and free. Tried are the 64 × 256 ranges of 10.192.0.0/10, where
/// neither Docker nor libvirt goes by itself.
pub fn free_subnet(name: &str, taken: &[(Subnet, String)]) -> Result<Subnet> {
    const RANGES: u32 = 64 * 256;
    let start = number(name) % RANGES;
    (0..RANGES)
        .map(|step| {
            Subnet::new(
                Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 192, 0, 0)) + (start + step) % RANGES * 256),
                24,
            )
        })
        .find(|subnet| !taken.iter().any(|(other, _)| other.overlaps(subnet)))
        .ok_or_else(|| {
            Error::failed("no range of addresses is free for a network")
                .hint("give `subnet` to the network in the Envfile")
        })
}

/// An address for a machine: by its name, and free. Where only few are, one of the other half is better than none.
pub fn free_address(name: &str, subnet: &Subnet, is_guest: bool, taken: &[Ipv4Addr]) -> Result<Ipv4Addr> {
    // Without the network's own, the host's and the broadcast address.
    let usable = u32::try_from(subnet.size() - 3).unwrap_or(u32::MAX);
    // Machines of libvirt's begin in the lower half, those of other providers in the upper one.
    let half = usable / 2;
    let (first, length) = if is_guest { (half, usable - half) } else { (0, half) };
    let start = number(name) % length;
    let own = (0..length).map(|step| first + (start + step) % length);
    own.chain((0..usable).map(|step| (first + length + step) % usable))
        .map(|place| subnet.at(2 + place))
        .find(|address| !taken.contains(address))
        .ok_or_else(|| Error::failed(format!("no address of {subnet} is free")))
}

/// The hardware address of a machine on a network.
pub fn mac(machine: &str, network: &str) -> String {
    let digest = sha256(format!("mac/1 {machine} {network}").as_bytes());
    // The prefix that QEMU's own machines have.
    format!("52:54:00:{}:{}:{}", &digest[..2], &digest[2..4], &digest[4..6])
}

/// The uuid of a thing of this engine name; domains, networks.
pub fn uuid(kind: &str, engine_name: &str) -> String {
    let digest = sha256(format!("uuid/1 {kind} {engine_name}").as_bytes());
    // Version 8 of RFC 9562: the rest is the maker's own business.
    format!(
        "{}-{}-8{}-8{}-{}",
        &digest[..8],
        &digest[8..12],
        &digest[12..15],
        &digest[15..18],
        &digest[18..30]
    )
}

/// The name of a network's bridge, which has at most 15 characters.
pub fn bridge(engine_name: &str) -> String {
    format!("ev-{}", &sha256(format!("bridge/1 {engine_name}").as_bytes())[..12])
}

fn number(name: &str) -> u32 {
    u32::from_str_radix(&sha256(name.as_bytes())[..8], 16).unwrap_or(0)
}

/// The ranges to which this host knows a way other than the default one, with the interface: its own networks, Docker's, VPNs.
pub fn routed() -> Vec<(Subnet, String)> {
    // Only Linux has it, and only Linux runs VMs of ours.
    of_routes(&std::fs::read_to_string("/proc/net/route").unwrap_or_default())
}

fn of_routes(table: &str) -> Vec<(Subnet, String)> {
    let lines = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    let number = |text: &str| u32::from_str_radix(text, 16).ok().map(u32::from_be);
    lines
        .filter_map(|words| {
            let (destination, mask) = (number(words.get(1)?)?, number(words.get(7)?)?);
            let subnet = Subnet::new(Ipv4Addr::from(destination), mask.count_ones() as u8);
            (mask != 0).then(|| (subnet, words[0].to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subnet(text: &str) -> Subnet {
        text.parse().unwrap()
    }

    #[test]
    fn ranges_overlap_when_one_lies_in_the_other() {
        assert!(subnet("10.5.0.0/16").overlaps(&subnet("10.5.7.0/24")));
        assert!(subnet("10.5.7.0/24").overlaps(&subnet("10.5.0.0/16")));
        assert!(!subnet("10.5.7.0/24").overlaps(&subnet("10.5.8.0/24")));
        assert_eq!(subnet("10.5.7.9/24").to_string(), "10.5.7.0/24");
        assert_eq!(subnet("10.5.7.0/24").host().to_string(), "10.5.7.1");
        for wrong in ["10.5.0.0", "10.5.0.0/31", "10.5.0/24", "fd00::/64", ""] {
            assert!(wrong.parse::<Subnet>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_chosen_is_free_and_the_same_each_time() {
        let first = free_subnet("shop-3f9a1c-default", &[]).unwrap();
        assert_eq!(free_subnet("shop-3f9a1c-default", &[]).unwrap(), first);
        let next = free_subnet("shop-3f9a1c-default", &[(first, "br0".into())]).unwrap();
        assert!(!next.overlaps(&first));
        let address = free_address("web", &first, false, &[]).unwrap();
        assert!(first.contains(address) && address != first.host() && !first.guests().contains(address));
        assert!(first.guests().contains(free_address("web", &first, true, &[]).unwrap()));
        assert_eq!(first.guests().prefix, 25);
        assert_ne!(free_address("web", &first, false, &[address]).unwrap(), address);
        let small = subnet("10.5.0.0/29");
        let mut taken = Vec::new();
        while let Ok(address) = free_address("web", &small, taken.len() % 2 == 0, &taken) {
            taken.push(address);
        }
        assert_eq!(taken.len(), 5);
        assert!(!taken.contains(&small.host()));
    }

    /// Kept in what was made: a change here would make it all anew.
    #[test]
    fn golden() {
        assert_eq!(mac("shop-3f9a1c-web", "shop-3f9a1c-default"), "52:54:00:6b:bf:62");
        assert_eq!(uuid("domain", "shop-3f9a1c-web"), "48f932a0-7a32-8e14-84c9-ad25949b7e35");
        assert_eq!(bridge("shop-3f9a1c-default"), "ev-0b65e024f4df");
    }

    #[test]
    fn routes_are_read() {
        let table = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n\
            eth0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
            docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n";
        assert_eq!(of_routes(table), [(subnet("172.17.0.0/16"), "docker0".to_owned())]);
    }
}
