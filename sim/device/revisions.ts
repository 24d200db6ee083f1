/** Revisions for simulated devices: one container that changes from one to the next and behaves as it is told, one that stays. */
import type { ContainerScript } from '../../apps/device/src/host/memory/container-script.ts';
import { makeMemoryImage } from '../../apps/device/src/host/memory/images.ts';
import { sha256Hex } from '../../apps/device/src/host/memory/sha256.ts';
import { encodeUtf8 } from '../../apps/device/src/host/memory/utf8.ts';

/** How the container of a revision behaves; it is written in its configuration. */
export const behaviours = {
  good: {},
  /** Ends by itself soon after its start. */
  exits: { endsAfter: 200, exit: { kind: 'code', code: 1 } },
  /** LXC refuses it. */
  unstartable: { fails: 'Failed to spawn container' },
  /** Never says that it is ready. */
  silent: {},
} as const satisfies Record<string, ContainerScript>;
export type Behaviour = keyof typeof behaviours;

/** A state with everything that has to be uploaded for it. */
export interface Revision {
  name: string;
  state: string;
  /** By id. */
  objects: ReadonlyMap<string, Uint8Array>;
  good: boolean;
}

export interface RevisionOptions {
  behaviour?: Behaviour;
  /** Whether a change of the container takes a reboot. */
  policy?: 'container' | 'system';
  /** A state that names an object which nobody uploads. */
  incomplete?: boolean;
}

const groups = (policy: string) => [
  { name: 'apps', status_goal: 'STARTED', restart_policy: policy, timeout: 30 },
  { name: 'stable', status_goal: 'STARTED', restart_policy: 'container', timeout: 30 },
];

/** Puts a revision together. Equal arguments give equal revisions. @param name of the revision, or `0` */
export function makeRevision(name: string, options: RevisionOptions = {}): Revision {
  const { behaviour = 'good', policy = 'container', incomplete = false } = options;
  const objects = new Map<string, Uint8Array>();
  const store = (content: Uint8Array) => {
    const id = sha256Hex(content);
    objects.set(id, content);
    return id;
  };
  const root = makeMemoryImage({ '/sbin/init': `#! ${name}` });
  const config = (container: string, acts: string) =>
    encodeUtf8(
      `lxc.environment = ACTS=${acts}\nlxc.environment = REVISION=${container === 'app' ? name : 'any'}\n` +
        `lxc.rootfs.path = overlayfs:/volumes/${container}/root.squashfs:/volumes/${container}/lxc-overlay/upper\n`,
    );
  const run = (container: string, group: string) => ({
    name: container,
    type: 'lxc',
    config: 'lxc.container.conf',
    'root-volume': 'root.squashfs',
    group,
    ...(container === 'app' && behaviour === 'silent' ? { status_goal: 'READY' } : {}),
    storage: { 'lxc-overlay': { persistence: 'boot' } },
  });
  const state = JSON.stringify({
    '#spec': 'pantavisor-service-system@1',
    'groups.json': groups(policy),
    'app/run.json': run('app', 'apps'),
    'app/root.squashfs': store(root),
    'app/lxc.container.conf': store(config('app', behaviour)),
    'base/run.json': run('base', 'stable'),
    'base/root.squashfs': store(makeMemoryImage({ '/sbin/init': '#! base' })),
    'base/lxc.container.conf': store(config('base', 'good')),
    ...(incomplete ? { 'app/data.tar': sha256Hex(encodeUtf8('nobody has this')) } : {}),
  });
  return { name, state, objects, good: behaviour === 'good' && !incomplete };
}

/** What a container's configuration says of it. */
export function readMarks(config: string): { behaviour: Behaviour; revision: string } {
  const acts = /^lxc\.environment = ACTS=(\w+)$/m.exec(config)?.[1] ?? 'good';
  return {
    behaviour: Object.hasOwn(behaviours, acts) ? (acts as Behaviour) : 'good',
    revision: /^lxc\.environment = REVISION=(\S+)$/m.exec(config)?.[1] ?? 'any',
  };
}
