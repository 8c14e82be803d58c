//! How a machine is reached and what it reaches: networks, host name, further hosts, name servers.

use super::host::is_host;
use super::keys;
use super::mounts::pairs;
use super::table::Table;
use super::value::Value;
use crate::model::machine::NetworkJoin;
use crate::model::stack::DEFAULT_NETWORK;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A list of names, or a table of name to aliases and address; without the key, the stack's default network. A host
/// joins none.
pub(super) fn joined(machine: &Table) -> BTreeMap<String, NetworkJoin> {
    let Some(value) = machine.get("networks") else {
        if is_host(machine) {
            return BTreeMap::new();
        }
        return BTreeMap::from([(DEFAULT_NETWORK.to_owned(), NetworkJoin::default())]);
    };
    let joined: BTreeMap<String, NetworkJoin> = if value.is_table() {
        let join = |(name, _, value): (String, _, Value)| {
            let table = value.part(keys::NETWORK_JOIN)?;
            let aliases = table.get("aliases").map(|value| value.items()).unwrap_or_default();
            let aliases = aliases.iter().filter_map(|alias| alias.parse(host_name)).collect();
            let address = table.get("address").and_then(|value| value.parse(ip_address));
            Some((name, NetworkJoin { aliases, address }))
        };
        value.entries().into_iter().filter_map(join).collect()
    } else if value.is_list() {
        value.names().into_iter().map(|name| (name, NetworkJoin::default())).collect()
    } else {
        value.wrong_type::<()>("a list or a table");
        return BTreeMap::new();
    };
    if joined.is_empty() {
        value.refuse_with("a machine joins at least one network", "leave the key out for `default`");
    }
    joined
}

pub(super) fn extra_hosts(machine: &Table) -> BTreeMap<String, String> {
    let Some(value) = machine.get("extra_hosts") else { return BTreeMap::new() };
    // The engine's word for the host as seen from the machine.
    let address = |text: &str| if text == "host-gateway" { Ok(text.to_owned()) } else { ip_address(text) };
    pairs(&value, true, host_name, address)
}

pub(super) fn name_servers(machine: &Table) -> Vec<String> {
    let items = machine.get("dns").map(|value| value.items()).unwrap_or_default();
    items.iter().filter_map(|item| item.parse(ip_address)).collect()
}

/// A host name as networks take it; `_` is let through, because names of machines have it.
pub(super) fn host_name(text: &str) -> Result<String, String> {
    let label = |label: &str| {
        let inner = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        (1..=63).contains(&label.len()) && inner && !label.starts_with('-') && !label.ends_with('-')
    };
    if text.len() <= 253 && text.split('.').all(label) {
        return Ok(text.to_owned());
    }
    Err(format!("`{text}` is not a host name (letters, digits, `-` and `.`)"))
}

pub(super) fn ip_address(text: &str) -> Result<String, String> {
    let address: Result<IpAddr, _> = text.parse();
    address.map(|address| address.to_string()).map_err(|_| format!("`{text}` is not an IP address"))
}

/// An address range, `10.5.0.0/24`; the bits behind the prefix must be zero, as engines insist.
pub(super) fn subnet(text: &str) -> Result<String, String> {
    let wrong = || format!("`{text}` is not an address range such as 10.5.0.0/24");
    let (address, prefix) = text.split_once('/').ok_or_else(wrong)?;
    let (address, prefix): (IpAddr, u32) =
        (address.parse().map_err(|_| wrong())?, prefix.parse().map_err(|_| wrong())?);
    let (bits, width) = match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()) << 96, 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    };
    if prefix == 0 || prefix > width {
        return Err(wrong());
    }
    if bits.checked_shl(prefix).is_some_and(|rest| rest != 0) {
        return Err(format!("`{text}` has bits set behind its prefix of {prefix}"));
    }
    Ok(format!("{address}/{prefix}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_and_ranges_are_checked() {
        assert!(host_name("api.example.org").is_ok() && host_name("db_1").is_ok());
        for text in ["", ".", "-a", "a-", "a b", "ü", &"a".repeat(64)] {
            assert!(host_name(text).is_err(), "{text}");
        }
        assert_eq!(subnet("10.5.0.0/24").as_deref(), Ok("10.5.0.0/24"));
        assert_eq!(subnet("fd00::/64").as_deref(), Ok("fd00::/64"));
        assert_eq!(subnet("10.5.0.1/32").as_deref(), Ok("10.5.0.1/32"));
        for text in ["10.5.0.0", "10.5.0.1/24", "10.5.0.0/33", "x/24", "10.5.0.0/", "0.0.0.0/0"] {
            assert!(subnet(text).is_err(), "{text}");
        }
    }
}
