import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { after, before, describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { setChildSubreaper } from '@pantavisor/linux';
import { LxcContainers } from '../lxc/containers.ts';
import { type ContainersFixture, testContainers } from '../testing/containers.ts';
import { Children } from './children.ts';
import { createFiles } from './files.ts';
import { createProcessDoor } from './process-door.ts';
import { createText } from './text.ts';

const run = promisify(execFile);
const timeout = 60_000;

const inits = {
  // A trap only runs between commands, so the shell waits in its own `wait`.
  obeys: "trap 'exit 0' PWR\nwhile :; do sleep 1000 & wait; done",
  'ignores-halt': "trap '' PWR\nwhile :; do sleep 1000 & wait; done",
  'ends-with-3': 'exit 3',
};

/** SIGPWR in the masks of caught and ignored signals, which /proc/PID/status shows. */
function heedsPower(pid: number): boolean {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const masks = [...status.matchAll(/^Sig(?:Cgt|Ign):\t([0-9a-f]+)$/gm)].map((match) => BigInt(`0x${match[1]}`));
  return masks.some((mask) => ((mask >> 29n) & 1n) === 1n);
}

async function missing(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'needs root';
  const found = await run('sh', ['-c', 'command -v lxc-start && test -x /bin/busybox']).catch(() => undefined);
  return found ? undefined : 'needs lxc-start and /bin/busybox';
}

async function makeRoot(path: string): Promise<void> {
  for (const name of ['bin', 'dev', 'proc', 'sys', 'tmp']) await mkdir(`${path}/${name}`, { recursive: true });
  await copyFile('/bin/busybox', `${path}/bin/busybox`);
  for (const name of ['sh', 'sleep']) await symlink('busybox', `${path}/bin/${name}`);
  for (const [name, script] of Object.entries(inits))
    await writeFile(`${path}/${name}`, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

type Exits = Parameters<typeof createProcessDoor>[1];

function runtime(children: Children, exitOf?: Exits): LxcContainers {
  return new LxcContainers({ files: createFiles(), door: createProcessDoor(children, exitOf), text: createText() });
}

async function create(exitOf?: Exits): Promise<ContainersFixture & { group: string; containers: LxcContainers }> {
  const directory = await mkdtemp(`${tmpdir()}/node-host-lxc-`);
  const lxcPath = `${directory}/lxc`;
  const group = directory.slice(directory.lastIndexOf('/') + 1);
  await Promise.all([makeRoot(`${directory}/root`), mkdir(lxcPath), mkdir(`${directory}/mount`)]);
  const children = new Children();
  const containers = runtime(children, exitOf);
  const names = new Set<string>();
  return {
    containers,
    group,
    settle: (promise) => promise,
    ready: async ({ initPid }) => {
      while (!heedsPower(initPid)) await setImmediate();
    },
    // Asks the kernel: both runtimes would read the same monitor's pipe here, which two processes with the storage's lock cannot.
    restarted: async () => runtime(children),
    prepare: async (name, init) => {
      names.add(name);
      const configFile = `${directory}/${name}.conf`;
      const config = [
        `lxc.uts.name = ${name}`,
        `lxc.rootfs.path = dir:${directory}/root`,
        `lxc.rootfs.mount = ${directory}/mount`,
        `lxc.init.cmd = /${init}`,
        'lxc.net.0.type = empty',
        'lxc.mount.auto = proc:mixed sys:mixed',
        'lxc.tty.max = 0',
        `lxc.cgroup.dir = ${group}`,
        ...(init === 'refused' ? ['lxc.no.such.key = 1'] : []),
      ];
      await writeFile(configFile, `${config.join('\n')}\n`);
      return { name, lxcPath, configFile, logFile: `${directory}/${name}.log`, logLevel: 'ERROR', environment: {} };
    },
    dispose: async () => {
      for (const name of names) {
        const container = await containers.find(name, lxcPath);
        if (!container) continue;
        await containers.kill(container);
        await containers.exited(container);
      }
      await containers.removeControlGroups(group);
      await rm(directory, { recursive: true, force: true });
      await rm(`/run/lxc/lock${directory}`, { recursive: true, force: true });
    },
  };
}

function groupsOnDisk(group: string): string[] {
  const top = '/sys/fs/cgroup';
  const folders = [top, ...readdirSync(top).map((name) => `${top}/${name}`)];
  return folders.map((folder) => `${folder}/${group}`).filter((path) => existsSync(path));
}

const reason = await missing();
if (reason) it.skip(`containers: node (${reason})`);
else {
  before(() => setChildSubreaper(true));
  after(() => setChildSubreaper(false));
  testContainers('node', () => create());
  testContainers('node, on a kernel that does not tell exits', () => create(() => undefined));

  describe('LXC containers', () => {
    it('leave no control group behind', { timeout }, async () => {
      const made = await create();
      try {
        const container = await made.containers.start(await made.prepare('clean', 'obeys'));
        assert.notDeepEqual(groupsOnDisk(made.group), []);
        // A killed monitor cleans nothing up.
        process.kill(container.monitorPid, 'SIGKILL');
        await made.containers.exited(container);
        await made.containers.removeControlGroups(made.group);
        assert.deepEqual(groupsOnDisk(made.group), []);
      } finally {
        await made.dispose?.();
      }
    });
    it('have the same control group at each of ten starts, and leave no empty one behind', { timeout }, async () => {
      const made = await create();
      try {
        const request = await made.prepare('again', 'obeys');
        const groups = new Set<string>();
        for (let round = 0; round < 10; round += 1) {
          const container = await made.containers.start(request);
          groups.add(readFileSync(`/proc/${container.initPid}/cgroup`, 'utf8'));
          await made.containers.kill(container);
          await made.containers.exited(container);
          await made.containers.removeControlGroups(made.group);
          assert.deepEqual(groupsOnDisk(made.group), []);
        }
        assert.equal(groups.size, 1, [...groups].join('\n'));
      } finally {
        await made.dispose?.();
      }
    });
    it('keep their control groups while they run', { timeout }, async () => {
      const made = await create();
      try {
        const container = await made.containers.start(await made.prepare('busy', 'obeys'));
        await made.containers.removeControlGroups(made.group);
        assert.notDeepEqual(groupsOnDisk(made.group), []);
        assert.ok(((await made.containers.memory(container)) ?? 0) > 0);
      } finally {
        await made.dispose?.();
      }
    });
    it('are not mistaken for another process with the number of their monitor', { timeout }, async () => {
      const made = await create();
      try {
        const { lxcPath } = await made.prepare('stale', 'obeys');
        await mkdir(`${lxcPath}/stale`);
        await writeFile(`${lxcPath}/stale/monitor.pid`, `${process.pid}\n`);
        assert.equal(await made.containers.find('stale', lxcPath), undefined);
      } finally {
        await made.dispose?.();
      }
    });
    it('leave no descriptor open', { timeout }, async () => {
      const made = await create();
      try {
        const request = await made.prepare('once', 'ends-with-3');
        await made.containers.exited(await made.containers.start(request));
        const before = readdirSync('/proc/self/fd').length;
        for (let round = 0; round < 5; round += 1) {
          await made.containers.exited(await made.containers.start(request));
          await assert.rejects(made.containers.start({ ...request, configFile: '/nonexistent' }), { code: 'LXC' });
        }
        assert.equal(readdirSync('/proc/self/fd').length, before);
      } finally {
        await made.dispose?.();
      }
    });
  });
}
