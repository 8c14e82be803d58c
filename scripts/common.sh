# shellcheck shell=bash
# What the scripts beside this file share: where things are, how they speak, how they become root.
# Sourced, never run.

set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Tools that only development needs live outside the clone, so that a second clone finds them ready.
tools=${XDG_CACHE_HOME:-$HOME/.cache}/envup-dev/tools

# dockerd and iptables live in sbin, which ordinary users do not have on PATH.
export PATH="$tools/bin:$HOME/.cargo/bin:$PATH:/usr/local/sbin:/usr/sbin:/sbin"

say()  { printf "%s\n" "$@"; }
fail() {
  printf 'error: %s\n' "$1" >&2
  shift
  if [ $# -gt 0 ]; then printf 'hint: %s\n' "$@" >&2; fi
  exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif have sudo; then sudo -- "$@"
  else fail "this needs root: $*" "run it as root, or install sudo"
  fi
}
