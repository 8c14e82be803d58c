# Makes a disk of a root file system: $1 its directory, in which the disk is left as /envup-disk. Runs under mmdebstrap.
set -eu
root=$1
mkdir "$root/envup-disk" "$root.plain" "$root.disk"
(set -- "$root" "$root/envup-disk" && eval "$ENVUP_VM")

APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get -q clean
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin "$root"/var/cache/debconf/*-old "$root"/var/lib/dpkg/*-old
find "$root/var/log" -type f -exec truncate -s 0 {} +
: >"$root/etc/machine-id"

# That services do not start while packages are put in, and what apt is told, is for building alone. mmdebstrap takes it away
# in the end, and wants to find it then.
mkdir "$root.aside"
aside() { [ ! -e "$1" ] || mv "$1" "$2"; }
starter=$root/sbin/start-stop-daemon policy=$root/usr/sbin/policy-rc.d settings=$root/etc/apt/apt.conf.d/00mmdebstrap
aside "$policy" "$root.aside/policy"
aside "$settings" "$root.aside/settings"
[ ! -e "$starter.REAL" ] || { mv "$starter" "$root.aside/starter" && mv "$starter.REAL" "$starter"; }

mv "$root"/envup-disk/* "$root.disk"
rmdir "$root/envup-disk"
# What is mounted below the root meanwhile is no part of it.
mount --bind "$root" "$root.plain"
truncate -s 2G "$root.disk/raw"
mke2fs -q -t ext4 -L root -m 1 -E lazy_itable_init=0,lazy_journal_init=0 -d "$root.plain" "$root.disk/raw"
umount "$root.plain"
rmdir "$root.plain"
aside "$root.aside/policy" "$policy"
aside "$root.aside/settings" "$settings"
[ ! -e "$root.aside/starter" ] || { mv "$starter" "$starter.REAL" && mv "$root.aside/starter" "$starter"; }
rmdir "$root.aside"
qemu-img convert -f raw -O qcow2 "$root.disk/raw" "$root.disk/disk.qcow2"
rm "$root.disk/raw"
mv "$root.disk" "$root/envup-disk"
