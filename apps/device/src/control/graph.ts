/** `/xconnect-graph`: which container asks for which service of which other one (xconnect.md §3). */
import type { GraphLinkJson } from '@pantavisor/ctrl-api';
import type { State } from '@pantavisor/state';
import type { Runtime } from '../runtime/facade.ts';
import { type Handler, jsonAnswer, RefusedError } from './call.ts';

/**
 * One link for each requirement and each export of its name: consumers in the order of the state, their requirements as declared, then
 * providers in the order of the state. It says what is wanted, not whether it is connected.
 * @param pidOf init of a container on the host, or undefined while it does not run
 */
export function graphOf(
  { containers }: Pick<State, 'containers'>,
  pidOf: (name: string) => number | undefined,
): GraphLinkJson[] {
  const offers = containers.flatMap(({ name: provider, provides }) =>
    provides.flatMap((service) => (service.kind === 'socket' ? [{ provider, ...service }] : [])),
  );
  return containers.flatMap(({ name: consumer, requires }) =>
    requires.flatMap((wanted) =>
      offers
        .filter(({ name }) => name === wanted.name)
        .map(({ provider, type, socket }) => ({
          consumer,
          consumer_pid: pidOf(consumer) ?? -1,
          provider,
          provider_pid: pidOf(provider) ?? -1,
          name: wanted.name,
          type,
          role: wanted.role,
          interface: wanted.interface ?? type,
          target: wanted.target ?? null,
          socket: socket ?? null,
        })),
    ),
  );
}

/** Handler for the graph. @param state of the running revision */
export function graphHandlers(runtime: Runtime, state: () => State | undefined) {
  const graph: Handler = async () => {
    const running = runtime.loaded() ? state() : undefined;
    if (running === undefined) throw new RefusedError('state-not-loaded');
    const pids = new Map(runtime.containers().map(({ name, pid }) => [name, pid]));
    return jsonAnswer(graphOf(running, (name) => pids.get(name)));
  };
  return { graph };
}
