/** `npm run sim -- power-cut`: cuts the power of simulated devices everywhere, and says what that did. */
import { parseArgs } from 'node:util';
import { exploreAll } from './power-cut/crew.ts';
import { allFlows } from './power-cut/flows/all-flows.ts';
import { replay } from './power-cut/replay.ts';
import { divideStates } from './power-cut/shares.ts';
import { parseState } from './power-cut/state-name.ts';
import { formatTable } from './power-cut/table.ts';

const help = `npm run sim -- power-cut [OPTIONS]

Runs flows of devices on a simulated machine, cuts the power at every change of the disk in every outcome that the disk may leave,
restarts, lets everything come to rest, and checks what must never break. Docs: docs/power-cut-explorer.md

  --flow NAME      only this flow; may be given several times
  --states N       states to look at, all flows together (default 100000)
  --seed N         for everything that is drawn by chance (default 1)
  --json           the result as JSON
  --replay STATE   tells the story of one state, e.g. 1/install/17:0.1; every violation comes with its own
  --list           names the flows
  --help           prints this

Exit codes: 0 nothing was wrong, 1 violations, 64 wrong arguments.
`;

const wrong = (message: string): never => {
  console.error(`power-cut: ${message}; see --help`);
  process.exit(64);
};

function readArguments() {
  try {
    return parseArgs({
      options: {
        flow: { type: 'string', multiple: true },
        states: { type: 'string', default: '100000' },
        seed: { type: 'string', default: '1' },
        json: { type: 'boolean', default: false },
        replay: { type: 'string' },
        list: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    return wrong(error instanceof Error ? error.message : String(error));
  }
}

async function tell(text: string): Promise<void> {
  const state = parseState(text) ?? wrong(`cannot read the state ${text}`);
  const flow = allFlows().find(({ name }) => name === state.flow) ?? wrong(`cannot find the flow ${state.flow}`);
  const { lines, violation } = await replay(flow, state.path);
  for (const line of lines) console.log(line);
  console.log(violation === undefined ? '── nothing is wrong' : `── VIOLATION: ${violation}`);
  process.exitCode = violation === undefined ? 0 : 1;
}

async function exploreFlows(wanted: string[], states: number, seed: number, json: boolean): Promise<void> {
  const begin = performance.now();
  const tasks = divideStates(wanted, states);
  const showProgress = process.stderr.isTTY && !json;
  const found = await exploreAll(tasks, {
    seed,
    mostViolations: 20,
    ...(showProgress && { onProgress: (done: number) => process.stderr.write(`\r${done} states`) }),
  });
  if (showProgress) process.stderr.write('\r\x1b[K');
  const milliseconds = performance.now() - begin;
  console.log(json ? JSON.stringify({ seed, milliseconds, flows: found }) : formatTable(found, milliseconds));
  process.exitCode = found.some(({ violations }) => violations.length > 0) ? 1 : 0;
}

const options = readArguments();
const names = allFlows().map(({ name }) => name);
const whole = (name: 'states' | 'seed'): number =>
  /^\d{1,9}$/.test(options[name]) ? Number(options[name]) : wrong(`--${name} takes a whole number`);
const unknown = options.flow?.find((name) => !names.includes(name));
if (unknown !== undefined) wrong(`no such flow: ${unknown}; there are ${names.join(', ')}`);

if (options.help) console.log(help);
else if (options.list) for (const { name, about } of allFlows()) console.log(`${name.padEnd(24)} ${about}`);
else if (options.replay !== undefined) await tell(options.replay);
else await exploreFlows(options.flow ?? names, whole('states'), whole('seed'), options.json);
