/** A real device as a child process of a test: started, watched, killed, and cleaned up whatever the test does. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { ContainerDetailJson } from '@pantavisor/ctrl-api';
import { atEnd, temporaryDirectory } from './cleanup.ts';
import type { RevisionFiles } from './revision.ts';
import { tracesOf } from './traces.ts';

const program = fileURLToPath(new URL('../../apps/device/bin/pantavisor', import.meta.url));

export interface DeviceExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** One process of the runtime. */
export class DeviceRun {
  readonly pid: number;
  /** What it printed on stdout and stderr, line by line. */
  readonly lines: string[] = [];
  readonly exited: Promise<DeviceExit>;
  readonly #child: ChildProcess;
  readonly #waiting = new Set<() => void>();
  #ended = false;

  constructor(argv: string[], environment: Record<string, string>) {
    this.#child = spawn(program, argv, {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.pid = this.#child.pid ?? 0;
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on('line', (line) => {
        this.lines.push(line);
        this.#wake();
      });
    }
    this.exited = new Promise((resolve, reject) => {
      this.#child.on('error', reject).on('close', (code, signal) => {
        this.#ended = true;
        this.#wake();
        resolve({ code, signal });
      });
    });
  }

  #wake(): void {
    for (const look of [...this.#waiting]) look();
  }

  /**
   * Waits for a line, printed already or to come.
   * @throws when the process ends without it
   */
  line(pattern: RegExp, from = 0): Promise<string> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = this.lines.slice(from).find((line) => pattern.test(line));
        if (found === undefined && !this.#ended) return;
        this.#waiting.delete(look);
        if (found !== undefined) resolve(found);
        else reject(new Error(`the device ended without a line ${pattern}:\n${this.lines.join('\n')}`));
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** Waits until so many lines were printed. Never ends when the process ends before. */
  lineCount(count: number): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (this.lines.length < count) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** Path of the control socket, once all goals are met. */
  async ready(): Promise<string> {
    return (await this.line(/^ready socket=/)).replace(/^ready socket=(\S+).*/, '$1');
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Stops it in order. */
  async stop(): Promise<DeviceExit> {
    this.signal('SIGTERM');
    return this.exited;
  }

  get ended(): boolean {
    return this.#ended;
  }
}

/** A storage directory, the runtimes that run on it one after the other, and the bridge that is theirs. */
export class TestDevice {
  readonly storage: string;
  /** What its directories and control groups are known by. */
  readonly id: string;
  readonly bridge: string;
  /** Directory of what is volatile, `/run/pantavisor/<id>`. */
  readonly base: string;
  readonly environment: Record<string, string>;
  readonly #runs: DeviceRun[] = [];

  /** @param t the test; at its end nothing of the device is left on the machine */
  constructor(t: TestContext, storage?: string, environment: Record<string, string> = {}) {
    this.storage = storage ?? `${temporaryDirectory(t)}/storage`;
    const id = createHash('sha256').update(this.storage).digest('hex').slice(0, 8);
    this.id = id;
    this.bridge = `pvt${id}`;
    this.base = `/run/pantavisor/${id}`;
    const octet = Number.parseInt(id.slice(0, 2), 16);
    this.environment = { PV_NET_BRDEV: this.bridge, PV_NET_BRADDRESS4: `10.213.${octet}.1`, ...environment };
    atEnd(t, () => this.#cleanUp());
  }

  /** Path of the control socket on the host. */
  get socket(): string {
    return `${this.base}/pv/pv-ctrl`;
  }

  /** Starts a runtime on the storage, at first with a revision to install. */
  start(revision?: Pick<RevisionFiles, 'state' | 'objects'>, more: string[] = []): DeviceRun {
    const own = revision === undefined ? [] : ['--state', revision.state, '--objects', revision.objects];
    const run = new DeviceRun(['--storage', this.storage, '--verbose', ...own, ...more], this.environment);
    this.#runs.push(run);
    return run;
  }

  /** Containers as the control socket shows them, with pid, start and memory. */
  async containers(): Promise<ContainerDetailJson[]> {
    const { status, body } = await this.request('GET', '/containers?detail=1');
    if (status !== 200) throw new Error(`GET /containers: ${status} ${body}`);
    return JSON.parse(body);
  }

  async container(name: string): Promise<ContainerDetailJson> {
    const found = (await this.containers()).find((one) => one.name === name);
    if (found === undefined) throw new Error(`no container ${name}`);
    return found;
  }

  /** One request to the control socket, as a process of the host. */
  request(method: string, path: string, body?: string | Uint8Array): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const options = { socketPath: this.socket, method, path, headers: { Host: 'localhost' } };
      const sent = httpRequest(options, async (response) => {
        const chunks: string[] = [];
        response.setEncoding('utf8');
        for await (const chunk of response) chunks.push(chunk as string);
        resolve({ status: response.statusCode ?? 0, body: chunks.join('') });
      });
      sent.on('error', reject).end(body);
    });
  }

  /** What is left of the device on the machine, one line each. */
  traces(): string[] {
    return tracesOf(this.storage, this.bridge);
  }

  /** The log of the runtime in the storage. */
  log(revision = '0'): string {
    return readFileSync(`${this.storage}/logs/${revision}/pantavisor/pantavisor.log`, 'utf8');
  }

  async #cleanUp(): Promise<void> {
    for (const run of this.#runs) {
      if (run.ended) continue;
      run.signal('SIGTERM');
      await run.exited;
    }
    // Containers of a killed runtime go on; the next one finds and ends them.
    if (this.traces().length === 0) return;
    const last = this.start();
    await Promise.race([last.line(/revision.*status|\[boot\]/).catch(() => undefined), last.exited]);
    await last.stop();
  }
}
