#!/bin/sh
# Makes a server without an identity out of freshly installed packages. Argument: the root directory of the box.
# Runs outside the box, as root of it, with nothing but a shell and chroot to rely on.
set -eu
root=$1
inside() { chroot "$root" "$@"; }
# Writes standard input to a file of the box.
put() { mkdir -p "$root$(dirname "$1")" && cat >"$root$1"; }

# --- units that serve nobody here ------------------------------------------------------------------------------------
# Machines change when somebody changes them, never by a timer.
inside systemctl mask --quiet apt-daily.timer apt-daily.service apt-daily-upgrade.timer apt-daily-upgrade.service \
  dpkg-db-backup.timer dpkg-db-backup.service e2scrub_all.timer e2scrub_reap.service fstrim.timer
inside systemctl set-default --quiet multi-user.target

# In a container there is no screen to log in at, and the kernel belongs to the host. logind stays: apt asks for it and
# would wait 25 s for it to come.
for unit in console-getty getty@ getty-static kmod-static-nodes systemd-modules-load \
  systemd-sysctl systemd-random-seed systemd-pstore systemd-remount-fs; do
  put "/etc/systemd/system/$unit.service.d/not-in-containers.conf" <<END
[Unit]
ConditionVirtualization=!container
END
done

# sshd is there, but starts only when somebody enables it; `sshd -i` works at once.
inside systemctl disable --quiet ssh.service ssh.socket
put /usr/lib/tmpfiles.d/sshd-without-service.conf <<END
d /run/sshd 0755 root root
END

# --- logs go to the console, which the engine or the hypervisor keeps; nothing piles up in layers --------------------
put /etc/systemd/journald.conf.d/console.conf <<END
[Journal]
Storage=volatile
RuntimeMaxUse=16M
ForwardToConsole=yes
MaxLevelConsole=info
END
rm -rf "$root/var/log/journal"
# What services say and what fails, without a line for every unit that starts.
put /etc/systemd/system.conf.d/console.conf <<END
[Manager]
ShowStatus=no
LogLevel=notice
END

# --- one language for every machine, and nobody to answer questions --------------------------------------------------
put /etc/default/locale <<END
LANG=C.UTF-8
END
put /etc/systemd/system.conf.d/language.conf <<END
[Manager]
DefaultEnvironment=LANG=C.UTF-8
END
: >"$root/etc/environment" # the machine's `env` goes here
echo 'debconf debconf/frontend select Noninteractive' | inside debconf-set-selections
# Packages install in half the time; a machine that loses power meanwhile is built again.
put /etc/dpkg/dpkg.cfg.d/unsafe-io <<END
force-unsafe-io
END

# --- one set of numbers: these groups come with the kernel of a VM, before all that its steps add ----------------------
for group in input sgx kvm render; do inside addgroup --quiet --system "$group"; done

# --- no identity, no traces of the machine that built it -------------------------------------------------------------
rm -f "$root"/etc/ssh/ssh_host_*
# Empty, not missing: a missing one makes systemd start over with every unit's default, sshd's included.
: >"$root/etc/machine-id"
mkdir -p "$root/var/lib/dbus"
ln -sf /etc/machine-id "$root/var/lib/dbus/machine-id"
rm -f "$root/var/lib/systemd/random-seed"
# While an engine builds, these three are its own mounts and stay as they are; it exports them empty.
put /etc/hostname <<END
localhost
END
put /etc/hosts <<END
127.0.0.1 localhost
::1 localhost ip6-localhost ip6-loopback
END
: >"$root/etc/resolv.conf"

# Package lists and caches are for whoever called us to clean: under mmdebstrap, apt's settings are those of the machine
# that builds, found through a file in the box's /tmp.
rm -rf "$root"/var/cache/debconf/*-old "$root"/var/lib/dpkg/*-old "$root"/var/cache/ldconfig/aux-cache
find "$root/var/log" -type f -exec truncate -s 0 {} +
