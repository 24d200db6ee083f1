/** `npm start`: brings a device up on this machine, shows it, and takes everything away again at the end. */
import { exitCodes, readOptions, type StartOptions } from './start/options.ts';
import { StartError } from './start/prepare.ts';
import { Session, type SessionEnd } from './start/session.ts';

/** Lines of the device's log that are repeated when it ends by itself. */
const lastWords = 15;

async function runSession(options: StartOptions): Promise<SessionEnd | StartError> {
  const undo: (() => void | Promise<void>)[] = [];
  const atEnd = (step: () => void | Promise<void>) => void undo.push(step);
  const session = new Session(options, atEnd);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => session.stop());
  try {
    return await session.run(atEnd);
  } catch (error) {
    if (error instanceof StartError) return error;
    throw error;
  } finally {
    for (const step of undo.reverse()) await step();
  }
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2), process.env.INIT_CWD ?? process.cwd());
  if ('exitCode' in options) {
    console[options.stream === 'stdout' ? 'log' : 'error'](options.text);
    return options.exitCode;
  }
  const end = await runSession(options);
  if (end instanceof StartError) {
    console.error(`start: ${end.message}`);
    return end.exitCode;
  }
  if (end.wanted) {
    const { storage } = options;
    console.log(storage === undefined ? 'stopped; nothing is left' : `stopped; the device is kept in ${storage}`);
    return exitCodes.stopped;
  }
  const { code, signal } = end.exit ?? { code: null, signal: null };
  const words = end.log.slice(-lastWords).map((line) => `  ${line}`);
  console.error(
    [`start: the device ended by itself (${signal ?? `exit code ${code}`}); its last words:`, ...words].join('\n'),
  );
  return code || exitCodes.deviceFailed;
}

process.exit(await main());
