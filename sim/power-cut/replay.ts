/** Coming to one state again, and telling its whole story. */
import type { MemoryHost } from '../../apps/device/src/host/memory/host.ts';
import { replayed } from '../../apps/device/src/host/memory/random.ts';
import type { Flow } from './flow.ts';
import { watchMoments } from './moments.ts';
import type { CutPoint } from './state-name.ts';
import { Witness } from './witness.ts';

/** What one power cut led to. */
export interface Story {
  lines: string[];
  /** What was wrong after the last restart; undefined when nothing was. */
  violation: string | undefined;
}

/**
 * Runs a flow, cuts the power where the path says, restarts, and so on to the end of the path.
 * @throws RangeError when the path names a moment that does not come
 */
export async function replay(flow: Flow, path: readonly CutPoint[]): Promise<Story> {
  const lines = [`flow ${flow.name}: ${flow.about}`];
  const prepared = await flow.prepare();
  let host = prepared.host;
  let witness = new Witness(prepared.facts);
  for (const [index, point] of path.entries()) {
    const run = index === 0 ? flow.act : flow.recover;
    const survivor = await runUpTo(host, witness, point, lines, () => run(host, witness));
    lines.push('── the power goes and comes back');
    host = survivor.host;
    witness = new Witness(survivor.facts);
  }
  const end = watchMoments(host, witness, ({ index, after }) => lines.push(line(index, after)));
  let violation: string | undefined;
  try {
    await flow.recover(host, witness);
  } catch (error) {
    violation = error instanceof Error ? error.message : String(error);
  } finally {
    end();
  }
  lines.push(
    '── at rest; the world knows',
    ...Array.from(witness.facts(), ([fact, value]) => `       ${fact} ${value}`),
  );
  return { lines, violation };
}

const line = (index: number, after: string) => `${String(index).padStart(5)}  ${after}`;

/** Watches up to the moment of a cut. The run goes on behind it, unheard, since its machine does not notice. */
async function runUpTo(
  host: MemoryHost,
  witness: Witness,
  { moment, answers }: CutPoint,
  lines: string[],
  run: () => Promise<void>,
): Promise<{ host: MemoryHost; facts: ReadonlyMap<string, string> }> {
  let found: { host: MemoryHost; facts: ReadonlyMap<string, string> } | undefined;
  const end = watchMoments(host, witness, ({ index, after, facts }) => {
    if (found !== undefined) return;
    lines.push(line(index, after));
    if (index === moment) found = { host: host.crash({ choose: replayed(answers) }), facts };
  });
  try {
    await run();
  } catch (error) {
    if (found === undefined) throw error;
  } finally {
    end();
  }
  if (found === undefined) throw new RangeError(`cannot come to moment ${moment}: it is over before`);
  return found;
}
