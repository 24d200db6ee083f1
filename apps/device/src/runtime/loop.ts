/** The loop of the device: events in, one step of the engine each, effects out in the order in which it gave them. */
import type { DeviceEffect, DeviceEvent, Reason, Step } from '@pantavisor/engine';
import type { Clock } from '../host/ports.ts';

/** One executor for every kind of effect: a new effect without one does not compile. None of them waits; results come back as events. */
export type Executors = {
  readonly [Type in DeviceEffect['type']]: (effect: Extract<DeviceEffect, { type: Type }>) => void;
};

/** An event without its time, which the loop adds. */
export type NewEvent = DeviceEvent extends infer E ? (E extends { at: number } ? Omit<E, 'at'> : never) : never;

export interface Loop<Model> {
  /**
   * Queues an event. Handled before this returns, unless it comes from an executor: then right after the present one. Events that come
   * before `run` wait for it.
   */
  post(event: NewEvent): void;
  model(): Model;
  /** Begins to handle events. */
  run(executors: Executors): void;
}

/**
 * @param step the engine
 * @param onReasons takes the reasons for decisions, for the log
 */
export function createLoop<Model>(parts: {
  model: Model;
  step: (model: Model, event: DeviceEvent) => Step<Model, DeviceEffect>;
  clock: Clock;
  onReasons: (reasons: readonly Reason[]) => void;
}): Loop<Model> {
  const { step, clock, onReasons } = parts;
  let { model } = parts;
  let executors: Executors | undefined;
  const queue: DeviceEvent[] = [];
  let busy = false;

  const execute = (effect: DeviceEffect, table: Executors) => {
    // The table has exactly the executor of this effect's own type under its name.
    (table[effect.type] as (effect: DeviceEffect) => void)(effect);
  };

  const drain = (table: Executors) => {
    busy = true;
    try {
      for (let event = queue.shift(); event !== undefined; event = queue.shift()) {
        const next = step(model, event);
        model = next.model;
        onReasons(next.reasons);
        for (const effect of next.effects) execute(effect, table);
      }
    } finally {
      busy = false;
    }
  };

  return {
    model: () => model,
    post: (event) => {
      queue.push({ ...event, at: clock.monotonic() } as DeviceEvent);
      if (executors !== undefined && !busy) drain(executors);
    },
    run: (table) => {
      executors = table;
      if (!busy) drain(table);
    },
  };
}
