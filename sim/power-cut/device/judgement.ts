/** What must be true of a device, whatever happened to its power. */
import { isFailed, parseJournal, parseProgress } from '@pantavisor/engine';
import { fileBlockStore, ubootEnvironment } from '../../../apps/device/src/bootenv/uboot.ts';
import type { MemoryHost } from '../../../apps/device/src/host/memory/host.ts';
import { isCode, readIfThere } from '../../../apps/device/src/storage/durable.ts';
import { isObjectId } from '../../../apps/device/src/storage/objects.ts';
import { listRevisions, readCurrent, readStateText } from '../../../apps/device/src/storage/revisions.ts';
import { layout } from '../../device/launcher.ts';
import type { Revision } from '../../device/revisions.ts';
import { disturbed, must, type Witness } from '../witness.ts';
import { type Boot, printed } from './powered-device.ts';

export interface Expectation {
  /** All revisions that may exist, by name; a name may have had several states. */
  revisions: readonly Revision[];
  /** What the journal may still say at rest. */
  restingStages?: readonly string[];
  /** A try mark may be left for somebody's reboot. */
  staged?: boolean;
}

const progressPath = /\/trails\/(.+)\/\.pv\/progress$/;

/**
 * Watches what is written about revisions: DONE comes after a test, and a failure that is stored is never replaced, unless somebody has asked
 * for the revision again.
 * @returns what went wrong so far
 */
export function watchProgress(host: MemoryHost, witness: Witness): { complaints: string[] } {
  const complaints: string[] = [];
  host.machine.observers.push(({ operation, path }) => {
    const changed = operation === 'rename' ? progressPath.exec(path)?.[1] : undefined;
    if (changed !== undefined) {
      const text = contentNow(host, path);
      const progress = parseProgress(text);
      if (progress?.status === 'TESTING') witness.learn(`tested ${changed}`);
      if ((progress?.status === 'DONE' || progress?.status === 'UPDATED') && changed !== '0')
        if (!witness.knows(`tested ${changed}`) && !witness.knows(disturbed))
          complaints.push(`${changed} is ${progress.status} and was never tested`);
      const failure = witness.value(`failed ${changed}`);
      const isAnother = witness.knows(disturbed) ? messageOf(failure) !== messageOf(text) : failure !== text;
      if (failure !== undefined && isAnother && !witness.knows(`asked ${changed}`))
        complaints.push(`the stored failure of ${changed} was replaced: ${failure} by ${text}`);
    }
    const synced = operation === 'syncDirectory' ? /\/trails\/(.+)\/\.pv$/.exec(path)?.[1] : undefined;
    if (synced !== undefined) learnStored(host, witness, synced);
  });
  return { complaints };
}

/** Who could not make sure that a failure is stored stores it again, with what the log says of that. */
const messageOf = (text: string | undefined) => parseProgress(text ?? '')?.message;

/** What a file says at this very moment, between two steps of the program; empty when it is not there. */
function contentNow({ machine, text }: MemoryHost, path: string): string {
  try {
    return text.decode(machine.names.find(path, 'read').inode.content);
  } catch (error) {
    if (isCode(error, 'ENOENT')) return '';
    throw error;
  }
}

/** Durable ends of a revision are facts. */
function learnStored(host: MemoryHost, witness: Witness, revision: string): void {
  const text = contentNow(host, layout.revision(revision).progress);
  const progress = parseProgress(text);
  if (isFailed(progress)) {
    witness.learn(`failed ${revision}`, text);
    witness.forget(`asked ${revision}`);
  }
  if (progress?.status === 'DONE' && revision !== '0') witness.learn(`done ${revision}`);
}

/** What the disk says after a power cut is durable, so it is known from now on. */
export async function learnFromDisk(host: MemoryHost, witness: Witness): Promise<void> {
  for (const revision of await listRevisions(host.files, layout)) learnStored(host, witness, revision);
}

