/** The answer to the question for steps: its first element, with the state byte for byte as the Hub sent it (hub-client §1.6). */
import type { OfferedStep } from '@pantavisor/engine';
import { findMember, readJson } from '@pantavisor/state';

const statuses = ['NEW', 'DOWNLOADING', 'INPROGRESS', 'TESTING', 'QUEUED'];

/** Path of the question, in the form of the original, which Hubs answer from memory. */
export function pollPath(deviceId: string): string {
  const list = statuses.map((status) => `%22${status}%22`).join(',');
  return `/trails/${deviceId}/steps?progress.status=%7B%22$in%22:%5B${list}%5D%7D`;
}

/**
 * Reads the answer. Undefined when there is nothing to do.
 * @throws Error when it is no list of steps
 */
export function readOffer(text: string): OfferedStep | undefined {
  const { root, problems } = readJson(text, { buildDepth: 2 });
  if (root?.kind !== 'array' || problems.length > 0) throw new Error('cannot read the steps of the Hub: no JSON array');
  const [first] = root.items;
  if (first === undefined) return undefined;
  if (first.kind !== 'object') throw new Error('cannot read the step of the Hub: no object');
  const member = (key: string) => findMember(first, key)?.value;
  const [rev, state, progress, message] = ['rev', 'state', 'progress', 'commit-msg'].map(member);
  const revision = rev?.kind === 'number' ? rev.text : rev?.kind === 'string' ? rev.value : '';
  if (!/^\d{1,9}$/.test(revision)) throw new Error(`cannot read the step of the Hub: its revision is "${revision}"`);
  if (state?.kind !== 'object') throw new Error(`cannot read step ${revision} of the Hub: it has no state`);
  return {
    revision,
    state: text.slice(state.start, state.end),
    progress: progress?.kind === 'object' ? text.slice(progress.start, progress.end) : '{}',
    commitMessage: message?.kind === 'string' ? message.value : '',
  };
}
