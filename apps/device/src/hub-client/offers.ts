/** From a step of the Hub to an update, or to a report of how it has ended already (updates.md §4.1). */
import {
  isFinal,
  isUpdating,
  type OfferedStep,
  parseProgress,
  type Reason,
  revisionsInUse,
  type UpdateEventBody,
  type UpdateModel,
} from '@pantavisor/engine';
import type { Files, TextCoding } from '../host/ports.ts';
import { readIfThere } from '../storage/durable.ts';
import type { StorageLayout } from '../storage/layout.ts';
import { progressLimit } from '../storage/progress.ts';
import { commitMessageLimit, readStateText, saveCommitMessage, storeRevision } from '../storage/revisions.ts';

export interface OffersParts {
  files: Files;
  text: TextCoding;
  layout: StorageLayout;
  updates(): UpdateModel;
  post(event: Extract<UpdateEventBody, { type: 'update.requested' }>): void;
  /** Tells the Hub again. @param body JSON text of a progress */
  report(revision: string, body: string): void;
  refused(reason: Reason): void;
}

/** Takes steps one after the other: the answer to a question and the one to news that crossed it may both bring the same one. */
export class Offers {
  readonly #parts: OffersParts;
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: OffersParts) {
    this.#parts = parts;
  }

  /** Takes a step in hand. @throws HostError when it cannot be stored; it will be offered again */
  take(step: OfferedStep): Promise<void> {
    const taken = this.#last.then(() => takeOffer(this.#parts, step));
    this.#last = taken.catch(() => undefined);
    return taken;
  }
}

async function takeOffer(parts: OffersParts, step: OfferedStep): Promise<void> {
  const { files, text, layout, updates, post, report, refused } = parts;
  const { revision, state } = step;
  if (isUpdating(updates())) return;
  const known = (await readStateText(files, layout, revision)) === state;
  const stored = known ? await readIfThere(files, layout.revision(revision).progress, progressLimit) : undefined;
  const progress = stored === undefined ? undefined : parseProgress(stored);
  if (stored !== undefined && isFinal(progress)) {
    report(revision, stored);
    return;
  }
  if (!known && revisionsInUse(updates()).includes(revision)) {
    // Of another trail, as after UNCLAIM: what runs is never taken away from under itself.
    const message = `cannot take revision ${revision} of the Hub: another revision of this name is in use`;
    refused({ code: 'revision-in-use', message });
    return;
  }
  if (!known) await storeRevision(files, layout, revision, state);
  await saveCommitMessage(files, layout, revision, text.encode(step.commitMessage).slice(0, commitMessageLimit));
  const retries = progress?.retries ?? parseProgress(step.progress)?.retries ?? 0;
  post({ type: 'update.requested', kind: 'remote', revision, progress: { status: 'NEW', message: null, retries } });
}
