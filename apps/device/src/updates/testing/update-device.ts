/** A whole device on the simulated machine that is updated through its control socket, over as many runtimes as it takes. */
import assert from 'node:assert/strict';
import type { Progress } from '@pantavisor/engine';
import type { ContainerBehaviour } from '../../host/memory/container-script.ts';
import type { MemoryHost, MemoryHostOptions } from '../../host/memory/host.ts';
import { decodeUtf8 } from '../../host/memory/utf8.ts';
import {
  type MemoryContainerSpec,
  MemoryDevice,
  type MemoryRevision,
  memoryRevision,
} from '../../runtime/testing/memory-device.ts';

export const groups = [
  { name: 'board', status_goal: 'STARTED', restart_policy: 'system', timeout: 30 },
  { name: 'app', status_goal: 'STARTED', restart_policy: 'container', timeout: 30 },
];

/** How the container of a revision behaves, by the mark in its LXC configuration. */
export const behaviours = {
  good: {},
  'ends at once': { endsAfter: 50, exit: { kind: 'code', code: 3 } },
  unstartable: { fails: 'refused by LXC' },
  'says ready': { ready: { after: 20, socketPath: '' } },
} satisfies Record<string, ContainerBehaviour>;
export type Behaviour = keyof typeof behaviours;

/** A container whose content, and so whose objects, differ by `version`. */
export function versioned(
  name: string,
  version: number,
  behaviour: Behaviour = 'good',
  run: Record<string, unknown> = {},
): MemoryContainerSpec {
  const root = `overlayfs:/volumes/${name}/root.squashfs:/volumes/${name}/lxc-overlay/upper`;
  const config = `lxc.rootfs.path = ${root}\nlxc.environment = MARK=${behaviour}/${version}\n`;
  return { name, config, run: { group: 'app', ...run } };
}

function scriptOf(name: string): (start: { config: string }) => ContainerBehaviour {
  return ({ config }) => {
    const mark = /MARK=([^/]+)\/\d+/.exec(config)?.[1] ?? 'good';
    assert.ok(Object.hasOwn(behaviours, mark), `${name}: ${mark}`);
    return behaviours[mark as Behaviour];
  };
}

/** A revision with further members: texts become objects, everything else stands in the state. */
function revisionOf(
  host: MemoryHost,
  containers: readonly MemoryContainerSpec[],
  members: Record<string, unknown>,
): MemoryRevision {
  const texts = Object.values(members).filter((value) => typeof value === 'string');
  const values = Object.entries(members).map(([key, value]) => [
    key,
    typeof value === 'string' ? host.hashing.sha256(value) : value,
  ]);
  const revision = memoryRevision(host, containers, { 'groups.json': groups, ...Object.fromEntries(values) });
  for (const text of texts) revision.objects.set(host.hashing.sha256(text), text);
  return revision;
}

export class UpdateDevice {
  device: MemoryDevice;

  private constructor(device: MemoryDevice) {
    this.device = device;
  }

  /** A device that runs revision 0. */
  static async install(
    containers: readonly MemoryContainerSpec[],
    options: MemoryHostOptions = {},
    members: Record<string, unknown> = {},
  ): Promise<UpdateDevice> {
    const scripts = Object.fromEntries(containers.map(({ name }) => [name, scriptOf(name)]));
    const updated = new UpdateDevice(
      await MemoryDevice.install((host) => revisionOf(host, containers, members), {
        containers: scripts,
        ...options,
      }),
    );
    await updated.device.ready();
    return updated;
  }

  get host(): MemoryHost {
    return this.device.host;
  }

  /** Uploads a revision. @param without keys of the state whose objects are not uploaded */
  async store(
    name: string,
    containers: readonly MemoryContainerSpec[],
    members: Record<string, unknown> = {},
    without: readonly string[] = [],
  ): Promise<void> {
    const { state, objects } = revisionOf(this.host, containers, members);
    const left = without.map((key) => (JSON.parse(state) as Record<string, unknown>)[key]);
    for (const [id, content] of objects) if (!left.includes(id)) await this.put(`/objects/${id}`, content);
    await this.put(`/steps/${name}`, state);
  }

