/** `/drivers`, `/daemons` and `/wakelocks` (control.md §5). */

import type { Daemons } from '../daemons/daemons.ts';
import type { Drivers } from '../drivers/drivers.ts';
import type { WakeLocks } from '../power/wake-locks.ts';
import { type Call, done, type Handler, jsonAnswer, parseObject, RefusedError } from './call.ts';

const containerOf = ({ caller }: Call) => (caller.kind === 'container' ? caller.name : undefined);

/** Handlers for drivers, which are always those of the calling container. */
export function driverHandlers(drivers: Pick<Drivers, 'list' | 'load' | 'unload'>) {
  const list: Handler = async (call) => {
    const name = containerOf(call);
    return jsonAnswer((name === undefined ? undefined : drivers.list(name)) ?? {});
  };
  const load: Handler = async (call) => {
    const name = containerOf(call);
    const [one] = call.parameters;
    if (name !== undefined && !(await drivers.load(name, one)))
      throw new RefusedError(one === undefined ? 'drivers-load' : 'driver-load');
    return done;
  };
  const unload: Handler = async (call) => {
    const name = containerOf(call);
    if (name !== undefined) await drivers.unload(name, call.parameters[0]);
    return done;
  };
  return { listDrivers: list, loadDrivers: load, loadDriver: load, unloadDrivers: unload, unloadDriver: unload };
}

/** Handlers for daemons. */
export function daemonHandlers(daemons: Pick<Daemons, 'list' | 'has' | 'start' | 'stop'>) {
  const listDaemons: Handler = async () => jsonAnswer(daemons.list());
  const controlDaemon: Handler = async ({ parameters, text }) => {
    const name = parameters[0] ?? '';
    if (!daemons.has(name)) throw new RefusedError('daemon-unknown');
    const content = await text();
    if (content === '') throw new RefusedError('daemon-no-data');
    const body = parseObject(content);
    if (!body) throw new RefusedError('invalid-json');
    // The original answers 200 to any other action as well, and its clients rely on it.
    if (body.action === 'start') daemons.start(name);
    if (body.action === 'stop') daemons.stop(name);
    return done;
  };
  return { listDaemons, controlDaemon };
}

/** Handler for wake locks. */
export function wakeLockHandlers(wakeLocks: Pick<WakeLocks, 'status'>) {
  const wakeLocksHandler: Handler = async () => jsonAnswer(wakeLocks.status());
  return { wakeLocks: wakeLocksHandler };
}
