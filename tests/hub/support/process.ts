import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const program = join(import.meta.dirname, '../../../apps/hub/bin/pantahub');

/** A real `pantahub` process. */
export interface HubProcess {
  url: string;
  invitation: string | undefined;
  process: ChildProcess;
  /** everything it printed */
  output(): string;
  /** sends a signal and waits for the end; resolves with exit code or signal name */
  end(signal: NodeJS.Signals): Promise<number | string | null>;
}

/** Where a hub runs. */
export interface ProcessPlace {
  /** What its program is started with, e.g. one that goes to another namespace first. */
  command?: readonly string[];
  environment?: Record<string, string>;
}

/** Starts the program and waits until it is ready. */
export async function startProcess(
  settings: Record<string, string>,
  { command = [], environment = {} }: ProcessPlace = {},
): Promise<HubProcess> {
  const argv = Object.entries({
    port: '0',
    'log-level': 'error',
    'rate-per-address': '0',
    'rate-per-caller': '0',
    ...settings,
  }).map(([name, value]) => (value === 'true' ? `--${name}` : `--${name}=${value}`));
  const [file = program, ...words] = [...command, program, ...argv];
  const child = spawn(file, words, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...environment } });
  let printed = '';
  child.stderr.setEncoding('utf8');
  child.stderr.on('data', (text: string) => {
    printed += text;
  });
  const ready = new Promise<{ url: string; invitation: string | undefined }>((resolve, reject) => {
    let invitation: string | undefined;
    createInterface(child.stdout).on('line', (line) => {
      printed += `${line}\n`;
      invitation ??= /^admin invitation: (\S+)/.exec(line)?.[1];
      const url = /^ready url=(\S+)/.exec(line)?.[1];
      if (url !== undefined) resolve({ url, invitation });
    });
    child.once('exit', () => reject(new Error(`pantahub ended before it was ready:\n${printed}`)));
  });
  const { url, invitation } = await ready;
  return {
    url,
    invitation,
    process: child,
    output: () => printed,
    async end(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode ?? child.signalCode;
      const ended = once(child, 'exit') as Promise<[number | null, string | null]>;
      child.kill(signal);
      const [code, name] = await ended;
      return code ?? name;
    },
  };
}

/** A request to a hub process. */
export async function request(
  url: string,
  method: string,
  path: string,
  token?: string,
  body?: unknown,
): Promise<{ status: number; json: Record<string, string> }> {
  const response = await fetch(path.startsWith('http') ? path : url + path, {
    method,
    headers: {
      'user-agent': 'test',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, json: (text === '' ? {} : JSON.parse(text)) as Record<string, string> };
}
