/** `npm start`: brings a device up on this machine, shows it, and takes everything away again at the end. */
import { fileURLToPath } from 'node:url';
import { ControlClient } from '@pantavisor/ctrl-api/client';
import { type DeviceExit, DeviceProcess } from './start/device-process.ts';
import { exitCodes, readOptions, type StartOptions } from './start/options.ts';
import { type AtEnd, prepare, StartError } from './start/prepare.ts';
import { liveReporter, plainReporter, type Reporter } from './start/report.ts';
import { pageUrl, runningRevision } from './start/revision.ts';
import type { DeviceFacts } from './start/view.ts';
import { controlSocketOf, untilItListens, watchDevice } from './start/watch.ts';

const pantavisor = fileURLToPath(new URL('../apps/device/bin/pantavisor', import.meta.url));

/** Lines of the device's log that are repeated when it ends by itself. */
const lastWords = 15;

function commandsToTry(socket: string, url: string | undefined): string[] {
  const pvcontrol = `npx pvcontrol -s ${socket}`;
  return [
    ...(url === undefined ? [] : [`curl ${url}`]),
    `${pvcontrol} ls`,
    `${pvcontrol} containers restart web`,
    ...(url === undefined ? [`${pvcontrol} groups ls`] : []),
  ];
}

/** Runs the device from beginning to end; the result is how it ended, undefined when it was never started. */
async function runDevice(
  options: StartOptions,
  atEnd: AtEnd,
): Promise<{ exit: DeviceExit; asked: boolean; lines: string[] } | undefined> {
  const quit = Promise.withResolvers<void>();
  let asked = false;
  const onQuit = (): void => {
    asked = true;
    quit.resolve();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onQuit);

  let device: DeviceProcess | undefined;
  let facts: DeviceFacts | undefined;
  const { stdin: input, stdout: output, env: environment } = process;
  const live = output.isTTY && environment.TERM !== 'dumb';
  const reporter: Reporter = live
    ? liveReporter({ input, output, environment }, () => facts, {
        logs: options.logs,
        recent: () => device?.lines ?? [],
        onQuit,
      })
    : plainReporter(options.logs);
  atEnd(() => reporter.close());

  reporter.say('preparing a revision and a place for it');
  const { storage, initial, environment: settings } = await prepare(options, atEnd);
  if (asked) return undefined;

  const initialArguments = initial === undefined ? [] : ['--state', initial.state, '--objects', initial.objects];
  const started = new DeviceProcess([pantavisor, '--storage', storage, ...initialArguments], settings, (line) =>
    reporter.log(line),
  );
  device = started;
  const socket = controlSocketOf(storage);
  const look = (): DeviceFacts => {
    const url = pageUrl(storage);
    const commands = commandsToTry(socket, url);
    return {
      revision: runningRevision(storage),
      storage,
      temporary: options.storage === undefined,
      socket,
      url,
      commands,
    };
  };
  reporter.say(`starting a device on ${storage}`);

  const watching = new AbortController();
  const watch = watchDevice(new ControlClient(socket, { timeout: 10_000 }), watching.signal, (snapshot) => {
    if (snapshot === undefined) return;
    facts = look();
    reporter.show(snapshot);
  });
  void started.ready.then(async (path) => {
    facts = look();
    // A started container is not yet a server that listens; the line is for scripts that go on at once.
    if (facts.url !== undefined) await untilItListens(facts.url, watching.signal);
    if (!watching.signal.aborted) reporter.ready(path, facts.url);
  });
  void quit.promise.then(() => {
    reporter.say('stopping all containers');
    started.stop();
  });
  const exit = await started.exited;
  watching.abort();
  await watch;
  return { exit, asked, lines: started.lines };
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2), process.env.INIT_CWD ?? process.cwd());
  if ('exitCode' in options) {
    console[options.stream === 'stdout' ? 'log' : 'error'](options.text);
    return options.exitCode;
  }
  const undo: (() => void | Promise<void>)[] = [];
  let message: string | undefined;
  let exitCode: number = exitCodes.stopped;
  try {
    const end = await runDevice(options, (step) => undo.push(step));
    if (end !== undefined && !end.asked) {
      const { code, signal } = end.exit;
      const last = end.lines.slice(-lastWords).map((line) => `  ${line}`);
      message = [`the device ended by itself (${signal ?? `exit code ${code}`}); its last words:`, ...last].join('\n');
      exitCode = exitCodes.deviceFailed;
    }
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    message = error.message;
    exitCode = error.exitCode;
  } finally {
    for (const step of undo.reverse()) await step();
  }
  if (message !== undefined) console.error(`start: ${message}`);
  else
    console.log(
      options.storage === undefined ? 'stopped; nothing is left' : `stopped; the device is kept in ${options.storage}`,
    );
  return exitCode;
}

process.exit(await main());
