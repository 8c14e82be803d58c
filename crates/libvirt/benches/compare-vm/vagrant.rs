//! Vagrant's libvirt provider, where it is installed: `vagrant up` of a box that is made from our VM's disk, with the same kernel and
//! initrd. Its key is the one that Vagrant knows and then replaces, its address comes by DHCP, as Vagrant's boxes have it.

use crate::{Result, between, said, virsh};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// The box, and the beginning of the names of what Vagrant makes in libvirt.
const NAME: &str = "envup-bench-vagrant";

/// Makes our VM one that Vagrant can reach. `$1` is the public half of Vagrant's own key.
pub const FURNISH: &str = r#"set -e
echo "$1" >>/root/.ssh/authorized_keys
printf '[Match]\nType=ether\n[Network]\nDHCP=ipv4\n' >/etc/systemd/network/50-vagrant.network
systemctl enable --quiet systemd-networkd
sync"#;

/// Vagrant, with a directory and a home of its own.
pub struct Vagrant {
    directory: PathBuf,
}

impl Vagrant {
    /// Where `vagrant` answers and has the plugin for libvirt.
    pub fn installed(place: &Path) -> Result<Option<Self>> {
        let directory = place.join("vagrant");
        fs::create_dir_all(&directory)?;
        let vagrant = Self { directory };
        let plugins = vagrant.command(&["plugin", "list"]).output();
        let has = plugins.is_ok_and(|told| String::from_utf8_lossy(&told.stdout).contains("vagrant-libvirt"));
        Ok(has.then_some(vagrant))
    }

    /// The public half of the key that it tries first.
    pub fn key(&self) -> Result<String> {
        let private = self.directory.join("home/insecure_private_key");
        Ok(said("ssh-keygen", &["-y", "-f", &private.display().to_string()])?.trim().to_owned())
    }

    /// Makes a box of the disk of a domain of ours that does not run, and knows from its document how it boots.
    pub fn make_box(&self, disk: &str, document: &str) -> Result<()> {
        let image = self.directory.join("box.img").display().to_string();
        said("qemu-img", &["convert", "-O", "qcow2", disk, &image])?;
        let about = said("qemu-img", &["info", "--output=json", &image])?;
        let about: serde_json::Value = serde_json::from_str(&about)?;
        let bytes = about["virtual-size"].as_u64().ok_or("an image without a size")?;
        let gigabytes = bytes.div_ceil(1 << 30);
        let metadata = format!(r#"{{"provider":"libvirt","format":"qcow2","virtual_size":{gigabytes}}}"#);
        fs::write(self.directory.join("metadata.json"), metadata)?;
        let archive = self.directory.join("a.box").display().to_string();
        let directory = self.directory.display().to_string();
        said("tar", &["-C", &directory, "-czf", &archive, "metadata.json", "box.img"])?;
        self.vagrant(&["box", "add", "--name", NAME, &archive])?;
        self.describe(document)?;
        // Once on a host: it brings the box to libvirt.
        self.up()?;
        Ok(())
    }

    /// Writes what boots as `document` does.
    pub fn describe(&self, document: &str) -> Result<()> {
        let of =
            |begin: &str, end: &str| between(document, begin, end).ok_or(format!("no {begin} in our VM"));
        let (kernel, initrd) = (of("<kernel>", "<")?, of("<initrd>", "<")?);
        let (line, driver) = (of("<cmdline>", "<")?, of("<domain type='", "'")?);
        let kibibytes: u64 = of("<memory unit='KiB'>", "<")?.parse()?;
        let cpu = match driver.as_str() {
            "kvm" => "libvirt.cpu_mode = 'host-passthrough'",
            _ => "libvirt.cpu_mode = 'custom'\n    libvirt.cpu_model = 'qemu64'",
        };
        let file = format!(
            "Vagrant.configure('2') do |config|
  config.vm.box = '{NAME}'
  config.vm.define '{NAME}'
  config.vm.synced_folder '.', '/vagrant', disabled: true
  config.ssh.username = 'root'
  config.vm.provider :libvirt do |libvirt|
    libvirt.default_prefix = ''
    libvirt.driver = '{driver}'
    {cpu}
    libvirt.cpus = 1
    libvirt.memory = {}
    libvirt.kernel = '{kernel}'
    libvirt.initrd = '{initrd}'
    libvirt.cmd_line = '{line}'
    libvirt.graphics_type = 'none'
    libvirt.storage_pool_name = 'envup'
    libvirt.management_network_name = '{NAME}'
    libvirt.management_network_address = '192.168.231.0/24'
  end
end
",
            kibibytes / 1024
        );
        Ok(fs::write(self.directory.join("Vagrantfile"), file)?)
    }

    /// From nothing to the end of the command, in seconds; then away again.
    pub fn up(&self) -> Result<f64> {
        let begin = Instant::now();
        let up = self.vagrant(&["up", "--provider", "libvirt"]);
        let took = begin.elapsed().as_secs_f64();
        self.vagrant(&["destroy", "--force"])?;
        up.map(|()| took)
    }

    /// Takes away what it leaves in libvirt: the box's disk and its network.
    pub fn forget(&self) {
        let _ = self.vagrant(&["destroy", "--force"]);
        let _ = virsh(&["net-destroy", NAME]);
        let _ = virsh(&["net-undefine", NAME]);
        let volumes = said("virsh", &["-q", "vol-list", "envup"]).unwrap_or_default();
        let names = volumes.lines().filter_map(|line| line.split_whitespace().next());
        for name in names.filter(|name| name.starts_with(NAME)) {
            let _ = virsh(&["vol-delete", "--pool", "envup", name]);
        }
    }

    fn vagrant(&self, words: &[&str]) -> Result<()> {
        let output = self.command(words).output()?;
        match output.status.success() {
            true => Ok(()),
            false => Err(format!(
                "vagrant {words:?}: {}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            )
            .into()),
        }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("vagrant");
        command.args(words).current_dir(&self.directory).env("VAGRANT_HOME", self.directory.join("home"));
        command.env("VAGRANT_CHECKPOINT_DISABLE", "1");
        command
    }
}
