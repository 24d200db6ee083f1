#!/bin/sh
# Makes a fresh Debian machine ready for the project: Debian packages, npm packages, native build.
# Says what it does; a second run only checks. Runs on the system's own tools, before the pinned Node is there.
# --quiet prints nothing when there is nothing to do. Exit code 69: something is missing that it cannot provide.
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
has() { command -v "$1" >/dev/null 2>&1; }

# Two runs at once would install the same things into each other.
begin_work() {
  [ -z "${working:-}" ] || return 0
  working=1
  mkdir -p build 2>/dev/null && [ -w build ] || fail "the directory $(pwd)/build cannot be written" "Run this as the owner of the checkout, or as root."
  if has flock; then
    exec 9>build/setup.lock
    flock -n 9 || { say "waiting for another set-up of this checkout"; flock 9; }
  fi
}

# Prints the wanted Debian packages that are not installed, each after a blank.
missing_packages() {
  # shellcheck disable=SC2046
  set -- $(sed -e 's/#.*//' -e 's/[[:space:]].*//' scripts/debian-packages.txt)
  installed=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "$@" 2>/dev/null | awk '$2 == "installed" { print $1 }')
  for name in "$@"; do
    printf '%s\n' "$installed" | grep -qxF "$name" || printf ' %s' "$name"
  done
}

install_packages() {
  export DEBIAN_FRONTEND=noninteractive
  # shellcheck disable=SC2086
  apt-get install -y -qq --no-install-recommends $1 >>build/apt.log 2>&1
}

if has dpkg-query; then
  missing=$(missing_packages)
else
  missing=""
  for tool in lxc-start mksquashfs busybox ip gcc; do has "$tool" || missing="$missing $tool"; done
  [ -z "$missing" ] || fail "this system has no dpkg, and these programs are missing:$missing" \
    "Install them with the package manager of your system and run this again."
fi
if [ -n "$missing" ]; then
  [ "$(id -u)" = 0 ] || fail "these Debian packages are missing:$missing" \
    "Run this as root, or install them: apt-get install --no-install-recommends$missing"
  has apt-get || fail "these Debian packages are missing and there is no apt-get:$missing"
  begin_work
  missing=$(missing_packages)
fi
[ -z "$missing" ] || say "installing Debian packages:$missing"

has npm || fail "npm is missing" "Install it: apt-get install nodejs npm (Node 20 or later)."
# What npm would install depends on these files alone; the stamp holds their checksum.
wanted_npm() { cat package.json .npmrc packages/*/package.json apps/*/package.json images/package.json package-lock.json 2>/dev/null | cksum; }
installed_npm() { cat node_modules/.setup-stamp 2>/dev/null || true; }
npm_job=""
if [ "$(installed_npm)" != "$(wanted_npm)" ]; then
  begin_work
  if [ "$(installed_npm)" != "$(wanted_npm)" ]; then
    say "installing npm packages"
    # Beside the Debian packages: one waits for the network while the other unpacks.
    # 'install', not 'ci': ci refuses a lock file without the entries of optional packages for other platforms.
    npm install --no-save --ignore-scripts --no-audit --no-fund --loglevel=error >build/npm.log 2>&1 &
    npm_job=$!
    trap '[ -z "$npm_job" ] || kill "$npm_job" 2>/dev/null || true' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
  fi
fi

if [ -n "$missing" ]; then
  : >build/apt.log
  # A fresh machine has no package lists yet, or old ones: fetch them only when it does not work without.
  install_packages "$missing" || {
    say "fetching the lists of Debian packages"
    apt-get update -qq >>build/apt.log 2>&1 && install_packages "$missing"
  } || {
    tail -n 5 build/apt.log >&2
    fail "apt-get could not install:$missing" "The whole output is in build/apt.log."
  }
fi

if [ -n "$npm_job" ]; then
  status=0
  wait "$npm_job" || status=$?
  npm_job=""
  [ "$status" = 0 ] || {
    tail -n 15 build/npm.log >&2
    fail "npm could not install the packages" "The whole output is in build/npm.log."
  }
  wanted_npm >node_modules/.setup-stamp
fi
node=node_modules/.bin/node
{ [ -x "$node" ] && "$node" --version >/dev/null 2>&1; } || fail "the pinned Node does not run on this machine ($(uname -m))" \
  "Only x86-64 and arm64 Linux with glibc are supported for development."

"$node" packages/linux/build.ts >&2 || fail "the native build of packages/linux failed"
# Only a faster start: a source that does not even parse is for the checks to tell.
"$node" apps/device/build.ts >&2 || say "pantavisor is not bundled and runs from its sources"
# The hub serves everything else without it.
"$node" apps/console/build.ts >&2 || say "the console is not built"
[ $quiet = 1 ] || say "ready: Node $("$node" --version), LXC $(lxc-start --version 2>/dev/null || echo missing)"
