/** One thread of the explorer: takes flows one after the other until there are none left. */
import { parentPort } from 'node:worker_threads';
import { type Exploration, explore } from './explore.ts';
import { allFlows } from './flows/all-flows.ts';

/** What a worker is asked to do. */
export interface Task {
  flow: string;
  seed: number;
  states: number;
  mostViolations: number;
}

export type Report =
  | { type: 'progress'; flow: string; states: number }
  | { type: 'explored'; exploration: Exploration }
  | { type: 'broken'; flow: string; message: string };

const progressEvery = 200;

// Refusals of the simulated machine are ordinary here, and their stack traces would cost a tenth of the time.
Error.stackTraceLimit = 0;

parentPort?.on('message', async ({ flow: name, ...budget }: Task) => {
  const report = (message: Report) => parentPort?.postMessage(message);
  try {
    const flow = allFlows().find((candidate) => candidate.name === name);
    if (flow === undefined) throw new Error(`cannot find the flow ${name}`);
    const exploration = await explore(flow, budget, (states) => {
      if (states % progressEvery === 0) report({ type: 'progress', flow: name, states });
      return true;
    });
    report({ type: 'explored', exploration });
  } catch (error) {
    report({ type: 'broken', flow: name, message: error instanceof Error ? error.message : String(error) });
  }
});
