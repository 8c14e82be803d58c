//! The connection to libvirt, made when it is first needed. One process has one, used by all its threads.

use crate::trouble;
use envup::model::{Error, Kind, Result};
use virt::connect::Connect;

/// Where libvirt is asked, unless the variable says otherwise.
pub const URI: &str = "qemu:///system";

/// The variable that virsh and others read too.
pub const URI_VARIABLE: &str = "LIBVIRT_DEFAULT_URI";

/// The first version that keeps what we note about networks: 9.7.
const OLDEST: u32 = 9_007_000;

/// Connects, and makes sure that all we need is there.
pub fn open(uri: &str) -> Result<Connect> {
    // It would write every error to our standard error, also those that we expect.
    virt::error::clear_error_callback();
    if std::env::consts::ARCH != "x86_64" {
        return Err(Error::new(
            Kind::Unavailable,
            format!("VMs are not made on {} yet", std::env::consts::ARCH),
        )
        .hint("`provider = \"docker\"` works here"));
    }
    let connection = Connect::open(Some(uri)).map_err(|error| trouble::unreachable(&error, uri))?;
    let version = connection.lib_version().map_err(|error| trouble::unreachable(&error, uri))?;
    if version < OLDEST {
        let shown = format!("{}.{}", version / 1_000_000, version / 1000 % 1000);
        return Err(Error::new(Kind::Unavailable, format!("libvirt {shown} is too old: 9.7 is needed"))
            .hint(
                "on Debian 12: sudo apt install -t bookworm-backports libvirt-daemon-system qemu-system-x86",
            ));
    }
    Ok(connection)
}
