/** What the commands of pvr share: the options of every command, where to say what, and how to reach others. */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Input, Output, Terminal } from '@pantavisor/cli';
import { HttpClient } from './http/client.ts';
import { HubSession } from './hub/session.ts';
import { Repository } from './repository/repository.ts';

/** Addresses that short references expand to. */
export const publicHub = 'https://api.pantahub.com';
export const publicClone = 'https://pvr.pantahub.com';

export class Pvr {
  readonly terminal: Terminal;
  readonly directory: string;
  readonly json: boolean;
  readonly configDirectory: string;
  readonly hubUrl: string;
  readonly cloneUrl: string;
  readonly debug: boolean;
  #http: HttpClient | undefined;
  #hub: HubSession | undefined;
  readonly #input: Input;

  /** @param directory the working directory */
  constructor(terminal: Terminal, input: Input, directory: string) {
    this.terminal = terminal;
    this.directory = directory;
    this.#input = input;
    this.json = input.on('json');
    // Absolute: repositories record where their objects are.
    this.configDirectory = resolve(
      directory,
      input.text('config-dir') || join(terminal.environment.HOME ?? homedir(), '.pvr'),
    );
    this.hubUrl = (input.text('baseurl') ?? publicHub).replace(/\/+$/, '');
    this.cloneUrl = (input.text('repo-baseurl') ?? publicClone).replace(/\/+$/, '');
    this.debug = input.on('debug');
  }

  /** A path of the command line, made absolute. */
  path(given: string): string {
    return resolve(this.directory, given);
  }

  get environment(): Terminal['environment'] {
    return this.terminal.environment;
  }

  get stderr(): Output {
    return this.terminal.stderr;
  }

  /** Says something on standard error, as one line. */
  note(text: string): void {
    this.terminal.stderr.write(`${text}\n`);
  }

  /** The repository of the working directory. @throws Failure `no-repository` */
  repository(): Repository {
    return Repository.open(this.directory);
  }

  get http(): HttpClient {
    this.#http ??= new HttpClient({
      proxy: this.#input.text('http-proxy') ?? 'system',
      insecure: this.#input.on('insecure'),
      environment: this.environment,
      ...(this.debug ? { trace: (line: string) => this.note(line) } : {}),
    });
    return this.#http;
  }

  /** Calls to hubs, with log-in when one asks for it. */
  get hub(): HubSession {
    this.#hub ??= new HubSession({
      http: this.http,
      configDirectory: this.configDirectory,
      accessToken: this.#input.text('access-token'),
      terminal: this.terminal,
      environment: this.environment,
    });
    return this.#hub;
  }
}
