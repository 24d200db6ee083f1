/** Signal names and numbers - signal(7). */
import { constants } from 'node:os';

const realTimeLeast = 34;
const realTimeMost = 64;

/**
 * Number of a signal name; knows `SIGRTMIN`, `SIGRTMIN+3`, `SIGRTMAX-1` besides the usual ones.
 * @throws TypeError when there is no such signal
 */
export function signalNumber(name: string): number {
  if (Object.hasOwn(constants.signals, name)) return constants.signals[name as NodeJS.Signals];
  const match = /^SIGRT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(name);
  if (match) {
    const base = match[1] === 'MIN' ? realTimeLeast : realTimeMost;
    const number = base + (match[2] === '-' ? -1 : 1) * Number(match[3] ?? 0);
    if (number >= realTimeLeast && number <= realTimeMost) return number;
  }
  throw new TypeError(`cannot use signal '${name}': there is no such signal`);
}

/** Name of a signal's number, the inverse of `signalNumber`; `SIGRTMIN+n` for real-time signals. */
export function signalName(number: number): string {
  if (number >= realTimeLeast && number <= realTimeMost)
    return number === realTimeLeast ? 'SIGRTMIN' : `SIGRTMIN+${number - realTimeLeast}`;
  const found = Object.entries(constants.signals).find(([, value]) => value === number);
  return found ? found[0] : `SIG${number}`;
}
