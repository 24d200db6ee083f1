/** `/commands` and `/storage/gc` (control.md §5). */
import { type CommandOperation, commandOperations, type RefusalCode } from '@pantavisor/ctrl-api';
import { done, type Handler, jsonText, parseObject, RefusedError } from './call.ts';

/** What became of a command. `already`: there was nothing to do, which the original answers with 204. */
export type CommandAnswer =
  | { ok: true }
  | { ok: false; code: 'already' }
  | {
      ok: false;
      code: Extract<
        RefusalCode,
        | 'command-bad'
        | 'command-pending'
        | 'update-ongoing'
        | 'local-mode'
        | 'claimed'
        | 'factory-untested'
        | 'remote-disabled'
        | 'shell-closed'
      >;
    };

/** The part of the device that carries commands out. */
export interface Commands {
  /**
   * Admits or refuses a command by the device's state at this moment; it is carried out afterwards.
   * @param payload text, or JSON text when the client sent an object
   */
  submit(operation: CommandOperation, payload: string): Promise<CommandAnswer>;
  /** Removes what nothing needs, now. @returns bytes freed, or undefined when it failed */
  collectGarbage(): Promise<number | undefined>;
}

/** The payload as text; undefined when it is missing. */
function payloadText(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'string') return value;
  return value === null ? '' : JSON.stringify(value);
}

/** Handlers of the endpoints that make the device do something. */
export function commandHandlers(commands: Commands) {
  const command: Handler = async ({ text }) => {
    const body = parseObject(await text());
    const payload = payloadText(body?.payload);
    const operation = commandOperations.find((known) => known === body?.op);
    if (operation === undefined || payload === undefined) throw new RefusedError('command-bad');
    const answer = await commands.submit(operation, payload);
    if (answer.ok) return done;
    if (answer.code === 'already') return { status: 204 };
    throw new RefusedError(answer.code);
  };

  const collectGarbage: Handler = async () => {
    const reclaimed = await commands.collectGarbage();
    if (reclaimed === undefined) throw new RefusedError('garbage-failed');
    // The blank after the colon is the original's, and scripts cut the number off behind it.
    return jsonText(`{"reclaimed": ${reclaimed}}`);
  };

  return { command, collectGarbage };
}
