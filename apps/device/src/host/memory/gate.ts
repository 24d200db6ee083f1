/** Thrown inside the simulation when a call comes after the end of the runtime or the machine; callers never see it. */
export class TooLate extends Error {
  override name = 'TooLate';
}

/** Runs a port call at once. Calls of a dead runtime, or on a machine without power, never return. */
export type Gate = <T>(act: () => T | Promise<T>) => Promise<T>;

/**
 * @param alive whether calls still reach the machine, asked at the call and again before its result is handed out
 */
export function createGate(alive: () => boolean): Gate {
  const never = new Promise<never>(() => {});
  return async (act) => {
    if (!alive()) return never;
    try {
      const result = await act();
      return alive() ? result : await never;
    } catch (error) {
      if (error instanceof TooLate || !alive()) return never;
      throw error;
    }
  };
}
