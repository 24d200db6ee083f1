/** Going from one revision to another, and between a device on its own and one of a hub. */
import { formatTable, painter, type Style } from '@pantavisor/cli/output';
import { Failure } from '@pantavisor/cli/portable';
import type { StepJson } from '@pantavisor/ctrl-api';
import { ControlError } from '@pantavisor/ctrl-api/portable';
import { progressStyles } from '../../pvcontrol/progress-styles.ts';
import { type BoxCommand, type Context, commitAndRun, outcomeResult, revisionFlags, tried } from '../context.ts';
import { Draft } from '../draft.ts';
import { reasonsIn } from '../progress.ts';

const headings = ['  REVISION', 'STATUS', 'DATE', 'MESSAGE'];

/** A revision in columns; a star marks the one that runs. */
function rowOf({ name, date, commitmsg, progress }: StepJson, running: string): string[] {
  const status = 'status' in progress ? progress.status : '-';
  return [`${name === running ? '*' : ' '} ${name}`, status, date.slice(0, 16).replace('T', ' '), commitmsg];
}

function styleAt({ name, progress }: StepJson, running: string, column: number): { style?: Style } {
  const style =
    column === 0 && name === running ? 'bold' : column === 1 ? progressStyles[progress.status ?? ''] : undefined;
  return style ? { style } : {};
}

/** A revision that was chosen, or that a person wants to know more of. */
type Asked = StepJson & { isAsked?: true };

async function chooseRevision(
  context: Context,
  title: string,
  about: string,
  chosen?: string,
): Promise<Asked | undefined> {
  const [steps, running] = await Promise.all([context.device.revisions(), context.device.running()]);
  return context.choose<Asked>({
    title,
    about,
    headings,
    items: steps.map((step) => {
      const cells = rowOf(step, running);
      return { value: step, cells, styles: cells.map((_, index) => styleAt(step, running, index).style) };
    }),
    letters: { i: { hint: 'why', choose: (step) => step && { ...step, isAsked: true } } },
    chosen: steps.findIndex(({ name }) => name === chosen || (chosen === undefined && name === running)),
  });
}

/** Lets a person look at revisions until one is chosen. */
async function chooseAfterLook(context: Context, title: string, about: string): Promise<StepJson | undefined> {
  let step: Asked | undefined = await chooseRevision(context, title, about);
  while (step?.isAsked) {
    await context.read(step.name, await whyText(context, step.name));
    step = await chooseRevision(context, title, about, step.name);
  }
  return step;
}

/** What became of a revision, with the last errors of the log when it failed. */
async function whyText(context: Context, name: string): Promise<string> {
  const progress = await context.device.progress(name);
  if (!progress) return `${name} has never been run.`;
  const reasons = reasonsIn(progress).map((reason) => `- ${reason}`);
  return [
    `${name}: ${progress.status}`,
    progress['status-msg'] ?? '',
    ...(reasons.length > 0 ? ['', 'Because:', ...reasons] : []),
  ].join('\n');
}

/** @throws Failure when the device does not have it */
async function known({ device }: Context, name: string): Promise<void> {
  const steps = await device.revisions();
  if (steps.some((step) => step.name === name)) return;
  const close = steps.map((step) => step.name).filter((each) => each.endsWith(`/${name}`) || each.startsWith(name));
  throw new Failure('revision-missing', `cannot find the revision ${name}`, {
    hint: close.length > 0 ? `there is ${close.join(', ')}` : "'pantabox goto' without a name lists them",
  });
}

const revisionArgument = { name: 'revision', optional: true, complete: 'revision' } as const;

export const goto: BoxCommand = {
  names: ['goto'],
  summary: 'list the revisions of the device and run one',
  arguments: [{ ...revisionArgument, help: 'stored revision; without it they are listed' }],
  flags: [{ names: ['why'], kind: 'boolean', help: 'only say what became of the revision, and why' }],
  examples: [
    ['pantabox goto locals/pbox-1790000000', 'runs it, and goes back when it does not hold'],
    ['pantabox goto 0', 'back to the factory revision'],
    ['pantabox goto locals/pbox-1790000000 --why', 'what became of it: its status and the last errors'],
    ['pantabox goto --json', 'every revision with its progress'],
  ],
  async run(context, input) {
    const [name] = input.values;
    if (name !== undefined) {
      await known(context, name);
      if (input.on('why')) {
        const progress = await context.device.progress(name);
        const reasons = progress ? reasonsIn(progress) : [];
        return {
          text: `${await whyText(context, name)}\n`,
          json: { revision: name, progress: progress ?? null, reasons },
        };
      }
      return outcomeResult(await context.run(name));
    }
    if (context.ui && !input.on('json')) return context.ask(goto, 'the revision');
    const [steps, running] = await Promise.all([context.device.revisions(), context.device.running()]);
    const { stdout, environment } = context.host;
    const rows = steps.map((step) =>
      rowOf(step, running).map((text, index) => ({ text, ...styleAt(step, running, index) })),
    );
    const columns = stdout.isTTY ? stdout.columns : Number.POSITIVE_INFINITY;
    return {
      text: formatTable(headings, rows, painter(stdout, environment), columns),
      json: { running, revisions: steps },
    };
  },
  async screen(context) {
    const step = await chooseAfterLook(context, 'Go to which revision?', 'A star marks the one that runs.');
    if (!step) return;
    if (await context.confirm(`Run ${step.name}?`, tried, { isHarmless: true }))
      await context.tellOutcome(await context.run(step.name));
  },
};

