/** The rooms behind a control socket for tests: real storage and configuration, a scripted runtime and scripted commands. */
import type { CommandOperation } from '@pantavisor/ctrl-api';
import { type ParseContext, parseState } from '@pantavisor/state';
import { ConfigStore } from '../../config/store.ts';
import type { Files, TextCoding } from '../../host/ports.ts';
import { makeTree } from '../../storage/durable.ts';
import { storageLayout } from '../../storage/layout.ts';
import { createObjectStore } from '../../storage/objects.ts';
import { saveProgress } from '../../storage/progress.ts';
import { storeRevision } from '../../storage/revisions.ts';
import { readSpace } from '../../storage/space.ts';
import type { CommandAnswer, Commands } from '../commands.ts';
import type { ControlRooms } from '../server.ts';
import { createScriptedLocalRooms } from './scripted-local-rooms.ts';
import { ScriptedRuntime } from './scripted-runtime.ts';

/** Commands that remember what was submitted and answer as told. */
export class ScriptedCommands implements Commands {
  answer: CommandAnswer = { ok: true };
  reclaimed: number | undefined = 0;
  readonly submitted: { operation: CommandOperation; payload: string }[] = [];

  async submit(operation: CommandOperation, payload: string): Promise<CommandAnswer> {
    this.submitted.push({ operation, payload });
    return this.answer;
  }

  async collectGarbage(): Promise<number | undefined> {
    return this.reclaimed;
  }
}

export interface ScriptedRooms extends ControlRooms {
  runtime: ScriptedRuntime;
  commands: ScriptedCommands;
  config: ConfigStore;
  /** Failures that were reported instead of answered. */
  failures: string[];
}

const parseContext: ParseContext = { initMode: 'appengine' };
const factoryState = '{"#spec":"pantavisor-service-system@1"}';

/** A device with the factory revision `0` on a storage directory. */
export async function createScriptedRooms(
  host: { files: Files; text: TextCoding },
  storage: string,
): Promise<ScriptedRooms> {
  const { files, text } = host;
  const layout = storageLayout({ storage, logs: `${storage}/logs` });
  for (const directory of [layout.objects, layout.trails, layout.logs]) await makeTree(files, directory);
  await storeRevision(files, layout, '0', factoryState);
  await saveProgress(files, layout, '0', { status: 'DONE', message: 'Factory revision', retries: 0 });
  const space = () => readSpace(files, layout, 5);
  const failures: string[] = [];
  return {
    runtime: new ScriptedRuntime(),
    commands: new ScriptedCommands(),
    config: new ConfigStore(),
    text,
    ...(await createScriptedLocalRooms(files, storage)),
    objects: { store: createObjectStore({ files, layout, space }), pathOf: layout.object },
    steps: {
      files,
      layout,
      space,
      checkState: async (content) => {
        const { state } = parseState(content, parseContext);
        return state ? { ok: true } : { ok: false, text: 'Parser: State JSON has bad format' };
      },
      busyRevisions: () => ['0'],
    },
    state: () => parseState(factoryState, parseContext).state,
    failures,
    onFailure: (request, error) => failures.push(`${request}: ${error instanceof Error ? error.stack : error}`),
  };
}
