/** The start of a machine whose PID 1 we are: one step after the other, before anything else of the device (boot.md §2). */
import type { DeviceConfig } from '../config/table.ts';
import type { Host } from '../host/ports.ts';
import type { LogLevel } from '../runtime/log.ts';
import { makeDirectories } from '../volumes/directories.ts';
import { mountControlGroups } from './control-groups.ts';
import { startEarlyPrograms } from './early-programs.ts';
import { loadModules } from './kernel-modules.ts';
import { mountStorage } from './storage.ts';

/** Takes what there is to say before the device has its log. */
export type InitLog = (level: LogLevel, text: string) => void;

export interface StartRequest {
  config: DeviceConfig;
  /** Kernel command line. */
  cmdline: string;
  /** Directory of the storage. */
  storage: string;
  log: InitLog;
}

interface Step {
  name: string;
  /** Done in mode `standalone`, too, where nothing is mounted until a person starts the runtime by hand. */
  standalone?: true;
  /** Without it nothing else can work; else the start goes on. */
  vital: boolean;
  run(host: Host, request: StartRequest): Promise<void>;
}

const programTimeout = 60_000;

const steps: readonly Step[] = [
  {
    name: 'load the modules of the hardware',
    standalone: true,
    vital: false,
    run: (host, { log }) => loadModules(host, log),
  },
  { name: 'say who takes crashes', standalone: true, vital: false, run: ({ files }) => takeCrashes(files) },
  { name: 'mount control groups', vital: true, run: (host, { log }) => mountControlGroups(host, log) },
  {
    name: 'bring up the loopback interface',
    standalone: true,
    vital: false,
    run: ({ network }) => network.setUp('lo'),
  },
  {
    name: 'start early programs',
    vital: false,
    run: (host, { config, log }) => startEarlyPrograms(host, `${config.PV_SYSTEM_LIBDIR}/pv/hooks_early.spawn`, log),
  },
  { name: 'load the module of the storage', vital: false, run: loadModuleOfStorage },
  { name: 'mount /etc/fstab', vital: false, run: mountTable },
  { name: 'mount directories of memory', vital: true, run: mountMemory },
  {
    name: 'mount the storage',
    vital: true,
    run: (host, { config, cmdline, storage, log }) =>
      mountStorage(host, config, { storage, cmdline, mayGrow: config.PV_SYSTEM_INIT_MODE === 'embedded' }, log),
  },
  { name: 'mount the logs', vital: false, run: mountLogs },
];

/**
 * Brings the machine up to the point where a device can be started on its storage. May be run again on a machine that is up.
 * @throws what made a vital step fail
 */
export async function startMachine(host: Host, request: StartRequest): Promise<void> {
  const isStandalone = request.config.PV_SYSTEM_INIT_MODE === 'standalone';
  for (const { name, vital, standalone, run } of steps) {
    if (isStandalone && standalone !== true) continue;
    try {
      await run(host, request);
    } catch (error) {
      if (vital) throw error;
      request.log('WARN', `cannot ${name}: ${error instanceof Error ? error.message : error}`);
    }
  }
}

/** The program that the kernel runs when another one crashes, where the installation has it; PV_SYSCTL_KERNEL_CORE_PATTERN may say otherwise later. */
const crashProgram = '/lib/pv/pvcrash';
/** Pid in the first namespace, number of the signal, name (core(5)). */
const crashPattern = `|${crashProgram} --skip %P %s %e`;

async function takeCrashes(files: Host['files']): Promise<void> {
  if ((await files.status(crashProgram, { follow: true })) === undefined) return;
  await files.write('/proc/sys/kernel/core_pattern', `${crashPattern}\n`);
}

/** A kernel that mounts file systems finds their modules itself; some cannot ask for them, or need them before. */
async function loadModuleOfStorage({ processes }: Host, { config }: StartRequest): Promise<void> {
  const { PV_SYSTEM_DRIVERS_LOAD_EARLY_AUTO: wanted, PV_STORAGE_FSTYPE: type } = config;
  if (!wanted || type === undefined || type === '') return;
  const { code, stderr } = await processes.run(['modprobe', type], { timeout: programTimeout });
  if (code !== 0) throw new Error(stderr.trim() || `modprobe ${type} ended with code ${code}`);
}

async function mountTable({ files, processes }: Host): Promise<void> {
  if ((await files.status('/etc/fstab', { follow: true })) === undefined) return;
  const { code, stderr } = await processes.run(['mount', '-a'], { timeout: programTimeout });
  if (code !== 0) throw new Error(stderr.trim() || `mount -a ended with code ${code}`);
}

async function mountMemory(host: Host, { config }: StartRequest): Promise<void> {
  const { files, mounts } = host;
  const mounted = new Set((await mounts.list()).map(({ target }) => target));
  const wanted = [
    { target: '/root', type: 'tmpfs', data: 'mode=0700' },
    ...(config.PV_SYSTEM_MOUNT_SECURITYFS ? [{ target: '/sys/kernel/security', type: 'securityfs', data: '' }] : []),
  ];
  for (const { target, type, data } of wanted) {
    if (mounted.has(target)) continue;
    await makeDirectories(files, target);
    await mounts.mount({ source: type, target, type, flags: ['nosuid', 'nodev'], ...(data === '' ? {} : { data }) });
  }
  await makeDirectories(files, config.PV_DISK_WRITABLEDIR);
}

async function mountLogs({ files, mounts }: Host, { config, storage }: StartRequest): Promise<void> {
  const size = config.PV_STORAGE_LOGTEMPSIZE;
  const target = `${storage}/logs`;
  if (size === undefined || size === '') return;
  if ((await mounts.list()).some((mount) => mount.target === target)) return;
  await makeDirectories(files, target);
  await mounts.mount({
    source: 'tmpfs',
    target,
    type: 'tmpfs',
    flags: ['nosuid', 'nodev'],
    data: `size=${size},mode=0755`,
  });
}
