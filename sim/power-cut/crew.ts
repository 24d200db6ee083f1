/** Exploring many flows on several threads. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Exploration } from './explore.ts';
import type { Report, Task } from './worker.ts';

export interface CrewOptions {
  seed: number;
  mostViolations: number;
  /** Called as the work goes on, with the states run by all threads so far. */
  onProgress?: (states: number) => void;
}

/**
 * Explores flows, one a thread at a time.
 * @param wanted flows with the states to look at
 * @returns in the order of `wanted`
 * @throws when a flow cannot even be run undisturbed
 */
export async function exploreAll(
  wanted: readonly { flow: string; states: number }[],
  { seed, mostViolations, onProgress = () => {} }: CrewOptions,
): Promise<Exploration[]> {
  const waiting = [...wanted];
  const found = new Map<string, Exploration>();
  const states = new Map<string, number>();

  async function work(): Promise<void> {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), {
      resourceLimits: { maxYoungGenerationSizeMb: 64 },
    });
    try {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const exploration = await exploreOn(worker, { ...next, seed, mostViolations });
        found.set(exploration.flow, exploration);
      }
    } finally {
      await worker.terminate();
    }
  }

  function exploreOn(worker: Worker, task: Task): Promise<Exploration> {
    return new Promise((resolve, reject) => {
      const onMessage = (report: Report) => {
        if (report.type === 'progress') {
          states.set(report.flow, report.states);
          onProgress(Array.from(states.values()).reduce((sum, count) => sum + count, 0));
          return;
        }
        worker.off('message', onMessage).off('error', reject);
        if (report.type === 'broken') reject(new Error(`cannot run the flow ${report.flow}: ${report.message}`));
        else resolve(report.exploration);
      };
      worker.on('message', onMessage).on('error', reject);
      worker.postMessage(task);
    });
  }

  const threads = Math.max(1, Math.min(availableParallelism(), wanted.length));
  await Promise.all(Array.from({ length: threads }, work));
  return wanted.flatMap(({ flow }) => found.get(flow) ?? []);
}
