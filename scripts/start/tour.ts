/** The tour of `npm start`: a device joins the hub, takes a new page, and goes back from a broken one, each as the hub tells it. */
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { HubEvent } from '@pantavisor/hub-api';
import { type DemoHub, demoAccount } from './hub.ts';
import type { InitialRevision } from './revision.ts';
import type { HubView, StepView } from './view.ts';

const finals = ['DONE', 'UPDATED', 'WONTGO', 'ERROR'];
const mostReasons = 3;

export interface TourParts {
  hub: DemoHub;
  /** What is posted: a page with another heading, and one whose program does not exist. */
  revisions: Promise<{ page: InitialRevision; broken: InitialRevision }>;
  /** Address of the page of the running revision. */
  page(): string | undefined;
  /** Something is new; `news` says what in one line. */
  show(view: HubView, news: string): void;
}

export class Tour {
  readonly #parts: TourParts;
  readonly #steps: StepView[] = [];
  #device: string | undefined;
  readonly #pages: string[] = [];
  #ready = Promise.withResolvers<void>();
  #restarted = Promise.withResolvers<void>();

  constructor(parts: TourParts) {
    this.#parts = parts;
  }

  /** All goals of the device are met. */
  deviceReady(): void {
    this.#ready.resolve();
  }

  /** The device restarts: it is not ready before it says so again. */
  deviceRestarts(): void {
    this.#ready = Promise.withResolvers();
    this.#restarted.resolve();
  }

  /** Goes through everything, or until `signal` is aborted. A failure is told like everything else. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      await this.#walk(signal);
    } catch (error) {
      if (!signal.aborted) this.#tell(`the tour ends here: ${error instanceof Error ? error.message : error}`);
    }
  }

  async #walk(signal: AbortSignal): Promise<void> {
    const { hub, revisions } = this.#parts;
    const events = await hub.events(signal);
    this.#tell(`hub url=${hub.url} user=${demoAccount.username} password=${demoAccount.password}`);
    const device = await this.#joined(events);
    this.#device = device;
    this.#tell(`device ${device} has registered, belongs to ${demoAccount.username}, and has uploaded its revision 0`);
    const { page, broken } = await revisions;
    await unlessAborted(signal, this.#ready.promise);
    await this.#readPage();
    const taken = await this.#post(events, page, 'a new page');
    await this.#readPage();
    this.#restarted = Promise.withResolvers();
    const refused = await this.#post(events, broken, 'a page whose program is missing');
    // What was tried and failed is left by a restart, on the rollback point.
    if (refused.status === 'ERROR') await unlessAborted(signal, this.#restarted.promise);
    await unlessAborted(signal, this.#ready.promise);
    await this.#readPage();
    const went = [taken, refused].map(({ rev, status }) => `step ${rev} ended as ${status}`).join(', ');
    this.#tell(`the tour is over: ${went}; the device goes on`);
  }

  async #joined(events: AsyncGenerator<{ event: HubEvent }>): Promise<string> {
    for (;;) {
      const event = await nextOf(events);
      if (event.type === 'step' && event.rev === 0) return event.device;
    }
  }

  /** Posts a step and follows it to its end. */
  async #post(
    events: AsyncGenerator<{ event: HubEvent }>,
    revision: InitialRevision,
    message: string,
  ): Promise<StepView> {
    const rev = await this.#parts.hub.post(this.#device ?? '', revision, message);
    const step: StepView = { rev, message, status: 'NEW', text: '', percent: 0, reasons: [] };
    this.#steps.push(step);
    this.#tell(`step ${rev} posted: ${message}`);
    for (;;) {
      const event = await nextOf(events);
      if (event.type !== 'step' || event.rev !== rev || event.progress === undefined) continue;
      const { status, progress, logs, 'status-msg': text } = event.progress;
      const isNews = step.status !== status || step.text !== text;
      Object.assign(step, { status, text, percent: progress, reasons: reasonsOf(logs ?? '') });
      if (isNews) this.#tell(`step ${rev}: ${status} ${progress} %, ${text}`);
      if (!finals.includes(status)) continue;
      // The end of a failed update comes once more with what was logged meanwhile; a moment is enough for it.
      for (const reason of step.reasons) this.#tell(`step ${rev}: because ${reason}`);
      return step;
    }
  }

  async #readPage(): Promise<void> {
    const url = this.#parts.page();
    if (url === undefined) return;
    const text = await pageText(url);
    const heading = /<h1>([^<]*)<\/h1>/.exec(text)?.[1];
    const revision = /<dd id="revision">([^<]*)</.exec(text)?.[1];
    if (heading === undefined) return;
    const said = `${heading} (revision ${revision})`;
    this.#pages.push(said);
    this.#tell(`the page says: ${said}`);
  }

  #tell(news: string): void {
    const { hub, show } = this.#parts;
    show({ url: hub.url, device: this.#device, steps: this.#steps, pages: this.#pages, news }, news);
  }
}

async function unlessAborted(signal: AbortSignal, promise: Promise<void>): Promise<void> {
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  await Promise.race([promise, aborted]);
}

/** The next event. A loop over the stream would close it at its end. */
async function nextOf(events: AsyncGenerator<{ event: HubEvent }>): Promise<HubEvent> {
  const { done, value } = await events.next();
  if (done) throw new Error('the hub has ended');
  return value.event;
}

/** The page, as soon as its server listens. Each time over a connection of its own: a kept one would lead to a container that is gone. */
async function pageText(url: string): Promise<string> {
  for (let attempt = 0; ; attempt += 1)
    try {
      const [answer] = (await once(get(url, { agent: false, timeout: 2000 }), 'response')) as [IncomingMessage];
      return Buffer.concat(await answer.toArray()).toString();
    } catch (error) {
      if (attempt === 40) throw new Error(`cannot read ${url}: ${(error as Error).message}`);
      await pause(100);
    }
}

/** Messages of the log lines that a failed update brings along. */
function reasonsOf(logs: string): string[] {
  const messages = logs.split('\n').flatMap((line) => {
    try {
      const { msg } = JSON.parse(line) as { msg?: unknown };
      return typeof msg === 'string' ? [msg] : [];
    } catch {
      return [];
    }
  });
  return [...new Set(messages)].slice(0, mostReasons);
}
