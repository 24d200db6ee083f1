/** Two ways to show a device: a live picture on a terminal, plain lines anywhere else. */
import type { ReadStream, WriteStream } from 'node:tty';
import { stripVTControlCharacters } from 'node:util';
import { Screen } from './screen.ts';
import { type DeviceFacts, type HubView, type Line, pictureLines, renderLine, type Snapshot } from './view.ts';
import { describeChanges } from './watch.ts';

export interface Reporter {
  /** What is going on. On a terminal, `last` stays to the end; anything else gives way to the next look at the device. */
  say(text: string, last?: 'last'): void;
  show(snapshot: Snapshot): void;
  /** All status goals are met for the first time. */
  ready(socket: string, url: string | undefined): void;
  /** Something is new on the hub. */
  hub(view: HubView, news: string): void;
  /** A line of the device's log. */
  log(line: string): void;
  /** Nothing is shown any more; messages go to stderr as they are. */
  close(): void;
}

/** Lines on stdout, one for each change; the log goes to stderr when it is wanted. */
export function plainReporter(logs: boolean): Reporter {
  let before: Snapshot | undefined;
  return {
    say: (text) => console.log(text),
    show: (snapshot) => {
      for (const change of describeChanges(before, snapshot)) console.log(change);
      before = snapshot;
    },
    ready: (socket, url) => console.log(`ready socket=${socket}${url === undefined ? '' : ` url=${url}`}`),
    hub: (_, news) => console.log(news),
    log: (line) => {
      if (logs) console.error(line);
    },
    close: () => {},
  };
}

/** A line of a log without what would move the cursor or colour the rest of the picture. */
function printable(line: string): string {
  return stripVTControlCharacters(line)
    .replaceAll('\t', '  ')
    .replace(/\p{Cc}/gu, '');
}

/** What a terminal says about itself; a person's NO_COLOR (no-color.org) and TERM=dumb count. */
export function usesColor(environment: NodeJS.ProcessEnv): boolean {
  return (environment.NO_COLOR ?? '') === '' && environment.TERM !== 'dumb';
}

/**
 * The picture of view.ts, redrawn when something changes, with the device's log below it on request.
 * @param facts asked at each drawing
 * @param recent last lines of the log, oldest first
 */
export function liveReporter(
  terminal: { output: WriteStream; input: ReadStream; environment: NodeJS.ProcessEnv },
  facts: () => DeviceFacts | undefined,
  options: { logs: boolean; recent: () => string[]; onQuit: () => void },
): Reporter {
  let showLogs = options.logs;
  let snapshot: Snapshot | undefined;
  let notice: string | undefined;
  let hub: HubView | undefined;
  let ending = false;
  let scheduled = false;
  const color = usesColor(terminal.environment);

  const picture = (): Line[] => {
    const known = facts();
    return snapshot === undefined || known === undefined
      ? [[['Pantavisor device', 'bold']], [[notice ?? 'starting', 'yellow']]]
      : pictureLines(known, snapshot, Date.now(), { notice, hub });
  };
  const draw = (): void => {
    scheduled = false;
    const lines = picture();
    if (showLogs) {
      const room = Math.max(0, screen.height - lines.length - 2);
      lines.push(
        [],
        [['LOG', 'dim']],
        ...options
          .recent()
          .slice(-room || Infinity)
          .map((line): Line => [[printable(line)]]),
      );
    }
    screen.draw(lines.map((line) => renderLine(line, screen.width, color)));
  };
  /** Many lines of a log that come together make one drawing. */
  const drawSoon = (): void => {
    if (!scheduled) setImmediate(draw);
    scheduled = true;
  };
  const screen = new Screen(terminal.output, terminal.input, {
    key: (key) => {
      if (key === 'q' || key === '\x03') options.onQuit();
      if (key === 'l') {
        showLogs = !showLogs;
        draw();
      }
    },
    resize: () => draw(),
  });
  screen.enter();
  draw();
  return {
    say: (text, last) => {
      notice = text;
      ending = last !== undefined;
      draw();
    },
    show: (next) => {
      snapshot = next;
      if (!ending) notice = undefined;
      draw();
    },
    ready: () => {},
    hub: (view) => {
      hub = view;
      draw();
    },
    log: () => {
      if (showLogs) drawSoon();
    },
    close: () => screen.leave(),
  };
}
