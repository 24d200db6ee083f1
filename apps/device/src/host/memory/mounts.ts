/** The port `Mounts` on the simulated machine. */
import { HostError, type Mounts } from '../ports.ts';
import type { Gate } from './gate.ts';
import { unpackMemoryImage } from './images.ts';
import type { Machine } from './machine.ts';
import type { Mount } from './name-space.ts';

/** File systems without a device behind them, empty when mounted. */
const virtual = new Set(['tmpfs', 'proc', 'sysfs', 'devtmpfs', 'devpts', 'cgroup', 'cgroup2', 'mqueue', 'securityfs']);

/** @param machine whose mount table it is; mounts stay when the runtime dies, and go with the power */
export function memoryMounts(machine: Machine, gate: Gate): Mounts {
  const { names } = machine;
  const now = () => machine.timeline.wall();

  function mountPoint(target: string): Mount {
    const mount = names.mountAt(target, 'unmount');
    if (mount === undefined) throw new HostError('EINVAL', 'unmount', target, 'not a mount point');
    return mount;
  }

  return {
    mount: ({ source, target, type = '', flags = [], data = '' }) =>
      gate(() => {
        machine.checkFaults('mount', target);
        if (flags.includes('bind') && flags.includes('remount')) {
          const { flags: own } = mountPoint(target);
          own.clear();
          for (const flag of flags) own.add(flag);
        } else if (flags.includes('bind')) {
          const from = names.find(source, 'mount');
          const kept = flags.filter((flag) => flag === 'readonly' && from.mount.flags.has('readonly'));
          const { fileSystem } = from.mount;
          // mount(2) ignores other flags of a bind mount until it is remounted.
          names.attach({ fileSystem, root: from.inode, source: from.mount.source, target, flags: kept });
        } else if (['private', 'shared', 'slave'].some((flag) => (flags as string[]).includes(flag)))
          mountPoint(target);
        else if (type === 'overlay') {
          const upper = /(?:^|,)upperdir=([^,]*)/.exec(data)?.[1];
          const lower = /(?:^|,)lowerdir=([^:,]*)/.exec(data)?.[1];
          if (upper === undefined && lower === undefined) throw new HostError('EINVAL', 'mount', target);
          // Only one layer is shown, which is enough for whoever mounts without looking inside.
          const shown = names.find(upper ?? lower ?? '', 'mount');
          const { fileSystem } = shown.mount;
          names.attach({ fileSystem, root: shown.inode, source, target, flags, type });
        } else if (virtual.has(type)) {
          const fileSystem = names.volatileFileSystem(type, now());
          names.attach({ fileSystem, root: fileSystem.root, source, target, flags });
        } else if (machine.blockDevices.has(source)) {
          const fileSystem = machine.blockDevices.get(source) ?? names.volatileFileSystem(type, now());
          machine.blockDevices.set(source, fileSystem);
          names.attach({ fileSystem, root: fileSystem.root, source, target, flags });
        } else throw new HostError('ENODEV', 'mount', target, `unknown filesystem type '${type}'`);
      }),
    mountImage: ({ image, target, filesystem, readOnly }) =>
      gate(() => {
        machine.checkFaults('mountImage', image);
        const { inode } = names.find(image, 'mount');
        if (inode.kind !== 'file') throw new HostError('EISDIR', 'mount', image);
        const fileSystem = names.volatileFileSystem(filesystem, now());
        unpackMemoryImage(inode.content, filesystem, fileSystem, target);
        const flags = readOnly ? (['readonly'] as const) : [];
        names.attach({ fileSystem, root: fileSystem.root, source: '/dev/loop0', target, flags: [...flags] });
      }),
    mountFrom: ({ source, target }) =>
      gate(() => {
        // Simulated containers have no files of their own: what they export is empty.
        machine.checkFaults('mount', target);
        const fileSystem = names.volatileFileSystem('tmpfs', now());
        names.attach({ fileSystem, root: fileSystem.root, source, target, flags: [] });
      }),
    unmount: (target, options = {}) =>
      gate(() => {
        machine.checkFaults('unmount', target);
        const mount = mountPoint(target);
        const busy = names.childrenOf(mount).length > 0 || machine.busyMounts.has(mount.target);
        if (busy && !options.detach) throw new HostError('EBUSY', 'unmount', target, 'target is busy');
        names.detach(mount);
      }),
    list: () => gate(() => names.list()),
  };
}
