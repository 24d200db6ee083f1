/** `/steps` (control.md §5). */
import { progressMessage } from '@pantavisor/engine';
import type { Files, TextCoding } from '../host/ports.ts';
import type { StorageLayout } from '../storage/layout.ts';
import { saveProgress } from '../storage/progress.ts';
import { isLocalRevision, isRevisionName } from '../storage/revision-name.ts';
import {
  commitMessageLimit,
  readCurrent,
  readStateText,
  saveCommitMessage,
  storeRevision,
} from '../storage/revisions.ts';
import type { StorageSpace } from '../storage/space.ts';
import { formatSteps, listSteps } from '../storage/steps.ts';
import { type Call, done, type Handler, jsonText, RefusedError, readText, refuseWith } from './call.ts';

/** Far more than any state; a larger one is refused before it is read. */
const stateLimit = 32 * 1024 * 1024;

/** Whether a state may be stored; `text` is the original's wording, e.g. `Parser: State JSON has bad format`. */
export type StateVerdict = { ok: true } | { ok: false; text: string };

export interface StepDoors {
  files: Files;
  layout: StorageLayout;
  space(): Promise<StorageSpace>;
  /** Parses a state and checks its signatures. */
  checkState(text: string): Promise<StateVerdict>;
  /** Revisions whose state must not change now: the running one, and that of an update. */
  busyRevisions(): readonly string[];
}

/** Handlers of the endpoints for revisions. */
export function stepHandlers(doors: StepDoors, text: TextCoding) {
  const { files, layout } = doors;
  let last: Promise<unknown> = Promise.resolve();

  /** Writers go one after the other, so that two clients with one name cannot mix their halves. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = last.then(work, work);
    last = turn.catch(() => undefined);
    return turn;
  }

  async function existing(name: string): Promise<string> {
    const revision = name === 'current' ? await readCurrent(files, layout) : name;
    if (revision === undefined || !isRevisionName(revision)) throw new RefusedError('resource-missing');
    return revision;
  }

  async function sendFile(path: string) {
    if ((await files.status(path))?.kind !== 'file') throw new RefusedError('resource-missing');
    return jsonText({ file: path });
  }

  const state =
    (name: (call: Call) => string): Handler =>
    async (call) =>
      sendFile(layout.revision(await existing(name(call))).state);

  const progress =
    (name: (call: Call) => string): Handler =>
    async (call) =>
      sendFile(layout.revision(await existing(name(call))).progress);

  const message =
    (name: (call: Call) => string): Handler =>
    async (call) => {
      const revision = await existing(name(call));
      const content = await readText(call.request, commitMessageLimit, text);
      if (content === '') throw new RefusedError('message-missing');
      await inTurn(() => saveCommitMessage(files, layout, revision, content));
      return done;
    };

  const putLocalStep: Handler = async (call) => {
    const revision = localName(call);
    if (!isLocalRevision(revision)) throw new RefusedError('step-name');
    const { realFree } = await doors.space();
    const content = await readText(call.request, Math.min(stateLimit, realFree), text);
    // Bytes that are no UTF-8 were replaced while decoding: what is stored would not be what was sent and signed.
    if (content.includes('\uFFFD')) throw new RefusedError('step-format');
    const verdict = await doors.checkState(content);
    if (!verdict.ok) return refuseWith(422, verdict.text);
    return inTurn(async () => {
      if (doors.busyRevisions().includes(revision) && (await readStateText(files, layout, revision)) !== content)
        throw new RefusedError('step-in-use');
      if (await storeRevision(files, layout, revision, content)) {
        const message = progressMessage('ready');
        await saveProgress(files, layout, revision, { status: 'NEW', message, retries: 0 });
      }
      return done;
    });
  };

  const listHandler: Handler = async () => jsonText(formatSteps(await listSteps(files, layout)));

  return {
    listSteps: listHandler,
    getStep: state(firstParameter),
    getLocalStep: state(localName),
    getStepProgress: progress(firstParameter),
    getLocalStepProgress: progress(localName),
    putStepMessage: message(firstParameter),
    putLocalStepMessage: message(localName),
    putLocalStep,
  };
}

const firstParameter = ({ parameters }: Call) => parameters[0] ?? '';
const localName = ({ parameters }: Call) => `locals/${parameters[0] ?? ''}`;
