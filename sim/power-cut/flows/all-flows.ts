/** Every flow that the explorer knows, the longest-lasting first so that threads end at about the same time. */
import { type Flow, type Tamper, untouched } from '../flow.ts';
import { bootFlows } from './boot-flows.ts';
import { deviceFlows } from './device-flows.ts';
import { storageFlows } from './storage-flows.ts';

/** @param tamper faults to put into the program, for proving that they are found */
export function allFlows(tamper: Tamper = untouched): Flow[] {
  return [...deviceFlows(tamper), ...storageFlows(tamper), ...bootFlows(tamper)];
}
