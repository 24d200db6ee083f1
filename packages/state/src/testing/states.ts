/** Small states for tests. */
import type { ParseContext, ParseResult, State } from '../model.ts';
import { formatProblem } from '../report.ts';
import { parseState } from '../state.ts';

/** Ids of objects that differ from each other. */
export const objectId = (digit: string): string => digit.repeat(64);

export const appEngine: ParseContext = { initMode: 'appengine' };

/** `run.json` of a container that can be started. */
export function run(name: string, members: object = {}): object {
  return { '#spec': 'service-manifest-run@1', name, type: 'lxc', config: 'lxc.container.conf', ...members };
}

/** Text of a system1 state of these members. */
export function stateText(members: object): string {
  return JSON.stringify({ '#spec': 'pantavisor-service-system@1', ...members });
}

/** Text of a state with one container called `app`, all files present, and further members of its run.json. */
export function appText(members: object = {}, others: object = {}): string {
  return stateText({ 'app/run.json': run('app', members), 'app/lxc.container.conf': objectId('a'), ...others });
}

export function parse(members: object, context: ParseContext = appEngine): ParseResult {
  return parseState(stateText(members), context);
}

/** The state of these members; throws with the problems when it is rejected. */
export function accepted(members: object, context: ParseContext = appEngine): State {
  return acceptedText(stateText(members), context);
}

export function acceptedText(text: string, context: ParseContext = appEngine): State {
  const { state, problems } = parseState(text, context);
  if (!state) throw new Error(problems.map(formatProblem).join('\n'));
  return state;
}