/** Judges a device at rest. @throws Violation */
export async function judge(boot: Boot, witness: Witness, expected: Expectation): Promise<void> {
  const { runtime } = boot;
  const { files, text } = runtime;
  const known = (name: string | undefined) => expected.revisions.filter((revision) => revision.name === name);
  const isGood = (name: string | undefined) => known(name).some(({ good }) => good);

  const running = await readCurrent(files, layout);
  const isReady = boot.socket !== undefined || /^ready socket=/m.test(printed(runtime));
  // A container whose files cannot be read stays stopped, and the others run on.
  must(isReady || witness.knows(disturbed), `${running} runs and is not ready`);
  // The link may be what could not be replaced.
  must(isGood(running) || witness.knows(disturbed), `the revision that runs at rest is ${running}, which is not good`);
  const stored = await ubootEnvironment({ store: fileBlockStore(files, `${layout.boot}/uboot.txt`), text }).read();
  must(isGood(stored.committed ?? '0'), `the rollback point is ${stored.committed}, which is not good`);
  const journal = parseJournal((await readIfThere(files, layout.journal)) ?? '');
  // Tested in place: it runs, and the next boot tries it once more.
  const again = journal?.stage === 'updated' && stored.trying === running;
  // What could not be tidied up is tidied up by the next start.
  const mayWait = witness.knows(disturbed);
  must(
    mayWait || again || expected.staged === true || stored.trying === undefined,
    `${stored.trying} is left to be tried`,
  );
  const stages = expected.restingStages ?? ['updated'];
  must(mayWait || journal === undefined || stages.includes(journal.stage), `the journal rests at ${journal?.stage}`);

  const committed = stored.committed ?? '0';
  for (const { name, good } of expected.revisions) {
    const progress = parseProgress((await readIfThere(files, layout.revision(name).progress)) ?? '');
    if (name !== '0' && (progress?.status === 'DONE' || committed === name))
      // That it is being tested may be what could not be written.
      must(
        mayWait || witness.knows(`tested ${name}`),
        `${name} is ${progress?.status}, committed ${committed}, and untested`,
      );
    if (!good) {
      const boots = witness.value(`booted ${name}`)?.split(' ') ?? [];
      must(boots.length <= 1, `${name} fails and was booted ${boots.length} times`);
      const waits = journal?.stage === 'staged' && journal.revision === name;
      const unfinished = ['TESTING', 'INPROGRESS', 'DONE'].includes(progress?.status ?? '');
      must(waits || !unfinished, `${name} rests as ${progress?.status}`);
    }
  }
  for (const [name] of witness.about('done')) {
    const progress = parseProgress((await readIfThere(files, layout.revision(name).progress)) ?? '');
    must(progress?.status === 'DONE', `${name} was DONE and is ${progress?.status}`);
  }
  for (const [name, failure] of witness.about('failed')) {
    const now = await readIfThere(files, layout.revision(name).progress);
    // The collector may take it.
    const isKept = now === failure || (now === undefined && !witness.knows(`step ${name}`));
    must(isKept || witness.knows(`asked ${name}`), `the failure of ${name} was ${failure} and is ${now}`);
  }
  await judgeStorage(boot, witness, expected);
}

/** What clients were promised is there, and nothing that was half-written counts. */
async function judgeStorage({ runtime }: Boot, witness: Witness, { revisions }: Expectation): Promise<void> {
  const { files } = runtime;
  for (const { name, kind } of await files.list(layout.objects)) {
    must(kind === 'file' && isObjectId(name), `${name} lies among the objects`);
    must((await files.digest(`${layout.objects}/${name}`)) === name, `the object ${name} is damaged`);
  }
  for (const [id] of witness.about('object'))
    must((await files.status(layout.object(id))) !== undefined, `the object ${id} was acknowledged and is not there`);
  for (const name of await listRevisions(files, layout)) {
    const state = await readStateText(files, layout, name);
    const states = revisions.filter((revision) => revision.name === name || name === '0');
    must(state === undefined || states.some((revision) => revision.state === state), `${name} has a torn state`);
  }
  for (const [name, state] of witness.about('step'))
    must((await readStateText(files, layout, name)) === state, `the step ${name} was acknowledged and is not there`);
  for (const [name, message] of witness.about('message')) {
    const now = await readIfThere(files, layout.revision(name).commitMessage);
    must(now === message, `the commit message of ${name} was acknowledged as ${message} and is ${now}`);
  }
  for (const directory of [layout.trails, `${layout.trails}/locals`])
    for (const { name } of await files.list(directory))
      must(
        witness.knows(disturbed) || (!name.startsWith('.') && !name.endsWith('.tmp')),
        `${name} is left in ${directory}`,
      );
}
