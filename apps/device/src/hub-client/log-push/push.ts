/**
 * Sends the logs of the device to its Hub, batch by batch and in order (logs.md §8). What the Hub takes moves the positions on; what it cannot take now
 * is sent later; a line that it will never take is found by halving its batch, and left out alone.
 */
import { type HubOutcome, waitMs } from '@pantavisor/engine';
import type { Host } from '../../host/ports.ts';
import type { LogOutputs } from '../../logs/outputs.ts';
import type { Log } from '../../runtime/log.ts';
import { type HubConnection, outcomeOf } from '../connection.ts';
import { PushPositions } from './positions.ts';
import { LogSource, type SourceLine } from './source.ts';

export interface LogPushParts {
  host: Pick<Host, 'files' | 'streams' | 'text' | 'clock' | 'hashing' | 'system'>;
  connection: Pick<HubConnection, 'ask'>;
  /** Directory of all logs. */
  directory: string;
  outputs: Pick<LogOutputs, 'keeper' | 'isTree' | 'written'>;
  /** PV_LOG_PUSH as it is now. */
  isWanted(): boolean;
  running(): string;
  /** Logs of revisions of the device's own go to the Hub as well. */
  withLocals(): boolean;
  random(): number;
  log: Log;
}

/** Limits of one request, as of the original. */
const batch = { entries: 200, bytes: 256 * 1024 } as const;
/** Milliseconds: for how long entries are gathered, the first wait after a failure, and between two words about lines that are left out. */
const times = { gather: 2000, retry: 1000, word: 60_000 } as const;

export class LogPush {
  readonly #parts: LogPushParts;
  readonly #positions: PushPositions;
  readonly #source: LogSource;
  #online = false;
  #open = false;
  #closed = false;
  #running: Promise<void> | undefined;
  #timer: (() => void) | undefined;
  #failures = 0;
  /** Most entries of the next batch; fewer while a line is looked for that the Hub does not take. */
  #most: number = batch.entries;
  #leftOut = 0;
  #word: (() => void) | undefined;

