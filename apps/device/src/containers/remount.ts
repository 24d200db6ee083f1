/**
 * Remount policies: mount points of a container that get other options before its init runs (boot.md §9). LXC runs the program
 * made here in the container's own mount namespace, where its root file system is still below LXC_ROOTFS_MOUNT.
 */
import type { Container, RemountRule, State } from '@pantavisor/state';

/** Policy when the machine names none. */
const defaultPolicy = 'default';

/** Policy that the environment names: PV_REMOUNT_POLICY, or the word of the kernel's command line, which init gets as a variable. */
export function remountPolicy(environment: Readonly<Record<string, string>>): string {
  return environment.PV_REMOUNT_POLICY || environment.pv_remount_policy || defaultPolicy;
}

/** Rules for a container: those of the device, then its own. */
export function remountRules(
  state: Pick<State, 'remount'> | undefined,
  container: Pick<Container, 'remount'>,
  policy: string,
): RemountRule[] {
  return [...(state?.remount[policy] ?? []), ...(container.remount[policy] ?? [])];
}

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/**
 * The program for LXC's mount hook. Each rule looks at every mount point of the container, all of them at once, since each program that
 * is started here delays the container; options that a mount has stay unless the
 * rule says otherwise. What the kernel refuses is said on stderr, which LXC logs, and does not keep the container from starting.
 */
export function remountProgram(rules: readonly RemountRule[]): string {
  const calls = rules.map(({ path, options }) => `apply ${quoted(path.replace(/\/+$/, ''))} ${quoted(options)}`);
  return `#!/bin/sh
# Options of mount points, by the remount policy of the revision.
present() {
  kept=
  for flag in ro nosuid nodev noexec noatime nodiratime relatime; do
    case ,$1, in *,$flag,*) kept=$kept,$flag ;; esac
  done
  echo "$kept"
}
apply() {
  cut -d' ' -f2,4 /proc/self/mounts | grep -E -- "^$LXC_ROOTFS_MOUNT\${1:+($1)} " | while read -r target options; do
    # The kernel writes a blank as \\040.
    target=$(printf %b "$target")
    mount -o "remount,bind$(present "$options"),$2" "$target" || echo "cannot remount $target with $2" >&2
  done
}
${calls.join('\n')}
exit 0
`;
}
