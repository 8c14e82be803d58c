#!/bin/sh
# Adds what a VM has and a container has not: a kernel, an initrd, a network of its own, an sshd that is always there.
# Arguments: the root directory of the box, and the directory that kernel and initrd go to. Runs outside the box, as root of it.
set -eu
root=$1 out=$2
inside() { chroot "$root" "$@"; }
put() { mkdir -p "$root$(dirname "$1")" && cat >"$root$1"; }
apt() { APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get -q -y "$@"; }

# The kernel's own initrd would never be booted, and takes as long to make as everything else.
apt --no-install-recommends -o DPkg::Chroot-Directory="$root" \
  -o DPkg::Options::=--path-exclude=/etc/kernel/postinst.d/initramfs-tools install linux-image-cloud-amd64 udev

kernel=$(basename "$root"/lib/modules/*)
cp "$root/boot/vmlinuz-$kernel" "$out/kernel"
rm -f "$root"/boot/* "$root"/vmlinuz* "$root"/initrd.img*

# --- an initrd of a few drivers: it mounts the disk, places the machine's files once, and goes on ---------------------
scratch=$root/tmp/initrd
mkdir -p "$scratch/lib" "$scratch/dev" "$scratch/proc" "$scratch/sys" "$scratch/disk" "$root/tmp/busybox"
(cd "$root/tmp/busybox" && apt -o APT::Sandbox::User=root download busybox-static && dpkg-deb -x busybox-static_*.deb .)
cp "$root/tmp/busybox/bin/busybox" "$scratch/busybox"
number=100
for module in virtio_pci virtio_blk ext4; do
  # In the order in which they need each other; what is built in needs nothing.
  inside modprobe -S "$kernel" --show-depends "$module" | sed -n 's/^insmod //p'
done | while read -r file; do
  name=$(basename "$file")
  if [ ! -e "$scratch/lib/$name" ]; then
    cp "$root$file" "$scratch/lib/$name"
    echo "lib/$name" >>"$scratch/modules"
  fi
done
cat >"$scratch/init" <<'END'
#!/busybox sh
b=/busybox
$b mount -t devtmpfs dev /dev
$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
while read -r module; do $b insmod "/$module"; done </modules
until [ -b /dev/vda ]; do $b usleep 10000; done
$b mount -t ext4 /dev/vda /disk
# Appended for each machine: who it is, whom it lets in. Placed once; from then on the files are the machine's own.
mark=/disk/var/lib/envup/placed
if [ -d /machine ] && [ ! -e "$mark" ]; then
  $b cp -a /machine/. /disk/ && $b mkdir -p "${mark%/*}" && : >"$mark"
fi
if [ -d /secrets ]; then
  # systemd takes over what is mounted there.
  $b mount -t tmpfs -o mode=755,nosuid,nodev run /disk/run && $b cp -a /secrets /disk/run/
fi
$b umount /proc /sys
exec $b switch_root /disk /sbin/init
END
chmod 755 "$scratch/init"
(cd "$scratch" && find . | LC_ALL=C sort | inside cpio --quiet -o -H newc -D /tmp/initrd) | gzip -9n >"$out/initrd"
rm -rf "$scratch" "$root/tmp/busybox"

# --- the machine's own network: what is written beside this for each machine -------------------------------------------
inside systemctl enable --quiet systemd-networkd ssh
# Nobody waits for a network that the machine's own files describe completely.
inside systemctl mask --quiet systemd-networkd-wait-online.service
put /etc/fstab <<'END'
/dev/vda / ext4 defaults,x-systemd.growfs 0 1
END
put /etc/ssh/sshd_config.d/envup.conf <<'END'
PasswordAuthentication no
HostKey /etc/ssh/ssh_host_ed25519_key
UseDNS no
END
