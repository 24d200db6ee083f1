#!/bin/sh
# Makes a fresh Debian machine ready for the project: Debian packages, npm packages, native build.
# Says what it does; a second run only checks stamps. Runs on the system's own tools, before Node 26 exists.
# --quiet prints nothing when there is nothing to do.
set -eu
cd "$(dirname "$0")/.."
quiet=0
[ "${1:-}" = "--quiet" ] && quiet=1

say() { printf 'setup: %s\n' "$*" >&2; }
fail() {
  printf 'setup: cannot continue: %s\n' "$1" >&2
  shift
  for hint in "$@"; do printf '       %s\n' "$hint" >&2; done
  exit 69
}

mkdir -p build
listed=$(sed -e 's/#.*//' -e 's/[[:space:]].*//' scripts/debian-packages.txt | grep -v '^$')

missing=""
if command -v dpkg-query >/dev/null 2>&1; then
  # shellcheck disable=SC2086
  installed=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' $listed 2>/dev/null | awk '$2=="installed"{print $1}')
  for name in $listed; do
    printf '%s\n' "$installed" | grep -qxF "$name" || missing="$missing $name"
  done
else
  for tool in lxc-start mksquashfs busybox ip gcc; do
    command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
  done
  [ -z "$missing" ] || fail "this system has no dpkg, and these programs are missing:$missing" \
    "Install them with the package manager of your system and run this again."
fi
if [ -n "$missing" ]; then
  [ "$(id -u)" = 0 ] || fail "these Debian packages are missing:$missing" \
    "Run this as root, or install them: apt-get install --no-install-recommends$missing"
  command -v apt-get >/dev/null 2>&1 || fail "these Debian packages are missing and there is no apt-get:$missing"
  say "installing Debian packages:$missing"
  export DEBIAN_FRONTEND=noninteractive
  # shellcheck disable=SC2086
  apt-get install -y -qq --no-install-recommends $missing >build/apt.log 2>&1 ||
    { apt-get update -qq >build/apt.log 2>&1 && apt-get install -y -qq --no-install-recommends $missing >>build/apt.log 2>&1; } ||
    { tail -n 5 build/apt.log >&2; fail "apt-get could not install:$missing" "The whole output is in build/apt.log."; }
fi

command -v npm >/dev/null 2>&1 || fail "npm is missing" "Install Debian's nodejs and npm (Node 20 or later)."
wanted=$(cat package.json packages/*/package.json apps/*/package.json package-lock.json | cksum)
if [ "$(cat node_modules/.setup-stamp 2>/dev/null || true)" != "$wanted" ]; then
  say "installing npm packages"
  # 'install', not 'ci': ci refuses a lock file without the entries of optional packages for other platforms.
  npm install --no-save --ignore-scripts --no-audit --no-fund --loglevel=error >build/npm.log 2>&1 ||
    { tail -n 15 build/npm.log >&2; fail "npm could not install the packages" "The whole output is in build/npm.log."; }
  printf '%s\n' "$wanted" >node_modules/.setup-stamp
fi
node=node_modules/.bin/node
[ -x "$node" ] && "$node" --version >/dev/null 2>&1 ||
  fail "the pinned Node does not run on this machine ($(uname -m))" "Only x86-64 and arm64 Linux with glibc are supported for development."

"$node" packages/linux/build.ts >&2 || fail "the native build of packages/linux failed"
[ $quiet = 1 ] || say "ready: Node $("$node" --version), LXC $(lxc-start --version 2>/dev/null || echo missing)"
