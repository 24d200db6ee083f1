/** The device behind the control socket, as pantabox shows it. */
import {
  type ContainerDetailJson,
  type GroupJson,
  type MetadataJson,
  type ProgressJson,
  refusals,
  type StepJson,
} from '@pantavisor/ctrl-api';
import { ControlError, PortableControlClient } from '@pantavisor/ctrl-api/portable';
import type { PantaboxHost } from '../host/terminal-ports.ts';
import { findSocket } from '../pvcontrol/session.ts';
import { hasEnded, isFailure, type Outcome, reasonsIn } from './progress.ts';

/** Milliseconds between two looks at an update. */
const pauseBetween = 300;
/** Milliseconds for which a device that restarts may be silent. */
const silence = 10 * 60_000;
/** How many looks in a row may fail before it is told. */
const patience = 3;
/** How often a command is given to a device that is about to be ready for it. */
const tries = 10;

export interface Summary {
  revision: string;
  status: string;
  /** `local`, `remote`, or what the Hub makes of it. */
  mode: string;
  address: string;
}

export interface Identity {
  id: string;
  challenge: string;
  hub: string;
  isClaimed: boolean;
  isOnline: boolean;
  mode: string;
  hubState: string;
}

export class Device {
  readonly client: PortableControlClient;
  readonly #host: PantaboxHost;

  constructor(host: PantaboxHost, socket: string | undefined) {
    this.#host = host;
    this.client = new PortableControlClient(host.transport, findSocket(socket, host));
  }

  containers(): Promise<ContainerDetailJson[]> {
    return this.client.containerDetails();
  }

  groups(): Promise<GroupJson[]> {
    return this.client.groups();
  }

  /** Name of the running revision. */
  async running(): Promise<string> {
    return text((await this.client.deviceMetadata())['pantavisor.revision']) || 'current';
  }

  async summary(): Promise<Summary> {
    const meta = await this.client.deviceMetadata();
    const revision = text(meta['pantavisor.revision']) || 'current';
    const progress = await this.progress(revision);
    const identity = identityOf(meta);
    const mode = identity.mode === 'remote' && identity.isOnline ? 'online' : identity.mode;
    return { revision, status: progress?.status ?? '', mode, address: addressesOf(meta)[0]?.[1] ?? '' };
  }

  /** Progress of a revision; undefined when there is none. */
  async progress(revision: string): Promise<ProgressJson | undefined> {
    try {
      return await this.client.stepProgress(revision);
    } catch (error) {
      if (error instanceof ControlError && error.status === 404) return undefined;
      throw error;
    }
  }

  /** Revisions, the newest local ones first, then those of the Hub, the highest first. */
  async revisions(): Promise<StepJson[]> {
    const steps = await this.client.steps();
    const rank = (name: string) => (name.startsWith('locals/') ? 0 : 1);
    return steps.sort(
      (a, b) =>
        rank(a.name) - rank(b.name) ||
        (rank(a.name) === 0 ? (a.date < b.date ? 1 : a.date > b.date ? -1 : 0) : Number(b.name) - Number(a.name)),
    );
  }

  /** The revision that was tried last, when it is another one than runs, because it did not hold. */
  async lastFailure(): Promise<{ revision: string; message: string } | undefined> {
    const [running, steps] = await Promise.all([this.running(), this.client.steps()]);
    const [last] = steps.sort((a, b) => (a.date < b.date ? 1 : a.date > b.date ? -1 : 0));
    const progress = last && 'status' in last.progress ? (last.progress as ProgressJson) : undefined;
    if (!last || !progress || last.name === running || !isFailure(progress)) return undefined;
    return { revision: last.name, message: progress['status-msg'] ?? '' };
  }

  /** Gives a command once more for a few seconds while the device has not stored the end of the last one. */
  async #patiently(command: () => Promise<void>): Promise<void> {
    for (let left = tries; ; left -= 1) {
      try {
        return await command();
      } catch (error) {
        const isPending = error instanceof ControlError && error.text === refusals['command-pending'].text;
        if (!isPending || left <= 1) throw error;
        await this.#host.pause(pauseBetween);
      }
    }
  }

  /** What the device and a Hub know each other by; files that the runtime keeps (metadata.md §7). */
  async identity(): Promise<Identity> {
    const read = async (name: string) => {
      for (const folder of ['/pantavisor', this.client.socketPath.replace(/\/[^/]*$/, '')]) {
        const content = await this.#host.files.readText(`${folder}/${name}`).catch(() => undefined);
        if (content !== undefined) return content.split('\n')[0]!.trim();
      }
      return '';
    };
    const meta = identityOf(await this.client.deviceMetadata());
    return {
      ...meta,
      id: await read('device-id'),
      challenge: await read('challenge'),
      hub: await read('pantahub-host'),
    };
  }

  /**
   * Gives the command to run a revision and follows it to its end, also through a restart of the device.
   * @param onProgress called whenever the progress has changed; undefined while the device is silent
   * @throws ControlError when the command is refused
   */
  async run(
    revision: string,
    command: () => Promise<void>,
    onProgress: (progress: ProgressJson | undefined) => void,
  ): Promise<Outcome> {
    const before = await this.progress(revision);
    await this.#patiently(command);
    const begin = Date.now();
    let answered = begin;
    let wasSeenGoing = false;
    let failures = 0;
    for (let shown = ''; ; ) {
      await this.#host.pause(pauseBetween);
      try {
        const progress = await this.progress(revision);
        answered = Date.now();
        failures = 0;
        const elapsed = answered - begin;
        if (hasEnded(before, { progress, elapsed }, wasSeenGoing)) return outcomeOf(revision, progress!);
        const next = JSON.stringify(progress);
        wasSeenGoing ||= progress !== undefined && next !== JSON.stringify(before);
        if (next !== shown && wasSeenGoing) onProgress(progress);
        shown = next;
      } catch (error) {
        if (Date.now() - answered > silence) throw error;
        failures += 1;
        if (failures === patience) onProgress(undefined);
      }
    }
  }
}

function outcomeOf(revision: string, progress: ProgressJson): Outcome {
  return { revision, status: progress.status, message: progress['status-msg'] ?? '', reasons: reasonsIn(progress) };
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

function identityOf(meta: MetadataJson): Omit<Identity, 'id' | 'challenge' | 'hub'> {
  return {
    isClaimed: meta['pantahub.claimed'] === '1',
    isOnline: meta['pantahub.online'] === '1',
    mode: text(meta['pantavisor.mode']),
    hubState: text(meta['pantahub.state']),
  };
}

/** Addresses of the device as "eth0.ipv4" and the address, those that others reach first. */
export function addressesOf(meta: MetadataJson): [name: string, address: string][] {
  const found = Object.entries((meta.interfaces ?? {}) as Record<string, unknown>).flatMap(([name, list]) =>
    Array.isArray(list) && !name.endsWith('.mac') ? list.map((one): [string, string] => [name, String(one)]) : [],
  );
  const rank = ([name]: [string, string]) =>
    (name.startsWith('lo.') ? 4 : /^(lxc|docker|veth|br)/.test(name) ? 2 : 0) + (name.endsWith('.ipv6') ? 1 : 0);
  return found.sort((a, b) => rank(a) - rank(b));
}
