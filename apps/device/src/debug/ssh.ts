/** The SSH server for debugging, switched by the configuration while the device runs (tools.md §4). */
import type { DeviceConfig } from '../config/table.ts';
import type { Host, SpawnedProcess } from '../host/ports.ts';
import type { Log } from '../runtime/log.ts';
import { makeTree } from '../storage/durable.ts';

const server = '/usr/sbin/dropbear';
/** Takes every login into the container that its user name says; without it there is nothing to log in to. */
const entrance = '/usr/bin/fallbear-cmd';
/** That of distributions takes only users of /etc/passwd, with keys in their homes; containers are none. */
const wrongServer = `cannot offer SSH: ${server} does not know -n, which takes any user name for the keys of one file; install the build of Pantavisor's own distribution`;
const address = '0.0.0.0:8222';
const defaultKeys = '__default__';
const keysInUserMeta = 'pvr-sdk.authorized_keys';

export interface SshParts {
  host: Pick<Host, 'files' | 'processes'>;
  config: DeviceConfig;
  /** Directory of user metadata that is seen from outside. */
  userMeta: string;
  log: Log;
}

export class SshServer {
  readonly #parts: SshParts;
  #process: SpawnedProcess | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(parts: SshParts) {
    this.#parts = parts;
  }

  /** Starts or ends the server as the configuration has it now. One that ended by itself stays away until it is switched on again. */
  follow(): Promise<void> {
    this.#last = this.#last.then(() => (this.#parts.config.PV_DEBUG_SSH ? this.#start() : this.#end()));
    return this.#last;
  }

  close(): Promise<void> {
    this.#last = this.#last.then(() => this.#end());
    return this.#last;
  }

  async #start(): Promise<void> {
    const { host, config, userMeta, log } = this.#parts;
    if (this.#process !== undefined) return;
    for (const path of [server, entrance]) if ((await host.files.status(path, { follow: true })) === undefined) return;
    const {
      PV_DEBUG_SSH_AUTHORIZED_KEYS: named,
      PV_SYSTEM_ETCPANTAVISORDIR: etc,
      PV_DROPBEAR_CACHE_DIR: cache,
    } = config;
    const keys = !named || named === defaultKeys ? `${userMeta}/${keysInUserMeta}` : `${etc}/ssh/${named}`;
    try {
      await makeTree(host.files, cache);
      const argv = [server, '-F', '-p', address, '-n', keys, '-R', '-c', entrance];
      let refused = false;
      const onLine = (_: string, line: string) => {
        refused ||= line === 'Invalid option -n';
        // What follows is a page about all other options.
        if (!refused) log('INFO', 'ssh', line);
      };
      const started = await host.processes.spawn(argv, { onLine });
      this.#process = started;
      log('INFO', 'ssh', `SSH server on ${address}`);
      void started.exited.then(({ code, signal }) => {
        if (refused) log('ERROR', 'ssh', wrongServer);
        else log('INFO', 'ssh', `SSH server has ended (${code ?? signal})`);
      });
    } catch (error) {
      log('ERROR', 'ssh', `cannot start the SSH server: ${error instanceof Error ? error.message : error}`);
    }
  }

  async #end(): Promise<void> {
    this.#process?.signal('SIGKILL');
    await this.#process?.exited;
    this.#process = undefined;
  }
}
