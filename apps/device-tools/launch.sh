#!/bin/sh
# launch.sh TOOL [ARGUMENT]... - runs a tool on the host that PANTAVISOR_HOST names: `small` is the static executable of
# apps/device/build-small.ts, anything else the Node that the project pins.
tool=$1
shift
here=$(dirname "$(readlink -f "$0")")
root=$here/../..
if [ "${PANTAVISOR_HOST:-node}" = small ]; then
  case $(uname -m) in x86_64) machine=x64 ;; aarch64) machine=arm64 ;; *) machine=arm ;; esac
  small=$root/build/small-host/$machine/$tool
  [ -x "$small" ] || { echo "$tool: cannot find $small; run 'npm run build:small' in the checkout" >&2; exit 1; }
  exec "$small" "$@"
fi
# The shell builds have to run where nothing else does, so they are what there is on Node, too.
[ ! -f "$here/src/$tool.ts" ] && exec sh "$here/sh/$tool" "$@"
node=$root/node_modules/.bin/node
[ -x "$node" ] || { echo "$tool: cannot find the project's Node in $node; run 'npm run setup' in the checkout" >&2; exit 1; }
# Compiled code is kept, so that the second run starts in half the time of the first.
NODE_COMPILE_CACHE=${NODE_COMPILE_CACHE:-$root/build/compile-cache} exec "$node" "$here/src/$tool.ts" "$@"
