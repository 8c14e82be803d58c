//! Published and exposed ports: `8080:80`, `8000-8010:80-90/udp`, `0.0.0.0:80:80`, `[::1]:80:80`, `auto:80`.

use crate::model::machine::Port;
use std::net::IpAddr;

/// Where a port listens when the Envfile does not say.
const LOOPBACK: &str = "127.0.0.1";

/// The ports that one entry publishes; a range gives several.
pub(super) fn published(text: &str) -> Result<Vec<Port>, String> {
    let (text, protocol) = protocol(text)?;
    let (host_ip, rest) = address(text)?;
    let Some((host, guest)) = rest.split_once(':') else {
        return Err(format!("`{text}` has no host port, write \"8080:{rest}\" or \"auto:{rest}\""));
    };
    let guests = range(guest)?;
    let hosts: Vec<Option<u16>> = match host {
        "auto" => guests.iter().map(|_| None).collect(),
        _ => range(host)?.into_iter().map(Some).collect(),
    };
    if hosts.len() != guests.len() {
        let (host, guest) = (hosts.len(), guests.len());
        return Err(format!("`{text}` has {host} on the host for {guest} in the machine"));
    }
    let pairs = hosts.into_iter().zip(guests);
    let port = |(host, guest)| Port { guest, host, host_ip: host_ip.clone(), protocol: protocol.to_owned() };
    Ok(pairs.map(port).collect())
}

/// The ports of one `expose` entry as `80/tcp`.
pub(super) fn exposed(text: &str) -> Result<Vec<String>, String> {
    let (ports, protocol) = protocol(text)?;
    Ok(range(ports)?.into_iter().map(|port| format!("{port}/{protocol}")).collect())
}

/// One port.
pub(super) fn number(text: &str) -> Result<u16, String> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("`{text}` is not a port"));
    }
    let port = text.parse::<u16>().ok().filter(|port| *port > 0);
    port.ok_or_else(|| format!("port {text} is not between 1 and 65535"))
}

fn protocol(text: &str) -> Result<(&str, &str), String> {
    match text.split_once('/') {
        None => Ok((text, "tcp")),
        Some((ports, protocol @ ("tcp" | "udp"))) => Ok((ports, protocol)),
        Some((_, other)) => Err(format!("`{other}` is not a protocol, only tcp and udp are")),
    }
}

fn address(text: &str) -> Result<(String, &str), String> {
    let (ip, rest) = if let Some(after) = text.strip_prefix('[') {
        after.split_once("]:").ok_or_else(|| format!("`{text}` has no `]:` after its address"))?
    } else if text.matches(':').count() == 2 {
        text.split_once(':').unwrap_or((LOOPBACK, text))
    } else if text.matches(':').count() > 2 {
        return Err(format!("`{text}` has too many `:`; an IPv6 address goes into [ ]"));
    } else {
        (LOOPBACK, text)
    };
    let ip: IpAddr = ip.parse().map_err(|_| format!("`{ip}` is not an IP address"))?;
    Ok((ip.to_string(), rest))
}

fn range(text: &str) -> Result<Vec<u16>, String> {
    let Some((first, last)) = text.split_once('-') else {
        return Ok(vec![number(text)?]);
    };
    let (first, last) = (number(first)?, number(last)?);
    if first > last {
        return Err(format!("the range `{text}` runs backwards"));
    }
    if last - first >= 1000 {
        return Err(format!("the range `{text}` has more than 1000 ports"));
    }
    Ok((first..=last).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Result<String, String> {
        let one = |port: Port| {
            let host = port.host.map_or("auto".to_owned(), |host| host.to_string());
            format!("{}:{host}:{}/{}", port.host_ip, port.guest, port.protocol)
        };
        Ok(published(text)?.into_iter().map(one).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn reads_every_form() {
        for (text, expected) in [
            ("8080:80", "127.0.0.1:8080:80/tcp"),
            ("53:53/udp", "127.0.0.1:53:53/udp"),
            ("0.0.0.0:80:80", "0.0.0.0:80:80/tcp"),
            ("[::1]:80:8080", "::1:80:8080/tcp"),
            ("auto:80", "127.0.0.1:auto:80/tcp"),
            ("0.0.0.0:auto:80", "0.0.0.0:auto:80/tcp"),
            ("8000-8001:80-81", "127.0.0.1:8000:80/tcp 127.0.0.1:8001:81/tcp"),
        ] {
            assert_eq!(shown(text).as_deref(), Ok(expected), "{text}");
        }
        assert_eq!(exposed("80-81/udp").unwrap(), ["80/udp", "81/udp"]);
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, why) in [
            ("99999:80", "port 99999 is not between 1 and 65535"),
            ("8080:0", "port 0 is not between 1 and 65535"),
            ("80", "write \"8080:80\" or \"auto:80\""),
            ("8080:http", "`http` is not a port"),
            ("8000-8010:80-81", "has 11 on the host for 2 in the machine"),
            ("81-80:80", "runs backwards"),
            ("1-9999:1-9999", "more than 1000"),
            ("80:80/icmp", "`icmp` is not a protocol"),
            ("localhost:80:80", "`localhost` is not an IP address"),
            ("::1:80:80", "goes into [ ]"),
            ("[::1", "no `]:`"),
            ("", "no host port"),
        ] {
            let error = published(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
