/** What commands have: the device, and a person to ask, when there is one. */
import { painter } from '@pantavisor/cli/output';
import { type CommandSpec, Failure, type Input } from '@pantavisor/cli/portable';
import type { ProgressJson } from '@pantavisor/ctrl-api';
import type { PantaboxHost } from '../host/terminal-ports.ts';
import type { Device } from './device.ts';
import type { Draft } from './draft.ts';
import { exitCodes, explain } from './failures.ts';
import { isFailure, type Outcome, shareOf } from './progress.ts';
import { Form, type FormOptions, Question } from './terminal/form.ts';
import { List, type ListOptions } from './terminal/list.ts';
import { Pager, type PagerLetters, type Paragraph } from './terminal/pager.ts';
import { Interrupted, type Ui, type Work } from './terminal/ui.ts';

/** A command that can also be chosen in the menu. */
export interface BoxCommand extends CommandSpec<Context> {
  /** What it does in the menu, or when something it needs was not said and there is a person to ask. */
  screen?(context: Context): Promise<void>;
}

/** Lines of a text, headings being those that end with a colon. */
export function paragraphsOf(text: string): Paragraph[] {
  return text
    .replace(/\n$/, '')
    .split('\n')
    .map((line) =>
      /^\S.*:$/.test(line)
        ? { text: line, style: 'bold' }
        : { text: line, indent: /^(- |[\w.-]+: )/.test(line) ? 2 : 0 },
    );
}

export class Context {
  readonly host: PantaboxHost;
  readonly device: Device;
  /** Absent: nobody can be asked. */
  readonly ui: Ui | undefined;
  readonly #isSure: boolean;
  #inScreens = false;

  /** @param isSure yes to every question */
  constructor(host: PantaboxHost, device: Device, ui: Ui | undefined, isSure: boolean) {
    this.host = host;
    this.device = device;
    this.ui = ui;
    this.#isSure = isSure;
  }

  /**
   * Asks for what was not said, on screens.
   * @throws Failure when there is nobody to ask, with the hint
   */
  async ask(command: BoxCommand, missing: string): Promise<undefined> {
    if (!this.ui || !command.screen)
      throw new Failure('usage', `cannot run 'pantabox ${command.names[0]}': ${missing} is missing`, {
        hint: `'pantabox ${command.names[0]} --help' shows how; on a terminal it is asked for`,
      });
    this.#inScreens = true;
    await this.refreshStatus();
    await command.screen(this);
    return undefined;
  }

  /** Brings the right end of the first line up to date; a device that does not answer is no reason to show nothing. */
  async refreshStatus(): Promise<void> {
    if (!this.ui) return;
    try {
      const { revision, status, mode, address } = await this.device.summary();
      this.ui.status = [`${revision} ${status}`.trim(), mode, address].filter((word) => word !== '').join(' | ');
    } catch {
      this.ui.status = 'the device does not answer';
    }
  }

  /** Everything from here on is shown on screens. */
  beginScreens(): Ui {
    if (!this.ui)
      throw new Failure('no-terminal', 'cannot show a menu: this is no terminal', {
        hint: "'pantabox --help' lists the commands",
      });
    this.#inScreens = true;
    return this.ui;
  }

  choose<T>(options: ListOptions<T>): Promise<T | undefined> {
    return this.#screens().show(new List(options));
  }

  fill(options: FormOptions): Promise<readonly string[] | undefined> {
    return this.#screens().show(new Form(options));
  }

  read(title: string, text: string | readonly Paragraph[], letters?: PagerLetters): Promise<string | undefined> {
    return this.#screens().show(new Pager(title, typeof text === 'string' ? paragraphsOf(text) : text, letters));
  }

