/**
 * Can this machine run containers? Each facility is really tried, in namespaces of its own that end with the probe, so nothing is left
 * behind. As a program: prints what is missing and ends with 69 (EX_UNAVAILABLE), or prints nothing and ends with 0.
 */
import { spawn } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface MissingFacility {
  facility: string;
  /** What was tried and what the system said. */
  reason: string;
  hint: string;
}

/** What is tried, in this order; a later one may need the earlier ones. The keys are those that preflight.sh prints. */
const facilities: Record<string, { name: string; hint: string }> = {
  root: { name: 'root', hint: 'Run this as root: mounts, loop devices and containers need it.' },
  tools: { name: 'programs', hint: 'Install the packages of scripts/debian-packages.txt.' },
  namespaces: {
    name: 'mount and network namespaces',
    hint: 'A container needs CAP_SYS_ADMIN for this (docker run --privileged).',
  },
  loop: { name: 'loop devices', hint: 'The kernel needs CONFIG_BLK_DEV_LOOP, and /dev/loop-control must be there.' },
  squashfs: { name: 'squashfs with zstd', hint: 'The kernel needs CONFIG_SQUASHFS and CONFIG_SQUASHFS_ZSTD.' },
  overlay: {
    name: 'overlayfs',
    hint: 'The kernel needs CONFIG_OVERLAY_FS, and the temporary directory must not be an overlay.',
  },
  bridge: { name: 'network bridges and veth pairs', hint: 'The kernel needs CONFIG_BRIDGE and CONFIG_VETH.' },
  lxc: { name: 'LXC containers', hint: 'Control groups must be mounted and writable below /sys/fs/cgroup.' },
};

const tools = ['lxc-start', 'mksquashfs', 'busybox', 'ip', 'unshare', 'mount', 'losetup'];

function missingTools(path: string): string[] {
  const isThere = (tool: string): boolean =>
    path.split(delimiter).some((directory) => {
      try {
        accessSync(join(directory, tool), constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
  return tools.filter((tool) => !isThere(tool));
}

/** Runs the probes; each line of the answer is `ok KEY` or `no KEY REASON`. */
async function runProbes(work: string): Promise<string> {
  const script = fileURLToPath(new URL('preflight.sh', import.meta.url));
  // A pid namespace, since with its first process everything in it ends, whatever state a failed start was in.
  const namespaces = [
    '--mount',
    '--net',
    '--pid',
    '--fork',
    '--kill-child',
    '--mount-proc',
    '--propagation',
    'private',
  ];
  const argv = [...namespaces, 'sh', script, work];
  const child = spawn('unshare', argv, { stdio: ['ignore', 'pipe', 'pipe'], timeout: 20_000, killSignal: 'SIGKILL' });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  child.on('error', reject).on('close', () => resolve());
  await promise;
  return stdout.includes('ok namespaces') ? stdout : `no namespaces ${stderr.trim().split('\n').at(-1) ?? ''}\n`;
}

/**
 * Tries everything that a device in app-engine mode needs of the machine; takes about a tenth of a second.
 * @returns what is missing, in the order in which to put it right; empty when all is there. After a facility that others need, those
 * are not tried.
 */
export async function findMissingFacilities(): Promise<MissingFacility[]> {
  const missing = (key: string, reason: string): MissingFacility => {
    const { name, hint } = facilities[key] ?? { name: key, hint: '' };
    return { facility: name, reason, hint };
  };
  if (process.getuid?.() !== 0) return [missing('root', `the user id is ${process.getuid?.()}`)];
  const absent = missingTools(process.env.PATH ?? '');
  if (absent.length > 0) return [missing('tools', `not on the PATH: ${absent.join(', ')}`)];
  const work = mkdtempSync(join(tmpdir(), 'pantavisor-preflight-'));
  try {
    const lines = (await runProbes(work)).split('\n');
    return lines.flatMap((line) => {
      const [, key, reason] = /^no (\S+) ?(.*)$/.exec(line) ?? [];
      return key === undefined ? [] : [missing(key, reason || 'no reason was given')];
    });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** One message for all that is missing, without a newline at its end. */
export function describeMissing(missing: MissingFacility[]): string {
  const lines = missing.flatMap(({ facility, reason, hint }) => [`  ${facility}: ${reason}`, `    ${hint}`]);
  return ['cannot run containers on this machine:', ...lines].join('\n');
}

if (import.meta.main) {
  const missing = await findMissingFacilities();
  if (missing.length > 0) {
    console.error(`preflight: ${describeMissing(missing)}`);
    process.exitCode = 69;
  }
}
