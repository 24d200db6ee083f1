/** From the engine's word to run a revision to its containers being the engine's: load, lay out, prove, adopt (updates.md §5). */
import { planTransition } from '@pantavisor/state';
import { adoptContainers } from '../boot/adoption.ts';
import type { Ground } from '../boot/ground.ts';
import { runSystemHooks, type SystemMoment } from '../boot/hooks.ts';
import { type Machine, openNetworks } from '../boot/machine.ts';
import { relinkSockets } from '../containers/presence.ts';
import type { Host } from '../host/ports.ts';
import { readProgress } from '../storage/progress.ts';
import { hasBootFiles, pointTo } from '../updates/install-steps.ts';
import {
  type PreparedRevision,
  prepareRevision,
  proveRevision,
  proveServices,
  type RunningRevision,
} from '../updates/prepared-revision.ts';
import { StepError, updateFailure } from '../updates/step-error.ts';
import type { Loop, NewEvent } from './loop.ts';
import { revisionPlan } from './revision-plan.ts';

export interface RunRoom {
  host: Host;
  ground: Ground;
  machine: Machine;
  running: RunningRevision;
  post: Loop<unknown>['post'];
  /** It is laid out and about to be started. */
  starts(revision: string): Promise<void>;
  /** The revision runs, or cannot be run for this reason. */
  settled(error?: unknown): void;
}

/**
 * Runs a revision from nothing but what an earlier runtime has left running. Ends in `revision.run` or `update.run-failed`.
 * @param trial the whole revision is proven before anything of it runs; otherwise each container before its own start, so that a
 * damaged one fails alone
 */
export async function runRevision(room: RunRoom, name: string, trial: boolean): Promise<void> {
  const { post, settled } = room;
  try {
    post(await bringUp(room, name, trial));
    settled();
  } catch (error) {
    const failure = updateFailure(error, 'run-failed', `run revision ${name}`);
    for (const { message } of failure.reasons) room.ground.log('ERROR', 'boot', message);
    // Said before the engine draws its conclusions from it.
    settled(error instanceof StepError ? (error.cause ?? error) : error);
    post({
      type: 'update.run-failed',
      failure: failure.code === 'state-bad-format' ? { ...failure, code: 'state-damaged' } : failure,
    });
  }
}

async function bringUp(room: RunRoom, name: string, trial: boolean): Promise<NewEvent> {
  const { host, ground, machine, running } = room;
  const { log, places } = ground;
  const laidOut = ground.board.take(name) ?? (await prepareRevision({ host, ...ground }, name));
  await layOut(host, ground, laidOut);
  if (trial) {
    proveServices(laidOut);
    await proveRevision(laidOut);
  }
  running.become(laidOut);
  const { goalsTimeout } = ground.context;
  await room.starts(name);
  // The OEM file, which is in place by now, may say how long groups have for their goals.
  const isSame = goalsTimeout === ground.context.goalsTimeout;
  const revision = isSame ? laidOut : await prepareRevision({ host, ...ground }, name);
  if (!isSame) running.become(revision);
  const sources = [...revision.sources.values()];
  await openNetworks(host, ground, machine, revision.state, sources);
  const variables = await hookEnvironment(host, ground, name, 'system-start');
  // The original restarts the device whenever a program fails here, for ever if it must. A trial ends; what was good runs on.
  if (!(await runSystemHooks(host, places.library, 'system-start', variables, log)) && trial)
    throw new StepError('run-failed', [
      {
        code: 'hook-failed',
        message: 'a program of the installation refused system-start',
        detail: 'the log says which',
      },
    ]);
  const unchangedSince = comparison(room, revision);
  const adopted = await adoptContainers({
    ...machine,
    host,
    places,
    log,
    revision: name,
    sources: revision.sources,
    unchangedSince,
  });
  const taken = adopted.filter(({ pid }) => pid > 0).map((container) => container.name);
  await relinkSockets(host.files, places, taken);
  return { type: 'revision.run', plan: revisionPlan(name, revision.state), adopted };
}

/** Puts the revision's files in place. A storage that takes no more bytes still runs what it has. */
async function layOut({ files }: Host, ground: Ground, { name, check }: PreparedRevision): Promise<void> {
  const { layout, log, config } = ground;
  const attempt = async (doing: string, work: () => Promise<unknown>) => {
    try {
      await work();
    } catch (error) {
      log('ERROR', 'storage', `cannot ${doing}: ${error instanceof Error ? error.message : error}`);
    }
  };
  await attempt(`lay out revision ${name}`, async () => {
    for (const path of await check.expand(hasBootFiles(config)))
      log('ERROR', 'storage', `cannot find the object of ${path}`);
  });
  await attempt(`point to revision ${name}`, () => pointTo(files, layout, name));
  await attempt('trust the files of the device', () => check.verify());
}

/** Finds what is the same in another revision, each asked for once. One that cannot be read, or that a reboot lies between, has nothing in common. */
function comparison(
  { host, ground }: RunRoom,
  now: PreparedRevision,
): (earlier: string) => Promise<ReadonlySet<string>> {
  const known = new Map<string, Promise<ReadonlySet<string>>>();
  const compare = async (earlier: string): Promise<ReadonlySet<string>> => {
    try {
      const { state } = await prepareRevision({ host, ...ground }, earlier);
      const { kind, restart, start, remove } = planTransition(state, now.state);
      const changed = new Set([...restart, ...start, ...remove]);
      const names = kind === 'reboot' ? [] : [...now.sources.keys()];
      return new Set(names.filter((name) => !changed.has(name)));
    } catch {
      return new Set();
    }
  };
  return (earlier) => {
    const found = known.get(earlier) ?? compare(earlier);
    known.set(earlier, found);
    return found;
  };
}

/** Variables of system hooks outside of an install (boot.md §8). `PV_TRY` is for those that run before the revision is judged. */
export async function hookEnvironment(
  { files }: Pick<Host, 'files'>,
  { layout, boot }: Pick<Ground, 'layout' | 'boot'>,
  revision: string,
  moment: Extract<SystemMoment, 'system-start' | 'system-done'>,
): Promise<Record<string, string>> {
  const { trying, committed } = await boot.environment.read();
  const isTrial = trying === revision && committed !== revision;
  return {
    PV_STATUS: (await readProgress(files, layout, revision))?.status ?? '',
    PV_REV: revision,
    PV_TRY: isTrial && moment === 'system-start' ? revision : '',
    PV_TRYBOOT: `${isTrial}`,
    PV_OBJ_STORAGE: `${layout.objects}/`,
    PV_TRAILS_STORAGE: layout.revision(revision).directory,
  };
}
