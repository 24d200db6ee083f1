import { testClock } from '../testing/clock.ts';
import { testContainers } from '../testing/containers.ts';
import { testFiles } from '../testing/files.ts';
import { testMounts } from '../testing/mounts.ts';
import { testWatchdogs } from '../testing/watchdogs.ts';
import { createMemoryHost } from './host.ts';
import { makeMemoryImage } from './images.ts';
import { newWatchdog } from './watchdog.ts';

const name = 'simulated machine';

testClock(name, async () => {
  const { clock, runFor: settle } = createMemoryHost();
  return { clock, settle };
});

testFiles(name, async () => {
  const { files } = createMemoryHost();
  await files.makeDirectory('/d');
  return { files, directory: '/d' };
});

testMounts(name, async () => {
  const { files, mounts } = createMemoryHost();
  await files.makeDirectory('/d');
  const makeImage = async (path: string, content: Record<string, string>) => {
    await files.write(path, makeMemoryImage(content));
    return { filesystem: 'squashfs' };
  };
  return { mounts, files, directory: '/d', makeImage };
});

testWatchdogs(name, async () => {
  const { files, machine, watchdogs } = createMemoryHost();
  await files.makeDirectory('/d');
  machine.watchdogs.set('/dev/watchdog', newWatchdog());
  return { watchdogs, files, directory: '/d', device: '/dev/watchdog' };
});

testContainers(name, async () => {
  const host = createMemoryHost();
  const behaviours = {
    obeys: {},
    'ignores-halt': { ignoresHalt: true },
    'ends-with-3': { endsAfter: 20, exit: { kind: 'code', code: 3 } },
    refused: { fails: 'Failed to parse config file: unknown key lxc.nonsense' },
  } as const;
  let settle = host.runFor;
  return {
    containers: host.containers,
    settle: (promise) => settle(promise),
    ready: async () => {},
    prepare: async (container, init) => {
      host.machine.scripts.set(container, behaviours[init]);
      await host.files.write(`/${container}.conf`, '');
      return {
        name: container,
        lxcPath: '/lxc',
        configFile: `/${container}.conf`,
        logFile: `/${container}.log`,
        logLevel: 'INFO',
        environment: {},
      };
    },
    restarted: async () => {
      const later = host.restartRuntime();
      settle = later.runFor;
      return later.containers;
    },
  };
});
