/** The program that the small host runs to prove its containers, with real LXC: the same suite as for the other hosts. */
import { testContainers } from '../../testing/containers.ts';
import { createSmallMachine } from '../index.ts';
import { runAll } from './runner.ts';

const { host, newContainers } = createSmallMachine();
const { files, system, clock, processes } = host;
const containers = newContainers();
const [top = ''] = system.arguments;
let made = 0;

const inits = {
  // A trap only runs between commands, so the shell waits in its own `wait`.
  obeys: "trap 'exit 0' PWR\nwhile :; do sleep 1000 & wait; done",
  'ignores-halt': "trap '' PWR\nwhile :; do sleep 1000 & wait; done",
  'ends-with-3': 'exit 3',
};
const power = 29n;

/** SIGPWR in the masks of caught and ignored signals, which /proc/PID/status shows. */
async function heedsPower(pid: number): Promise<boolean> {
  const status = await files.readText(`/proc/${pid}/status`);
  const masks = [...status.matchAll(/^Sig(?:Cgt|Ign):\t([0-9a-f]+)$/gm)].map((match) => BigInt(`0x${match[1]}`));
  return masks.some((mask) => ((mask >> power) & 1n) === 1n);
}

async function makeRoot(path: string): Promise<void> {
  await files.makeDirectory(path);
  for (const name of ['bin', 'dev', 'proc', 'sys', 'tmp']) await files.makeDirectory(`${path}/${name}`);
  await files.copy('/bin/busybox', `${path}/bin/busybox`, 0o755);
  for (const name of ['sh', 'sleep']) await files.symlink('busybox', `${path}/bin/${name}`);
  for (const [name, script] of Object.entries(inits))
    await files.write(`${path}/${name}`, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

system.becomeSubreaper();
testContainers('small', async () => {
  made += 1;
  const directory = `${top}/${made}`;
  const lxcPath = `${directory}/lxc`;
  const group = `${top.slice(top.lastIndexOf('/') + 1)}-${made}`;
  for (const path of [directory, lxcPath, `${directory}/mount`]) await files.makeDirectory(path);
  await makeRoot(`${directory}/root`);
  const names = new Set<string>();
  return {
    containers,
    settle: (promise) => promise,
    ready: async ({ initPid }) => {
      while (!(await heedsPower(initPid))) await new Promise<void>((next) => clock.after(1, next));
    },
    restarted: async () => newContainers(),
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
      await files.write(configFile, `${config.join('\n')}\n`);
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
      await processes.run(['rm', '-rf', directory, `/run/lxc/lock${directory}`]);
    },
  };
});

runAll((line) => system.print('stdout', `${line}\n`)).then(() => system.exit(0));