export const redeploy: BoxCommand = {
  names: ['redeploy'],
  summary: 'make a new revision of an older state and run it',
  about: `Where goto runs a revision as it is stored, redeploy makes a new local revision of its state: one that failed is tried once more, and a state
of the hub runs as a local one. To bring a state to a hub, clone this device with pvr at the workstation and post there.`,
  arguments: [{ ...revisionArgument, help: 'default: the running one' }],
  flags: revisionFlags,
  examples: [
    ['pantabox redeploy', 'the running state once more'],
    ['pantabox redeploy locals/pbox-1790000000 -m "again"', 'that of another revision'],
  ],
  async run(context, input) {
    const name = input.values[0] ?? (await context.device.running());
    await known(context, name);
    const draft = await Draft.begin(context.host, context.device, name);
    return commitAndRun(context, draft, input, `redeploy ${name}`);
  },
  async screen(context) {
    const step = await chooseAfterLook(context, 'Redeploy which revision?', 'Its state becomes a new local revision.');
    if (!step) return;
    const draft = await Draft.begin(context.host, context.device, step.name);
    if (!(await context.finish(draft, `The state of ${step.name} once more.`))) await draft.discard();
  },
};

const localWords =
  'A device in local mode runs what is made here and does not ask its hub for revisions. The running state becomes a local revision.';

export const golocal: BoxCommand = {
  names: ['golocal'],
  summary: 'from now on take revisions from here, not from the hub',
  about: localWords,
  examples: [['pantabox golocal', 'the running state as a local revision']],
  async run(context, input) {
    const running = await context.device.running();
    if (running.startsWith('locals/'))
      return { text: `${running} is a local revision already\n`, json: { revision: running } };
    const draft = await Draft.begin(context.host, context.device);
    return commitAndRun(context, draft, input, 'go local');
  },
  async screen(context) {
    const running = await context.device.running();
    if (running.startsWith('locals/')) {
      await context.read('Local already', `The revision ${running} is a local one.`);
      return;
    }
    if (!(await context.confirm('Go local?', localWords, { isHarmless: true }))) return;
    const draft = await Draft.begin(context.host, context.device);
    await context.tellOutcome(await context.run(await draft.commit('go local')));
  },
};

/** @returns what it means */
async function goRemote({ device }: Context): Promise<string> {
  try {
    await device.client.command('GO_REMOTE');
  } catch (error) {
    if (!(error instanceof ControlError) || error.status !== 204) throw error;
    return 'The device is in remote mode already.';
  }
  const { isClaimed } = await device.identity();
  return isClaimed
    ? 'The device talks to its hub again, and takes its revisions from there.'
    : 'The device talks to its hub. It belongs to nobody there yet: pantabox claim says how that changes.';
}

export const goremote: BoxCommand = {
  // The second is how a list in the original's documentation spells it.
  names: ['goremote', 'goremove'],
  summary: 'talk to the hub again and take revisions from there',
  examples: [['pantabox goremote', 'after work on the device itself']],
  async run(context) {
    const text = await goRemote(context);
    return { text: `${text}\n`, json: { mode: 'remote' } };
  },
  async screen(context) {
    const about =
      'The device asks its hub for revisions and user metadata again; a revision that waits there takes the place of this one.';
    if (await context.confirm('Go remote?', about, { isHarmless: true }))
      await context.read('Done', await goRemote(context));
  },
};

const factoryWords =
  'It becomes revision 0: what the device begins with, and what it goes back to when nothing else is left. The former one is lost. Then the device runs it and talks to its hub.';

export const makeFactory: BoxCommand = {
  names: ['make-factory'],
  summary: 'make the running revision the factory revision',
  about: `${factoryWords} A claimed device keeps its factory revision.`,
  arguments: [{ ...revisionArgument, help: 'default: the running one' }],
  examples: [['pantabox make-factory --yes', 'without a question']],
  async run(context, { values: [name] }) {
    if (name !== undefined) await known(context, name);
    const source = name ?? (await context.device.running());
    await context.confirm(`Make ${source} the factory revision?`, factoryWords);
    return outcomeResult(await context.follow('0', () => context.device.client.command('MAKE_FACTORY', name ?? '')));
  },
  async screen(context) {
    const running = await context.device.running();
    if (!(await context.confirm(`Make ${running} the factory revision?`, factoryWords))) return;
    await context.tellOutcome(await context.follow('0', () => context.device.client.command('MAKE_FACTORY')));
  },
};
