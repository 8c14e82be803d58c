#!/bin/sh
# Mounts this machine's volumes and temporary file systems before anything uses them. A new volume is formatted and filled with what
# lies at its path; until that is done to the end its label says so, and it is done anew.
failed=0

device_of() {
  for block in /sys/block/vd*; do
    if [ "$(cat "$block/serial")" = "$1" ]; then
      echo "/dev/${block##*/}"
      return
    fi
  done
}

fill() {
  new=/run/envup-volume
  mkfs.ext4 -q -F -m 0 -J size=64 -E lazy_itable_init=1,lazy_journal_init=1 -L envup-new "$1" &&
    mkdir -p "$new" && mount "$1" "$new" && rmdir "$new/lost+found" &&
    cp -a "$2/." "$new/" && umount "$new" && e2label "$1" envup
}

while read -r serial mode path; do
  mkdir -p "$path"
  if [ "$serial" = tmpfs ]; then
    # Some are there in every machine: those get what was asked for.
    if mountpoint -q "$path"; then mode=remount,$mode; fi
    mount -t tmpfs -o "$mode" tmpfs "$path" || failed=1
    continue
  fi
  if [ "$serial" = - ] || mountpoint -q "$path"; then continue; fi
  device=$(device_of "$serial")
  if [ ! -b "$device" ]; then
    echo "the disk of the volume at $path is not there" >&2
    failed=1
    continue
  fi
  about=$(blkid -p -o export "$device") && known=yes || known=
  case $about in *LABEL=envup-new*) known= ;; esac
  if [ -z "$known" ] && ! fill "$device" "$path"; then
    echo "the volume at $path could not be filled" >&2
    failed=1
    continue
  fi
  mount -o "$mode" "$device" "$path" || failed=1
done </var/lib/envup/volumes
exit $failed
