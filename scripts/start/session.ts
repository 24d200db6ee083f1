/** One run of `npm start` from preparation to the end of the device, with restarts that the device asks for in between. */
import { fileURLToPath } from 'node:url';
import { ControlClient } from '@pantavisor/ctrl-api/client';
import { type DeviceExit, DeviceProcess } from './device-process.ts';
import type { StartOptions } from './options.ts';
import { type AtEnd, type Preparation, prepare } from './prepare.ts';
import { liveReporter, plainReporter, type Reporter } from './report.ts';
import { pageUrl, runningRevision } from './revision.ts';
import { Tour } from './tour.ts';
import type { DeviceFacts, Snapshot } from './view.ts';
import { controlSocketOf, lookAtDevice, untilItListens, watchDevice } from './watch.ts';

const pantavisor = fileURLToPath(new URL('../../apps/device/bin/pantavisor', import.meta.url));

/** Exit codes of the device (apps/device/src/boot/exit-codes.ts) that are no failure: it wants to be started again, or is off. */
const deviceExits = { restart: 0, poweredOff: 3 };

export interface SessionEnd {
  /** How the device ended; undefined when it was stopped before it was started. */
  exit: DeviceExit | undefined;
  /** The person or a signal asked for the end, or the device was switched off. */
  wanted: boolean;
  /** Last lines of the device's log. */
  log: string[];
}

function commandsToTry(socket: string, url: string | undefined): string[] {
  const pvcontrol = `npx pvcontrol -s ${socket}`;
  return url === undefined
    ? [`${pvcontrol} ls`, `${pvcontrol} groups ls`, `${pvcontrol} --help`]
    : [`curl ${url}`, `${pvcontrol} ls`, `${pvcontrol} containers restart web`];
}

export class Session {
  readonly #options: StartOptions;
  readonly #reporter: Reporter;
  #device: DeviceProcess | undefined;
  #facts: DeviceFacts | undefined;
  #tour: Tour | undefined;
  readonly #touring = new AbortController();
  #stopping = false;

  /** @param atEnd what is to be undone after the session, whatever its end */
  constructor(options: StartOptions, atEnd: AtEnd) {
    this.#options = options;
    const { stdin: input, stdout: output, env: environment } = process;
    const onQuit = () => this.stop();
    const recent = () => this.#device?.lines ?? [];
    this.#reporter =
      output.isTTY && environment.TERM !== 'dumb'
        ? liveReporter({ input, output, environment }, () => this.#facts, { logs: options.logs, recent, onQuit })
        : plainReporter(options.logs);
    atEnd(() => this.#reporter.close());
  }

  /** Ends the session in order; asking again changes nothing. */
  stop(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#touring.abort();
    this.#reporter.say('stopping all containers', 'last');
    this.#device?.stop();
  }

  /** @throws StartError when there is nothing to start */
  async run(atEnd: AtEnd): Promise<SessionEnd> {
    this.#reporter.say('preparing a revision and a place for it');
    const preparation = await prepare(this.#options, atEnd);
    this.#beginTour(preparation);
    atEnd(() => this.#touring.abort());
    let next: Preparation = preparation;
    let wasReady = false;
    while (!this.#stopping) {
      const { exit, ready, log } = await this.#runOnce(next);
      wasReady ||= ready;
      const wanted = this.#stopping || exit.code === deviceExits.poweredOff;
      // A device that asks for a restart before it has ever been ready would do so for ever.
      if (wanted || exit.code !== deviceExits.restart || !wasReady) return { exit, wanted, log };
      this.#tour?.deviceRestarts();
      this.#reporter.say('the device restarts');
      next = { ...preparation, initial: undefined };
    }
    return { exit: undefined, wanted: true, log: [] };
  }

  #beginTour({ tour, storage }: Preparation): void {
    if (tour === undefined) return;
    this.#tour = new Tour({
      ...tour,
      page: () => pageUrl(storage),
      show: (view, news) => {
        if (!this.#stopping) this.#reporter.hub(view, news);
      },
    });
    void this.#tour.run(this.#touring.signal);
  }

  async #runOnce({
    storage,
    initial,
    environment,
  }: Preparation): Promise<{ exit: DeviceExit; ready: boolean; log: string[] }> {
    const own = initial === undefined ? [] : ['--state', initial.state, '--objects', initial.objects];
    const argv: [string, ...string[]] = [pantavisor, '--verbose', '--storage', storage, ...own];
    const device = new DeviceProcess(argv, environment, (line) => this.#reporter.log(line));
    this.#device = device;
    this.#reporter.say(`starting a device on ${storage}`);
    const socket = controlSocketOf(storage);
    const watching = new AbortController();
    const client = new ControlClient(socket, { timeout: 10_000 });
    const show = (snapshot: Snapshot | undefined): void => {
      if (snapshot === undefined) return;
      this.#facts = this.#describe(storage, socket);
      this.#reporter.show(snapshot);
    };
    const watch = watchDevice(client, watching.signal, show);
    let ready = false;
    void device.ready.then(async (path) => {
      ready = true;
      const { url } = this.#describe(storage, socket);
      // A started container is not yet a server that listens; the line is for scripts that go on at once.
      if (url !== undefined) await untilItListens(url, watching.signal);
      show(await lookAtDevice(client));
      if (watching.signal.aborted || this.#stopping) return;
      this.#reporter.ready(path, url);
      this.#tour?.deviceReady();
    });
    const exit = await device.exited;
    watching.abort();
    await watch;
    return { exit, ready, log: device.lines };
  }

  #describe(storage: string, socket: string): DeviceFacts {
    const url = pageUrl(storage);
    const temporary = this.#options.storage === undefined;
    return {
      revision: runningRevision(storage),
      storage,
      temporary,
      socket,
      url,
      commands: commandsToTry(socket, url),
    };
  }
}