  constructor(parts: LogPushParts) {
    this.#parts = parts;
    const { host, directory, outputs, running, withLocals, log } = parts;
    this.#positions = new PushPositions({
      files: host.files,
      clock: host.clock,
      path: `${directory}/.push.json`,
      newStream: () => host.system.randomHex(8),
      failed: (error) => log('WARN', 'hub', `cannot keep how far logs are at the Hub: ${messageOf(error)}`),
    });
    this.#source = new LogSource({
      host,
      directory,
      positions: this.#positions,
      running,
      withLocals,
      finished: (path) => outputs.keeper.compress(path),
      wake: () => this.#wake(),
      warn: (sentence) => log('WARN', 'hub', sentence),
    });
  }

  /** The Hub can be reached, or no longer. */
  setOnline(online: boolean): void {
    this.#online = online;
    this.#failures = 0;
    this.follow();
  }

  /** The configuration may have changed. */
  follow(): void {
    const { isWanted, outputs } = this.#parts;
    const isWantedNow = !this.#closed && isWanted() && outputs.isTree;
    // Also without a Hub: nothing may be compressed before it was sent.
    if (isWantedNow && !this.#open) void this.#begin();
    if (!isWantedNow && this.#open) this.#end();
    this.#timer?.();
    this.#timer = undefined;
    this.#wake();
  }

  /**
   * Ends, and writes down how far everything is. What is put away from now on is sent by the next runtime; a batch that is on its way is not waited
   * for, since the Hub knows it when it comes again.
   */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.();
    this.#word?.();
    if (this.#open) await this.#positions.save();
  }

  async #begin(): Promise<void> {
    const { outputs, log } = this.#parts;
    this.#open = true;
    outputs.keeper.observer = this.#source;
    try {
      await this.#positions.open();
      await this.#source.open();
    } catch (error) {
      log('WARN', 'hub', `cannot look for logs to send: ${messageOf(error)}`);
    }
  }

  #end(): void {
    this.#open = false;
    this.#parts.outputs.keeper.observer = undefined;
    this.#source.close();
  }

  #wake(): void {
    if (!this.#online || !this.#open || this.#closed || this.#source.isEmpty) return;
    if (this.#running === undefined) this.#timer ??= this.#parts.host.clock.after(times.gather, () => this.#start());
  }

  #start(): void {
    this.#timer = undefined;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      this.#wake();
    });
  }

  /** Batches as long as there are full ones, or until one fails. */
  async #run(): Promise<void> {
    const { host, random, log, outputs } = this.#parts;
    while (this.#online && this.#open && !this.#closed) {
      let lines: SourceLine[] = [];
      let outcome: HubOutcome;
      try {
        await outputs.written();
        lines = await this.#source.take(this.#most, batch.bytes);
        if (lines.length === 0 && this.#source.isEmpty) return;
        outcome = lines.length === 0 ? { kind: 'ok' } : await this.#send(lines);
      } catch (error) {
        outcome = outcomeOf(error);
      }
      if (outcome.kind === 'ok') {
        this.#stored(lines);
        continue;
      }
      if (isRefusal(outcome)) {
        this.#refused(lines);
        continue;
      }
      this.#source.putBack(lines);
      this.#failures += 1;
      if (this.#failures === 1 && 'reason' in outcome) log('DEBUG', 'hub', outcome.reason.message);
      const hint = outcome.kind === 'busy' ? outcome.retryAfterMs : undefined;
      this.#timer ??= host.clock.after(waitMs(times.retry, this.#failures, random(), hint), () => this.#start());
      return;
    }
  }

  async #send(lines: readonly SourceLine[]): Promise<HubOutcome> {
    const body = lines.map(({ entry }) => entry);
    const headers = { 'pantahub-log-runs': runsOf(lines) };
    await this.#parts.connection.ask({ what: 'send logs', method: 'POST', path: '/logs/', body, headers });
    return { kind: 'ok' };
  }

  #stored(lines: readonly SourceLine[]): void {
    this.#failures = 0;
    this.#most = Math.min(batch.entries, this.#most * 2);
    this.#advance(lines);
  }

  #refused(lines: readonly SourceLine[]): void {
    const [first] = lines;
    if (lines.length > 1 || first === undefined) {
      this.#most = Math.max(1, Math.floor(lines.length / 2));
      this.#source.putBack(lines);
      return;
    }
    // It never will be taken, and must not keep back what comes after it.
    this.#advance(lines);
    this.#tell(first);
  }

  #advance(lines: readonly SourceLine[]): void {
    for (const { position, end } of lines) {
      position.offset = end;
      position.count += 1;
    }
    if (lines.length > 0) this.#positions.soon();
  }

  #tell({ entry }: SourceLine): void {
    this.#leftOut += 1;
    if (this.#word !== undefined) return;
    const { host, log } = this.#parts;
    log('WARN', 'hub', `the Hub does not take a line of ${entry.plat}${entry.src}; it is left out`);
    this.#leftOut = 0;
    this.#word = host.clock.after(times.word, () => {
      this.#word = undefined;
      if (this.#leftOut > 0) log('WARN', 'hub', `the Hub did not take ${this.#leftOut} more lines; they are left out`);
      this.#leftOut = 0;
    });
  }
}

/** Numbers of the entries in their streams, for the header `Pantahub-Log-Runs`. */
function runsOf(lines: readonly SourceLine[]): string {
  const runs = new Map<string, { first: number; count: number }>();
  for (const { position } of lines) {
    const run = runs.get(position.stream);
    if (run === undefined) runs.set(position.stream, { first: position.count, count: 1 });
    else run.count += 1;
  }
  return [...runs].map(([stream, { first, count }]) => `${stream}:${first}:${count}`).join(',');
}

/** The Hub has looked at the content and does not want it; everything else may be otherwise later (logs.md §8). */
function isRefusal(outcome: HubOutcome): boolean {
  return outcome.kind === 'refused' && /^hub-4/.test(outcome.reason.code) && outcome.reason.code !== 'hub-403';
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
