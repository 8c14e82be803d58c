# Functions for the scripts of cases.
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
# Whatever a case wrote into /etc/environment for others: who comes over ssh gets it.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
case_name=tools
trap '[ $? = 0 ] || echo "failed in the case: $case_name" >&2' EXIT

# package NAME VERSION [PATH TEXT]...: builds a package of these files and installs it. What is below /etc is configuration,
# what is below a bin directory can be run.
package() {
  name=$1 version=$2
  shift 2
  tree=$(mktemp -d)
  chmod 755 "$tree"
  mkdir "$tree/DEBIAN"
  printf '%s\n' "Package: $name" "Version: $version" 'Architecture: all' 'Maintainer: nobody <nobody@example.org>' \
    'Description: part of a test' >"$tree/DEBIAN/control"
  while [ $# -gt 0 ]; do
    mkdir -p "$tree$(dirname "$1")"
    printf '%s\n' "$2" >"$tree$1"
    case $1 in
      /etc/*) echo "$1" >>"$tree/DEBIAN/conffiles" ;;
      */bin/*) chmod 755 "$tree$1" ;;
    esac
    shift 2
  done
  dpkg-deb -Znone --root-owner-group --build "$tree" "$tree.deb" >/dev/null
  dpkg --force-unsafe-io --install "$tree.deb" >/dev/null
  rm -r "$tree" "$tree.deb"
}

# file PATH TEXT [MODE]: writes a file with the directories above it.
file() {
  mkdir -p "$(dirname "$1")"
  printf '%s\n' "$2" >"$1"
  chmod "${3:-644}" "$1"
}

# edit_unnoticed PATH TEXT: writes as many other bytes into a file, and gives it its times back.
edit_unnoticed() {
  size=$(stat -c %s "$1")
  touch -r "$1" /tmp/times
  printf '%s\n' "$2" | dd of="$1" conv=notrunc status=none
  touch -r /tmp/times "$1"
  [ "$(stat -c %s "$1")" = "$size" ]
}

# service NAME [DIRECTORY]: a unit that lasts and can be enabled, by default where packages have theirs.
service() {
  file "${2:-/usr/lib/systemd/system}/$1.service" \
    "$(printf '[Install]\nWantedBy=multi-user.target\n[Service]\nExecStart=/bin/sleep infinity')"
}

# listen ADDRESS PORT: starts something that listens there, until listener-PORT is stopped.
listen() {
  systemd-run --quiet --unit="listener-$2" /usr/bin/python3 -m http.server --bind "$1" "$2"
  until ss --no-header --listening --tcp --numeric "sport = :$2" | grep -q .; do sleep 0.1; done
}

# unpacked: waits until nobody can take a change for a part of unpacking a package, which is so for two seconds.
unpacked() {
  latest=$(stat -c %Z /var/lib/dpkg/info/*.list | sort -n | tail -n 1)
  until [ $(($(date +%s) - latest)) -gt 3 ]; do sleep 0.2; done
}
