/** A hub of the demonstration's own: the real server on this machine, with an account, in a directory that goes with it. */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type HubEvent, readHubEvents } from '@pantavisor/hub-api';
import { exitCodes } from './options.ts';
import { type AtEnd, StartError } from './prepare.ts';
import type { InitialRevision } from './revision.ts';

const program = fileURLToPath(new URL('../../apps/hub/bin/pantahub', import.meta.url));
/** One of the accounts that `--demo-accounts` makes. */
export const demoAccount = { username: 'user1', password: 'user1' } as const;
const lastWords = 10;

export class DemoHub {
  readonly url: string;
  readonly #token: string;

  private constructor(url: string, token: string) {
    this.url = url;
    this.#token = token;
  }

  /** Starts it on a free port of the loopback interface and logs in. @throws StartError when it does not come up */
  static async start(data: string, atEnd: AtEnd): Promise<DemoHub> {
    const argv = [
      program,
      '--data',
      data,
      '--host',
      '127.0.0.1',
      '--port',
      '0',
      '--demo-accounts',
      '--log-level',
      'error',
    ];
    // Should this process be killed, the kernel asks the hub to stop (PR_SET_PDEATHSIG, prctl(2)).
    const child = spawn('setpriv', ['--pdeathsig', 'TERM', ...argv, '--stop-seconds', '1'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const said: string[] = [];
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
    atEnd(async () => {
      child.kill('SIGTERM');
      await ended;
    });
    const url = await new Promise<string>((resolve, reject) => {
      createInterface(child.stderr).on('line', (line) => said.push(line));
      createInterface(child.stdout).on('line', (line) => {
        const found = /^ready url=(\S+)/.exec(line)?.[1];
        if (found !== undefined) resolve(found);
      });
      const fail = (why: string) =>
        reject(
          new StartError([`cannot start a hub: ${why}`, ...said.slice(-lastWords)].join('\n  '), exitCodes.unavailable),
        );
      child.once('error', ({ message }) => fail(message));
      child.once('close', (code) => fail(`it ended with code ${code}`));
    });
    const answer = await fetch(`${url}/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': 'npm-start' },
      body: JSON.stringify(demoAccount),
    });
    return new DemoHub(url, ((await answer.json()) as { token: string }).token);
  }

  /** Configuration of a device that registers here and belongs to the account at once. */
  async deviceSettings(): Promise<Record<string, string>> {
    const { token } = await this.#ask<{ token: string }>('POST', '/devices/tokens', {});
    return {
      PV_CONTROL_REMOTE: '1',
      PH_CREDS_HOST: 'http://127.0.0.1',
      PH_CREDS_PORT: new URL(this.url).port,
      PH_FACTORY_AUTOTOK: token,
      PV_LOG_LEVEL: '3',
      // A real device watches a new revision for 25 seconds before it believes in it.
      PV_UPDATER_COMMIT_DELAY: '3',
    };
  }

  /** What happens on the hub, until `signal` is aborted. */
  async events(signal: AbortSignal): Promise<AsyncGenerator<{ event: HubEvent }>> {
    return readHubEvents(await fetch(`${this.url}/events/?topics=device,step`, { headers: this.#headers(), signal }));
  }

  /** Uploads what the hub does not have and posts a step. @returns its revision */
  async post(device: string, { state, objects }: InitialRevision, message: string): Promise<number> {
    const text = await readFile(state, 'utf8');
    const members = JSON.parse(text) as Record<string, unknown>;
    for (const [name, id] of Object.entries(members))
      if (typeof id === 'string' && /^[0-9a-f]{64}$/.test(id)) await this.#upload(name, id, join(objects, id));
    const body = { rev: -1, 'commit-msg': message, state: members };
    return (await this.#ask<{ rev: number }>('POST', `/trails/${device}/steps`, body)).rev;
  }

  async #upload(name: string, id: string, path: string): Promise<void> {
    const content = await readFile(path);
    const body = { objectname: name, size: String(content.length), sha256sum: id };
    const answer = await this.#request('POST', '/objects/', body);
    if (answer.status === 409) return;
    const { 'signed-puturl': url } = (await answer.json()) as { 'signed-puturl': string };
    const put = await fetch(url, { method: 'PUT', body: new Uint8Array(content) });
    if (put.status !== 200) throw new Error(`cannot upload ${name}: the hub answered ${put.status}`);
  }

  async #ask<Answer>(method: string, path: string, body: unknown): Promise<Answer> {
    const answer = await this.#request(method, path, body);
    if (answer.status !== 200) throw new Error(`cannot ${method} ${path}: the hub answered ${answer.status}`);
    return (await answer.json()) as Answer;
  }

  #request(method: string, path: string, body: unknown): Promise<Response> {
    return fetch(this.url + path, {
      method,
      headers: { ...this.#headers(), 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  }

  #headers(): Record<string, string> {
    return { authorization: `Bearer ${this.#token}`, 'user-agent': 'npm-start' };
  }
}