  async put(target: string, body: string | Uint8Array): Promise<void> {
    const socket = await this.device.socketPath();
    const request = this.host.request(socket, { method: 'PUT', target, headers: { host: 'localhost' }, body });
    const answer = await this.host.runFor(request);
    assert.equal(answer?.status, 200, `${target}: ${answer && decodeUtf8(answer.body)}`);
  }

  /** Gives a command. @returns status and text of the answer */
  async command(op: string, payload = ''): Promise<string> {
    const { status, body } = await this.device.request('POST', '/commands', JSON.stringify({ op, payload }));
    return `${status} ${body}`.trim();
  }

  async progress(name: string): Promise<Progress & { progress: number; logs?: string }> {
    const { status, body } = await this.device.request('GET', `/steps/${name}/progress`);
    assert.equal(status, 200, body);
    const { 'status-msg': message, ...rest } = JSON.parse(body);
    return { ...rest, message };
  }

  /** Lets time pass until a revision has this status. */
  async until(name: string, ...statuses: Progress['status'][]): Promise<void> {
    await this.host.runUntil(async () => {
      const status = await this.statusOf(name);
      return statuses.some((wanted) => wanted === status);
    });
  }

  /** Waits for the end of the runtime, and starts the next one as a service manager would. @returns the exit code */
  async reboot(): Promise<number> {
    const code = await this.host.runFor(this.device.exited);
    this.device = this.device.restart();
    return code;
  }

  /** Goes on with a runtime that was started otherwise. */
  restarted(device: MemoryDevice): MemoryDevice {
    this.device = device;
    return device;
  }

  /** kill -9 of the runtime, and the next one. */
  killRuntime(): void {
    this.device = this.device.restart();
  }

  /** The power goes at this moment and comes back. */
  cutPower(seed: number): void {
    this.device = this.device.powerCut(seed);
  }

  /** Starts runtimes as long as they end, until the update to this revision has come to its end and the device is at rest. */
  async rest(name: string): Promise<void> {
    for (let starts = 0; starts < 6; starts += 1) {
      let ended = false;
      void this.device.exited.then(() => {
        ended = true;
      });
      await this.host.runUntil(async () => {
        if (ended) return true;
        const status = await this.statusOf(name);
        const isOpen = status !== undefined && !['NEW', 'UPDATED', 'DONE', 'ERROR', 'WONTGO'].includes(status);
        return !isOpen && !(await this.isUpdating()) && /^ready socket=/m.test(this.device.output);
      });
      if (!ended) return;
      this.device = this.device.restart();
    }
    throw new Error(`cannot bring ${name} to rest:\n${this.device.output}`);
  }

  async statusOf(name: string): Promise<string | undefined> {
    const path = `/data/trails/${name}/.pv/progress`;
    if ((await this.host.files.status(path)) === undefined) return undefined;
    return JSON.parse(await this.host.files.readText(path)).status;
  }

  /** Whether the plan of an update is on disk that has not come to rest. */
  async isUpdating(): Promise<boolean> {
    if ((await this.host.files.status('/data/update.json')) === undefined) return false;
    const { stage } = JSON.parse(await this.host.files.readText('/data/update.json'));
    return stage === 'installing' || stage === 'trying';
  }

  /** The revision that runs, as the links say. */
  async current(): Promise<string> {
    return this.host.files.readLink('/data/trails/current');
  }

  /** Pid of the init of each running container. */
  pids(): Record<string, number> {
    const running = [...this.host.machine.containers.values()].filter(({ exit }) => exit === undefined);
    return Object.fromEntries(running.map(({ name, initPid }) => [name, initPid]));
  }

  /** Reasons stored beside the progress. */
  async reasons(name: string): Promise<string[]> {
    const text = await this.host.files.readText(`/data/trails/${name}/.pv/reasons`);
    return (JSON.parse(text) as { code: string }[]).map(({ code }) => code);
  }

  /** What the boot loader has stored. */
  async bootEntries(): Promise<string[]> {
    const text = await this.host.files.readText('/data/boot/uboot.txt');
    return text.split('\0').filter((entry) => entry !== '');
  }
}
