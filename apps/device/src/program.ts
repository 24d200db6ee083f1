/** The program on any host: reads its arguments, runs the device, and ends with a code of the table of exits. */
import packageJson from '../package.json' with { type: 'json' };
import { helpText, parseArguments } from './boot/arguments.ts';
import { type ExitName, exitCodes, exitOf } from './boot/exit-codes.ts';
import { ConfigError, loadConfig } from './config/load.ts';
import type { InitProcess } from './host/init-process.ts';
import type { Host } from './host/ports.ts';
import { idle } from './init/standalone.ts';
import { startMachine } from './init/start.ts';
import { type StopPurpose, startDevice } from './runtime/device.ts';
import { Failure } from './runtime/failure.ts';
import { createLog, kernelLogSink, terminalSink } from './runtime/log.ts';

/** Runs until the device has stopped. Never rejects: what goes wrong is printed, and told by the code of the result. */
export async function runProgram(host: Host): Promise<number> {
  return exitCodes[await end(host)].code;
}

async function end(host: Host): Promise<ExitName> {
  try {
    return await run(host);
  } catch (error) {
    const hint = error instanceof Failure && error.hint !== undefined ? `\n  ${error.hint}` : '';
    const known = error instanceof Failure || error instanceof ConfigError;
    const text = known ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error);
    host.system.print('stderr', `pantavisor: ${text}${hint}\n`);
    return known ? exitOf(error.code) : 'internal';
  }
}

async function run(host: Host): Promise<ExitName> {
  const { system, files, init } = host;
  const isInit = init !== undefined || system.pid === 1;
  const options = parseArguments(system.arguments, isInit);
  if (options.help) return print(host, helpText());
  if (options.version) return print(host, `version: ${packageJson.version}\nhost: ${system.hostName ?? 'unknown'}\n`);

  if (init !== undefined) keepAlive(host, init);
  // Outside of an image the program is an ordinary daemon; as init it takes its mode from the configuration.
  const environment: Record<string, string> = {
    ...(isInit ? {} : { PV_SYSTEM_INIT_MODE: 'appengine' }),
    ...system.environment,
  };
  if (options.storage !== undefined) environment.PV_STORAGE_MNTPOINT = options.storage;
  const { store, warnings, sysctls, cmdline } = await loadConfig({ files, environment, arguments: system.arguments });
  const storage = store.snapshot().PV_STORAGE_MNTPOINT;
  if (storage === undefined || storage === '')
    throw new Failure('usage', 'cannot find the storage: no directory is named', { hint: 'use --storage DIR' });

  const stopping: { stop?: (purpose: StopPurpose) => void; early?: StopPurpose } = {};
  const onSignal = (purpose: StopPurpose) => () => {
    stopping.early ??= purpose;
    stopping.stop?.(purpose);
  };
  system.onSignal('SIGTERM', onSignal('reboot'));
  system.onSignal('SIGINT', onSignal('poweroff'));

  const sinks = options.verbose ? [terminalSink(system)] : init === undefined ? [] : [kernelLogSink(system)];
  // A person at the shell of a standalone machine starts the runtime by hand, with the word pv_embedded.
  if (init !== undefined || system.arguments.includes('pv_embedded')) {
    const log = createLog(host.clock, () => store.snapshot().PV_LOG_LEVEL, sinks);
    const config = store.snapshot();
    await startMachine(host, { config, cmdline, storage, log: (level, text) => log(level, 'init', text) });
    if (config.PV_SYSTEM_INIT_MODE === 'standalone') {
      const purpose = new Promise<StopPurpose>((resolve) => {
        stopping.stop = resolve;
        if (stopping.early !== undefined) resolve(stopping.early);
      });
      return (await idle(host, config, log, purpose)) === 'poweroff' ? 'poweredOff' : 'stopped';
    }
  }

  const device = await startDevice(host, {
    store,
    cmdline,
    storage,
    ...(options.state === undefined ? {} : { own: { state: options.state, objects: options.objects } }),
    sinks,
    warnings,
    sysctls,
    buildInfo: { version: packageJson.version, lines: [] },
    onReady: (socketPath) => system.print('stdout', `ready socket=${socketPath}\n`),
  });
  stopping.stop = device.stop;
  if (stopping.early !== undefined) device.stop(stopping.early);
  return (await device.finished) === 'poweroff' ? 'poweredOff' : 'stopped';
}

/** How often PID 1 hears that the runtime lives: some times within its patience. */
const signOfLife = 10_000;

function keepAlive(host: Pick<Host, 'clock'>, init: InitProcess): void {
  init.alive();
  host.clock.after(signOfLife, () => keepAlive(host, init));
}

function print({ system }: Host, text: string): ExitName {
  system.print('stdout', text);
  return 'stopped';
}
