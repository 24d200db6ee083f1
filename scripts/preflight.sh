#!/bin/sh
# Tries what containers need, inside the mount and network namespaces that preflight.ts made for it.
# $1: an empty directory. Prints a line for each facility: "ok KEY" or "no KEY REASON".
work=$1
echo 'ok namespaces'

# attempt KEY COMMAND...: the last line of what the command says is the reason.
attempt() {
  key=$1
  shift
  if said=$("$@" 2>&1); then
    echo "ok $key"
  else
    echo "no $key $(printf '%s\n' "$said" | tail -n 1)"
    return 1
  fi
}

mkdir "$work/root" "$work/root/dev" "$work/root/proc" "$work/lower" "$work/tmp" "$work/merged" "$work/mount" "$work/lxc"
cp /bin/busybox "$work/root/busybox"
mksquashfs "$work/root" "$work/image" -no-progress -quiet -comp zstd -Xcompression-level 1 -noI -noD -noF >/dev/null

attempt bridge ip link add pv-try type bridge && attempt bridge ip link add pv-try0 type veth peer name pv-try1

if attempt loop losetup --find && attempt squashfs mount -t squashfs -o loop,ro "$work/image" "$work/lower"; then
  mount -t tmpfs tmpfs "$work/tmp" && mkdir "$work/tmp/upper" "$work/tmp/work"
  if attempt overlay mount -t overlay -o "lowerdir=$work/lower,upperdir=$work/tmp/upper,workdir=$work/tmp/work" overlay "$work/merged"; then
    cat >"$work/config" <<CONFIG
lxc.rootfs.path = dir:$work/merged
lxc.rootfs.mount = $work/mount
lxc.init.cmd = /busybox true
lxc.net.0.type = empty
lxc.mount.auto = proc
lxc.log.file = $work/log
lxc.log.level = ERROR
CONFIG
    start() {
      lxc-start -F -n "pv-preflight-$$" -f "$work/config" -P "$work/lxc" </dev/null && return
      sed -n '1s/.* - //p' "$work/log"
      return 1
    }
    attempt lxc start
  fi
  umount "$work/merged" "$work/tmp" "$work/lower" 2>/dev/null
fi
exit 0
