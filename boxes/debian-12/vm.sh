#!/bin/sh
# Adds what a VM has and a container has not: a kernel, an initrd that gives the machine its networks, an sshd that is always there.
# Arguments: the root directory of the box, and the directory that kernel and initrd go to. Runs outside the box, as root of it.
set -eu
root=$1 out=$2
inside() { chroot "$root" "$@"; }
put() { mkdir -p "$root$(dirname "$1")" && cat >"$root$1"; }
apt() { APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get -q -y "$@"; }

# The kernel's own initrd would never be booted, and takes as long to make as everything else.
apt --no-install-recommends -o DPkg::Chroot-Directory="$root" \
  -o DPkg::Options::=--path-exclude=/etc/kernel/postinst.d/initramfs-tools install linux-image-cloud-amd64 udev rsync

kernel=$(basename "$root"/lib/modules/*)
cp "$root/boot/vmlinuz-$kernel" "$out/kernel"
rm -f "$root"/boot/* "$root"/vmlinuz* "$root"/initrd.img*

# --- an initrd of a few drivers: it mounts the disk, places the machine's files once, and goes on ---------------------
scratch=$root/tmp/initrd
mkdir -p "$scratch/lib" "$scratch/dev" "$scratch/proc" "$scratch/sys" "$scratch/disk" "$root/tmp/busybox"
(cd "$root/tmp/busybox" && apt -o APT::Sandbox::User=root download busybox-static && dpkg-deb -x busybox-static_*.deb .)
cp "$root/tmp/busybox/bin/busybox" "$scratch/busybox"
# Beside the disk's: the network's card, the source of randomness, the button by which the host asks to shut down.
for module in virtio_pci virtio_blk ext4 virtio_net virtio_rng button evdev; do
  # In the order in which they need each other; what is built in needs nothing.
  inside modprobe -S "$kernel" --show-depends "$module" | sed -n 's/^insmod //p'
done | while read -r file; do
  name=$(basename "$file")
  if [ ! -e "$scratch/lib/$name" ]; then
    cp "$root$file" "$scratch/lib/$name"
    echo "lib/$name" >>"$scratch/modules"
  fi
done

# What of systemd has nothing to do in such a machine, and takes half of a boot in software. It is left out in memory only: the
# disk is that of any server, and what an administrator puts into /etc comes first.
units=$scratch/run/systemd/system generators=$scratch/run/systemd/system-generators
mkdir -p "$units/systemd-udev-trigger.service.d" "$generators"
for unit in dev-hugepages.mount sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount \
  sys-fs-fuse-connections.mount modprobe@configfs.service modprobe@dm_mod.service modprobe@drm.service \
  modprobe@efi_pstore.service modprobe@fuse.service modprobe@loop.service systemd-pcrphase.service \
  systemd-pcrphase-sysinit.service systemd-pstore.service systemd-journal-flush.service systemd-random-seed.service \
  systemd-sysusers.service systemd-update-utmp-runlevel.service getty@tty1.service proc-sys-fs-binfmt_misc.automount \
  systemd-binfmt.service; do
  ln -s /dev/null "$units/$unit"
done
for generator in debug gpt-auto hibernate-resume run system-update; do
  ln -s /dev/null "$generators/systemd-$generator-generator"
done
# Only what is there: of some 400 devices and drivers that a kernel tells of, most are consoles without a screen. Drivers that
# were not loaded above are loaded when they are asked for.
cat >"$units/systemd-udev-trigger.service.d/virtual.conf" <<'END'
[Service]
ExecStart=
ExecStart=-udevadm trigger --action=add --subsystem-match=block --subsystem-match=net --subsystem-match=input --subsystem-match=misc --subsystem-match=mem --subsystem-match=rtc --subsystem-match=virtio
ExecStart=-udevadm trigger --action=add /dev/ttyS0
END

cat >"$scratch/init" <<'END'
#!/busybox sh
b=/busybox
$b mount -t devtmpfs dev /dev
$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
while read -r module; do $b insmod "/$module"; done </modules
until [ -b /dev/vda ]; do $b usleep 10000; done
# The host orders what is read; to do it here too is a change of processes for each read.
for disk in /sys/block/vd*; do echo none >"$disk/queue/scheduler"; done
$b mount -t ext4 /dev/vda /disk
# Appended for each machine: who it is, whom it lets in. Placed once; from then on the files are the machine's own.
mark=/disk/var/lib/envup/placed
if [ -d /machine ] && [ ! -e "$mark" ]; then
  $b cp -a /machine/. /disk/
  # Certificate authorities that the host trusts, as update-ca-certificates would have them: what they are called, and by which
  # digest they are looked up. A layer has them already.
  trusted=/disk/etc/ssl/certs
  if [ -e /authorities ] && [ -s $trusted/ca-certificates.crt ]; then
    while read -r name digest; do
      [ ! -e "$trusted/$name.pem" ] || continue
      $b cp "/authorities.d/$name.crt" /disk/usr/local/share/ca-certificates/
      $b cat "/authorities.d/$name.crt" >>$trusted/ca-certificates.crt
      $b ln -s "/usr/local/share/ca-certificates/$name.crt" "$trusted/$name.pem"
      [ -e "$trusted/$digest.0" ] || $b ln -s "$name.pem" "$trusted/$digest.0"
    done </authorities
  fi
  $b mkdir -p "${mark%/*}" && : >"$mark"
fi
# systemd takes over what is mounted there.
run=/disk/run
$b mount -t tmpfs -o mode=755,nosuid,nodev,size=20% run $run && $b cp -a /run/. $run/
if [ -d /secrets ]; then $b cp -a /secrets $run/; fi
if [ ! -e /disk/etc/crypttab ]; then
  for generator in cryptsetup integritysetup veritysetup; do
    $b ln -s /dev/null $run/systemd/system-generators/systemd-$generator-generator
  done
fi
# The file system grows with its disk, unless it fills it: how many blocks of 4 KiB it has is a number in its superblock.
blocks=$($b od -An -tu4 -j 1028 -N 4 /dev/vda)
if [ $(($($b cat /sys/class/block/vda/size) / 8)) -le $blocks ]; then
  $b ln -s /dev/null $run/systemd/system/systemd-growfs@-.service
fi
# Networks: by hardware address, what the machine was told. There is nothing to find out, so nothing waits for them.
if [ -e /networks ]; then
  while read -r mac address gateway; do
    for card in /sys/class/net/*; do
      [ "$($b cat "$card/address")" = "$mac" ] || continue
      card=${card##*/}
      # Nor do they find out anything by themselves.
      echo 0 >/proc/sys/net/ipv6/conf/$card/accept_ra
      echo 1 >/proc/sys/net/ipv6/conf/$card/addr_gen_mode
      $b ip address add "$address" broadcast + dev $card
      $b ip link set $card up
      if [ -n "$gateway" ]; then $b ip route add default via "$gateway"; fi
    done
  done </networks
fi
$b umount /proc /sys
exec $b switch_root /disk /sbin/init
END
chmod 755 "$scratch/init"
(cd "$scratch" && find . | LC_ALL=C sort | inside cpio --quiet -o -H newc -D /tmp/initrd) | gzip -9n >"$out/initrd"
rm -rf "$scratch" "$root/tmp/busybox"

# --- a way in ----------------------------------------------------------------------------------------------------------
inside systemctl enable --quiet ssh
put /etc/fstab <<'END'
/dev/vda / ext4 defaults,x-systemd.growfs 0 1
END
put /etc/ssh/sshd_config.d/envup.conf <<'END'
PasswordAuthentication no
HostKey /etc/ssh/ssh_host_ed25519_key
UseDNS no
END
