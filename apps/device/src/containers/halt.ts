/** Asking init to end, so that it hears it. */
import type { Clock, ContainerRuntime, Files, RunningContainer } from '../host/ports.ts';

/** Numbers of the signals that inits are halted with (signal(7); the same on x86 and arm). */
const numbers: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGUSR1: 10,
  SIGUSR2: 12,
  SIGTERM: 15,
  SIGPWR: 30,
  SIGWINCH: 28,
  'SIGRTMIN+3': 37,
  'SIGRTMIN+4': 38,
};

/** Pauses before init is asked again; together shorter than the time it is given to end. */
const pausesMs = [50, 100, 200, 400, 800, 1600];

/**
 * True when a signal reaches a process with this /proc/<pid>/status: it has a handler, or blocks the signal to fetch it later. The
 * kernel drops every other signal to an init. Unknown signals and texts count as heard.
 */
export function hears(status: string, signal: string): boolean {
  const number = numbers[signal];
  if (number === undefined) return true;
  const inMask = (field: string) => {
    const digits = new RegExp(`^${field}:\\s*([0-9a-f]{16})$`, 'm').exec(status)?.[1];
    return digits === undefined ? undefined : ((BigInt(`0x${digits}`) >> BigInt(number - 1)) & 1n) === 1n;
  };
  const [caught, blocked] = [inMask('SigCgt'), inMask('SigBlk')];
  return caught === undefined || blocked === undefined || caught || blocked;
}

/**
 * Sends the halt signal. An init that has only just begun has no handler yet and would never know; it is asked again a few times until
 * it has one.
 * @param signal as the configuration names it; undefined: what init looks like it expects
 * @param isOver true when the container has ended meanwhile
 */
export async function haltInit(
  { files, clock, containers }: { files: Files; clock: Clock; containers: ContainerRuntime },
  running: RunningContainer,
  signal: string | undefined,
  isOver: () => boolean,
): Promise<void> {
  for (const pause of [...pausesMs, undefined]) {
    // Asked each time: systemd blocks its signal only once it is up.
    const name = signal ?? (await containers.haltSignal(running));
    const heard = hears(await files.readText(`/proc/${running.initPid}/status`).catch(() => ''), name);
    await containers.signal(running, name);
    if (heard || pause === undefined) return;
    await new Promise<void>((resolve) => void clock.after(pause, resolve));
    if (isOver()) return;
  }
}