  /** Asks; the answer at hand is yes only where it does no harm. Without a person, or with --yes, the answer is yes. @throws Interrupted when a person outside of the menu says no */
  async confirm(title: string, about: string, { yes = 'Yes', isHarmless = false } = {}): Promise<boolean> {
    if (this.#isSure || !this.ui) return true;
    const wasInScreens = this.#inScreens;
    const answer = await this.ui.show(new Question(title, about, [yes, 'No'], isHarmless ? 0 : 1));
    if (!wasInScreens) this.ui.close();
    if (answer === yes) return true;
    if (wasInScreens) return false;
    throw new Interrupted('the answer was no');
  }

  /** Does work while a screen says so, or with its lines on standard error. */
  async during<T>(title: string, work: (tell: (state: Partial<Work>) => void) => Promise<T>): Promise<T> {
    if (this.#inScreens && this.ui) return this.ui.during(title, work);
    let shown = '';
    return work(({ lines }) => {
      const line = lines?.at(-1);
      if (line === undefined || line === shown) return;
      shown = line;
      this.say(line);
    });
  }

  /** A line for a person, beside the result. */
  say(line: string): void {
    this.host.stderr.write(`${painter(this.host.stderr, this.host.environment)('dim', line)}\n`);
  }

  /** Runs a revision and follows it to its end. */
  follow(revision: string, command: () => Promise<void>): Promise<Outcome> {
    return this.during(`Trying ${revision}`, (tell) => {
      const lines: string[] = [`${revision}: the device is asked to run it`];
      tell({ lines: [...lines], share: 0 });
      return this.device.run(revision, command, (progress) => {
        lines.push(progress ? progressLine(progress) : 'the device does not answer; it may be restarting');
        tell({ lines: [...lines], ...(progress ? { share: shareOf(progress) } : {}) });
      });
    });
  }

  /** Runs a stored revision. @returns what became of it */
  run(revision: string): Promise<Outcome> {
    return this.follow(revision, () => this.device.client.command('LOCAL_RUN', revision));
  }

  /** Shows an error as a person needs it. */
  async tellFailure(error: unknown): Promise<void> {
    if (error instanceof Interrupted) throw error;
    const failure = error instanceof Failure ? error : explain(error);
    if (!failure) throw error;
    const more = failure.hint === undefined ? [] : [{ text: '' }, { text: failure.hint }];
    await this.read('That did not work', [{ text: failure.message, style: 'red' }, ...more]);
  }

  /** Says on a screen what became of a revision. */
  async tellOutcome(outcome: Outcome): Promise<void> {
    const { revision, status, message, reasons } = outcome;
    const isBad = isFailure(outcome);
    await this.refreshStatus();
    await this.read(isBad ? 'The revision did not hold' : 'Done', [
      { text: `${revision}: ${status}`, style: isBad ? 'red' : 'green' },
      { text: message },
      ...reasons.map((reason) => ({ text: `because ${reason}`, indent: 2 })),
      ...(isBad ? [{ text: '' }, { text: 'The device went back to the revision before.' }] : []),
    ]);
  }

  /** Commits a draft on screens and offers to run it. @returns false when the person went back: the draft is as it was */
  async finish(draft: Draft, summary: string): Promise<boolean> {
    const values = await this.fill({
      title: 'A new revision',
      about: summary,
      fields: [{ label: 'Message for this revision (may be empty)' }],
    });
    if (!values) return false;
    const revision = await draft.commit(values[0]);
    if (await this.confirm('Run it now?', `${revision} is stored. ${tried}`, { isHarmless: true }))
      await this.tellOutcome(await this.run(revision));
    else await this.read('Stored', `${revision} is stored; goto runs it.`);
    return true;
  }

  #screens(): Ui {
    return this.beginScreens();
  }
}

/** What happens to whoever looks on. */
export const tried =
  'The device tries it. When it does not hold, the device goes back to the revision before, which may end this session; pantabox goto says why then.';

const progressLine = ({ status, progress, 'status-msg': message }: ProgressJson): string =>
  `${status} ${progress} %${message ? `, ${message}` : ''}`;

/** Options of commands that make a revision. */
export const revisionFlags = [
  { names: ['message', 'm'], kind: 'text', value: 'text', help: 'commit message of the revision' },
  { names: ['name'], kind: 'text', value: 'locals/NAME', help: 'name of the revision' },
  { names: ['no-run'], kind: 'boolean', help: 'store the revision without running it' },
] as const;

/** Commits a draft outside of screens and runs it, unless it is only to be stored. */
export async function commitAndRun(context: Context, draft: Draft, input: Input, message: string) {
  const revision = await draft.commit(input.text('message') ?? message, input.text('name'));
  if (input.on('no-run')) return stored(revision);
  return outcomeResult(await context.run(revision));
}

export const stored = (revision: string) => ({
  text: `${revision} is stored; run it with 'pantabox goto ${revision}'\n`,
  json: { revision },
});

/** What became of a revision, as the result of a command. @throws Failure when it did not hold */
export function outcomeResult(outcome: Outcome) {
  const { revision, status, message, reasons } = outcome;
  if (isFailure(outcome))
    throw new Failure('not-held', `cannot keep ${revision}: ${status}: ${message}`, {
      exitCode: exitCodes.notHeld.code,
      hint: [...reasons.map((reason) => `because ${reason}`), 'the device went back to the revision before'].join(
        '\n  ',
      ),
      details: outcome,
    });
  return { text: `${revision}: ${status}, ${message}\n`, json: { revision, status, message } };
}
