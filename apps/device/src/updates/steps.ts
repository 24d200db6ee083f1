/**
 * The steps of updates on the machine: one row a step, each repeatable, each answered by one event. What a step promises is said with
 * `UpdateStep` of the engine; how it fails is the last column here.
 */
import {
  type FailureCode,
  type PlannedTransition,
  progressText,
  type UpdateEffect,
  type UpdateEventBody,
  type UpdateStep,
} from '@pantavisor/engine';
import type { Files } from '../host/ports.ts';
import type { Log } from '../runtime/log.ts';
import { writeDurable } from '../storage/durable.ts';
import { removeJournal, writeJournal } from '../storage/journal.ts';
import type { StorageLayout } from '../storage/layout.ts';
import { saveProgress } from '../storage/progress.ts';
import type { createBootSteps } from './boot-steps.ts';
import type { ErrorTail } from './error-tail.ts';
import type { Installer } from './install-steps.ts';
import type { PreparedRevision } from './prepared-revision.ts';
import type { Remote } from './remote.ts';
import { StepError, updateFailure } from './step-error.ts';
import type { Turns } from './turns.ts';

type StepEffect = Extract<UpdateEffect, { step: number }>;
type StepType = UpdateStep['type'];
type StepOf<Type extends StepType> = Extract<UpdateStep, { type: Type }> & { step: number };

interface StepRow<Type extends StepType> {
  work(step: StepOf<Type>): Promise<PlannedTransition | undefined>;
  /** What a failure means that does not say it itself. */
  otherwise: FailureCode;
  /** It may last for days, so the collector need not wait for it. */
  beside?: true;
}
type StepTable = { readonly [Type in StepType]: StepRow<Type> };

export interface StepsRoom {
  files: Files;
  layout: StorageLayout;
  installer: Installer;
  boot: ReturnType<typeof createBootSteps>;
  tail: ErrorTail;
  /** Steps and the collector change the storage one after the other. */
  turns: Turns;
  remote(): Remote | undefined;
  /** Another revision runs from now on: whatever carries its name follows. */
  switched(revision: PreparedRevision): Promise<void>;
  post(event: Extract<UpdateEventBody, { type: 'update.done' | 'update.failed' }>): void;
  log: Log;
}

function plain<Type extends StepType>(
  otherwise: FailureCode,
  work: (step: StepOf<Type>) => Promise<void>,
): StepRow<Type> {
  return {
    otherwise,
    work: async (step) => {
      await work(step);
      return undefined;
    },
  };
}

function stepTable({ files, layout, installer, boot, tail, remote, switched }: StepsRoom): StepTable {
  return {
    'journal.write': plain('journal-unwritable', async ({ journal }) => {
      if (journal.stage === 'installing' && journal.retries === 0) tail.clear();
      await writeJournal(files, layout, journal);
    }),
    'journal.remove': plain('journal-unwritable', () => removeJournal(files, layout)),
    'progress.write': plain('journal-unwritable', async ({ revision, progress, logs, reasons }) => {
      const text = logs ? tail.text() : '';
      // The progress carries the same text, so that a failure here loses nothing.
      if (text !== '') await writeDurable(files, layout.revision(revision).log, text).catch(() => undefined);
      const details = text === '' ? {} : { logs: text };
      await saveProgress(files, layout, revision, progress, { reasons, ...details });
      remote()?.progressed(revision, progress, progressText(progress, details));
    }),
    'factory.write': plain('install-failed', ({ source }) => installer.makeFactory(source)),
    'revision.verify': plain('install-failed', ({ revision }) => installer.verify(revision)),
    'revision.download': { ...plain('install-failed', (step) => download(remote(), step)), beside: true },
    'revision.expand': plain('install-failed', ({ revision }) => installer.expand(revision)),
    'transition.plan': { otherwise: 'install-failed', work: ({ revision }) => installer.plan(revision) },
    'revision.validate': plain('objects-invalid', ({ revision }) => installer.validate(revision)),
    'boot.install': plain('install-failed', ({ revision }) => boot.install(revision)),
    'boot.set-try': plain('boot-environment-failed', ({ revision }) => boot.armTry(revision)),
    'boot.clear-try': plain('boot-environment-failed', () => boot.clearTry()),
    'boot.commit': plain('boot-environment-failed', ({ revision }) => boot.commit(revision)),
    'revision.mark-done': plain('install-failed', ({ revision }) => boot.done(revision)),
    'revision.switch': plain('run-failed', ({ revision }) => installer.switchTo(revision, switched)),
  };
}

/** The configuration may have changed since the update began. */
async function download(remote: Remote | undefined, step: StepOf<'revision.download'>): Promise<void> {
  if (remote === undefined)
    throw new StepError('download-retries', [
      {
        code: 'no-hub',
        message: `cannot download revision ${step.revision}: no Hub is configured`,
        detail: 'see PH_CREDS_HOST',
      },
    ]);
  await remote.download(step);
}

/** Makes what takes a step in hand: returns at once, answers with an event. A new step without a row does not compile. */
export function createStepExecutor(room: StepsRoom): (effect: StepEffect) => void {
  const table = stepTable(room);
  const { turns, post, log } = room;

  async function run(effect: StepEffect): Promise<void> {
    const { step, type } = effect;
    // The table has exactly the row of this step's own type under its name.
    const row = table[type] as StepRow<StepType>;
    try {
      const planned = await (row.beside ? row.work(effect) : turns.take(() => row.work(effect)));
      post({ type: 'update.done', step, ...(planned === undefined ? {} : { planned }) });
    } catch (error) {
      const failure = updateFailure(error, row.otherwise, type.replace('.', ' '));
      for (const { message } of failure.reasons) log('ERROR', 'updates', message);
      post({ type: 'update.failed', step, failure });
    }
  }

  return (effect) => {
    const about = 'revision' in effect ? ` ${effect.revision}` : '';
    const more = effect.type === 'progress.write' ? `: ${effect.progress.status} ${effect.progress.message ?? ''}` : '';
    log(effect.type === 'progress.write' ? 'INFO' : 'DEBUG', 'updates', `${effect.type}${about}${more}`);
    void run(effect);
  };
}
