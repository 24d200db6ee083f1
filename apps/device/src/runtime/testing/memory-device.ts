/** A whole device on the simulated machine: the real program over ports in memory, in virtual time. */

import { createMemoryHost, type MemoryHost, type MemoryHostOptions } from '../../host/memory/host.ts';
import { makeMemoryImage } from '../../host/memory/images.ts';
import { decodeUtf8 } from '../../host/memory/utf8.ts';
import type { Peer } from '../../host/ports.ts';
import { runProgram } from '../../program.ts';

/** Members of run.json beside those that every container has. */
export interface MemoryContainerSpec {
  name: string;
  run?: Record<string, unknown>;
  /** Bytes of the root volume; default a good image. */
  image?: Uint8Array | string;
  /** Text of the LXC configuration; `null` leaves the object out. */
  config?: string | null;
}

/** A state and its objects, as files of a simulated machine. */
export interface MemoryRevision {
  state: string;
  objects: Map<string, Uint8Array | string>;
}

/** Puts a revision together. @param members further members of the state */
export function memoryRevision(
  host: MemoryHost,
  containers: readonly MemoryContainerSpec[],
  members: Record<string, unknown> = {},
): MemoryRevision {
  const objects = new Map<string, Uint8Array | string>();
  const store = (content: Uint8Array | string) => {
    const id = host.hashing.sha256(content);
    objects.set(id, content);
    return id;
  };
  const state: Record<string, unknown> = { '#spec': 'pantavisor-service-system@1', ...members };
  for (const { name, run, image, config } of containers) {
    const base = {
      name,
      type: 'lxc',
      config: 'lxc.container.conf',
      'root-volume': 'root.squashfs',
      storage: { 'lxc-overlay': { persistence: 'boot' } },
    };
    state[`${name}/run.json`] = { ...base, ...run };
    state[`${name}/root.squashfs`] = store(image ?? makeMemoryImage({ '/sbin/init': '#!' }));
    const root = `overlayfs:/volumes/${name}/root.squashfs:/volumes/${name}/lxc-overlay/upper`;
    if (config !== null) state[`${name}/lxc.container.conf`] = store(config ?? `lxc.rootfs.path = ${root}\n`);
  }
  return { state: JSON.stringify(state), objects };
}

/** One run of the program on a machine. */
export class MemoryDevice {
  readonly host: MemoryHost;
  /** Exit code, once the program has ended. */
  readonly exited: Promise<number>;

  private constructor(host: MemoryHost) {
    this.host = host;
    this.exited = runProgram(host);
  }

  /** A machine with nothing on it but the files of a revision, and its first runtime. */
  static async install(
    make: (host: MemoryHost) => MemoryRevision,
    options: MemoryHostOptions = {},
  ): Promise<MemoryDevice> {
    const argv = ['--storage', '/data', '--state', '/in/state.json', '--objects', '/in/objects', '--verbose'];
    const host = createMemoryHost({ ...options, arguments: [...argv, ...(options.arguments ?? [])] });
    const { state, objects } = make(host);
    for (const directory of ['/in', '/in/objects']) await host.files.makeDirectory(directory);
    await host.files.write('/in/state.json', state);
    for (const [id, content] of objects) await host.files.write(`/in/objects/${id}`, content);
    return new MemoryDevice(host);
  }

  /** The next runtime on the same machine; a runtime that is still there is killed first. */
  restart(environment: Record<string, string> = {}): MemoryDevice {
    return new MemoryDevice(this.host.restartRuntime({ arguments: ['--storage', '/data', '--verbose'], environment }));
  }

  /** The runtime after the power went at this moment and came back. */
  powerCut(seed: number): MemoryDevice {
    return new MemoryDevice(
      this.host.crash({ seed }).restartRuntime({ arguments: ['--storage', '/data', '--verbose'] }),
    );
  }

  /** Everything printed so far. */
  get output(): string {
    return this.host.record.printed.map(({ text }) => text).join('');
  }

  /** Path of the control socket, as printed when all goals are met. */
  async ready(): Promise<string> {
    const pattern = /^ready socket=(\S+)$/m;
    await this.host.runUntil(() => pattern.test(this.output) || this.host.record.exitCode !== undefined);
    const socket = pattern.exec(this.output)?.[1];
    if (socket === undefined) throw new Error(`the device did not become ready:\n${this.output}`);
    return socket;
  }

  /** Waits for a line of the log. */
  async line(pattern: RegExp): Promise<void> {
    await this.host.runUntil(() => pattern.test(this.output));
  }

  /** Sends a signal and waits for the exit code. */
  async stop(signal: 'SIGTERM' | 'SIGINT' = 'SIGTERM'): Promise<number> {
    this.host.sendSignal(signal);
    return this.host.runFor(this.exited);
  }

  /** A request to the control socket. */
  async request(method: string, target: string, body = '', peer?: Peer): Promise<{ status: number; body: string }> {
    const socket = await this.socketPath();
    const headers = { host: 'localhost', 'content-length': String(body.length) };
    const response = await this.host.runFor(
      this.host.request(socket, { method, target, headers, body, ...(peer === undefined ? {} : { peer }) }),
    );
    if (response === undefined) throw new Error(`${method} ${target}: closed without an answer`);
    return { status: response.status, body: decodeUtf8(response.body) };
  }

  /** Status of each container by name. */
  async statuses(): Promise<Record<string, string>> {
    const { body } = await this.request('GET', '/containers');
    const list: { name: string; status: string }[] = JSON.parse(body);
    return Object.fromEntries(list.map(({ name, status }) => [name, status]));
  }

  async socketPath(): Promise<string> {
    const pattern = /socket (\S+)\n/;
    await this.line(pattern);
    return pattern.exec(this.output)?.[1] ?? '';
  }
}
