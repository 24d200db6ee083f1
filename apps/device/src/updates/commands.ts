/** Commands of the control socket: asked of the engine, answered in the control socket's words, and those that the device carries out itself. */
import type { CommandContext, CommandOp, CommandRefusal, CommandVerdict, UpdateEffect } from '@pantavisor/engine';
import type { CommandAnswer, Commands } from '../control/commands.ts';
import type { Files } from '../host/ports.ts';
import type { Log } from '../runtime/log.ts';
import type { NewEvent } from '../runtime/loop.ts';
import type { StorageLayout } from '../storage/layout.ts';
import { readProgress } from '../storage/progress.ts';
import { isRevisionName } from '../storage/revision-name.ts';
import type { Collector } from './collector.ts';

const answers: Readonly<Record<CommandRefusal, CommandAnswer>> = {
  'payload-missing': { ok: false, code: 'command-bad' },
  'local-mode': { ok: false, code: 'local-mode' },
  'update-ongoing': { ok: false, code: 'update-ongoing' },
  'already-claimed': { ok: false, code: 'claimed' },
  'factory-source-untested': { ok: false, code: 'factory-untested' },
  'remote-disabled': { ok: false, code: 'remote-disabled' },
  'no-debug-shell': { ok: false, code: 'shell-closed' },
  'already-remote': { ok: false, code: 'already' },
  'already-unclaimed': { ok: false, code: 'already' },
  'command-pending': { ok: false, code: 'command-pending' },
};

/** Ops whose payload is the name of a revision. */
const namesRevision: readonly CommandOp[] = [
  'LOCAL_RUN',
  'LOCAL_RUN_COMMIT',
  'TRY_ONCE',
  'LOCAL_APPLY',
  'MAKE_FACTORY',
];

export interface CommandsRoom {
  files: Files;
  layout: StorageLayout;
  collector: Collector;
  /** What admission asks of the rest of the device, at this moment. */
  context(): CommandContext;
  /** Carries out a command for other rooms. False: nobody can. */
  carryOut(op: CommandOp, payload: string): Promise<boolean>;
  post(event: NewEvent): void;
  log: Log;
}

type RunEffect = Extract<UpdateEffect, { type: 'command.run' }>;

export class DeviceCommands implements Commands {
  readonly #room: CommandsRoom;
  readonly #waiting = new Map<number, (verdict: CommandVerdict) => void>();
  #last = 0;

  constructor(room: CommandsRoom) {
    this.#room = room;
  }

  async submit(op: CommandOp, payload: string): Promise<CommandAnswer> {
    const { files, layout, context, post } = this.#room;
    const named = namesRevision.includes(op) && payload !== '';
    if (named && !isRevisionName(payload)) return { ok: false, code: 'command-bad' };
    const progress = named ? await readProgress(files, layout, payload) : undefined;
    this.#last += 1;
    const id = this.#last;
    const verdict = await new Promise<CommandVerdict>((resolve) => {
      this.#waiting.set(id, resolve);
      const asked = { type: 'command.requested', id, op, payload, context: context() } as const;
      post({ ...asked, ...(progress === undefined ? {} : { progress }) });
    });
    return verdict.ok ? verdict : answers[verdict.code];
  }

  async collectGarbage(): Promise<number | undefined> {
    const { collector, log } = this.#room;
    try {
      return (await collector.collect()).reclaimed;
    } catch (error) {
      log('ERROR', 'storage', `cannot collect garbage: ${error instanceof Error ? error.message : error}`);
      return undefined;
    }
  }

  /** The engine's verdict on a command. */
  answer(id: number, verdict: CommandVerdict): void {
    this.#waiting.get(id)?.(verdict);
    this.#waiting.delete(id);
  }

  /** Carries out what the engine leaves to the device. */
  run({ id, op, payload }: RunEffect): void {
    const { post, log, carryOut } = this.#room;
    const finished = () => post({ type: 'command.finished', id });
    if (op === 'RUN_GC') {
      void this.collectGarbage().finally(finished);
      return;
    }
    void carryOut(op, payload)
      .then((done) => {
        if (!done) log('WARN', 'commands', `cannot carry out ${op}: this device has nothing that could`);
      })
      .finally(finished);
  }
}
