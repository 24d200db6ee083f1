/** What a person sees of a running device, as lines of styled text; nothing here touches a terminal. */
import { styleText } from 'node:util';
import type { ContainerDetailJson, ContainerStatusName, GroupJson } from '@pantavisor/ctrl-api';

/** One look at the device. */
export interface Snapshot {
  groups: GroupJson[];
  containers: ContainerDetailJson[];
}

/** A step on the hub, as the device has reported it last. */
export interface StepView {
  rev: number;
  message: string;
  status: string;
  text: string;
  percent: number;
  /** Why it failed, from the device's own log. */
  reasons: string[];
}

/** What there is to see of the hub. */
export interface HubView {
  url: string;
  device: string | undefined;
  steps: readonly StepView[];
  /** What the page of the device has said, the last word at the end. */
  pages: readonly string[];
  /** What has happened last. */
  news: string;
}

/** What does not change while the device runs. */
export interface DeviceFacts {
  revision: string;
  storage: string;
  /** The storage goes with the device. */
  temporary: boolean;
  socket: string;
  url: string | undefined;
  /** Commands to try next. */
  commands: string[];
}

export type Style = 'bold' | 'dim' | 'green' | 'yellow' | 'red' | 'cyan';
/** Pieces of one line; a style covers a whole piece. */
export type Line = [text: string, style?: Style | undefined][];

const headings = ['GROUP', 'CONTAINER', 'STATUS', 'GOAL', 'PID', 'MEMORY', 'UP'];
const rightAligned = new Set(['PID', 'MEMORY', 'UP']);

const statusStyles: Partial<Record<ContainerStatusName, Style>> = {
  READY: 'green',
  STARTED: 'green',
  RECOVERING: 'red',
  STOPPED: 'red',
  UNKNOWN: 'red',
  MOUNTED: 'yellow',
  INSTALLED: 'yellow',
  BLOCKED: 'yellow',
  STARTING: 'yellow',
  STOPPING: 'yellow',
};

const goalOrder: ContainerStatusName[] = ['MOUNTED', 'STARTED', 'READY'];

/** True when the container is at its status goal or past it; one that a person stopped is where it should be. */
export function isAtGoal({ status, status_goal: goal, user_stopped: stopped }: ContainerDetailJson): boolean {
  if (stopped === 'true' && status === 'STOPPED') return true;
  return goalOrder.includes(status) && goalOrder.indexOf(status) >= goalOrder.indexOf(goal);
}

function styleOf(container: ContainerDetailJson): Style | undefined {
  if (container.user_stopped === 'true' && container.status === 'STOPPED') return 'dim';
  if (isAtGoal(container)) return 'green';
  const style = statusStyles[container.status];
  // STARTED on the way to READY is not there yet.
  return style === 'green' ? 'yellow' : style;
}

/** Bytes in the largest unit that keeps a digit before the point, e.g. `1.2 MiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 || value >= 99.95 ? value.toFixed(0) : value.toFixed(1)} ${units[unit]}`;
}

/** Seconds in the two largest units, e.g. `3 min 20 s`, `2 h 5 min`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3600)} h`;
}

function rows({ groups, containers }: Snapshot, now: number): Line[] {
  const known = new Set(groups.map(({ name }) => name));
  const strays = containers.filter(({ group }) => group === null || !known.has(group));
  const member = (container: ContainerDetailJson): Line => [
    [''],
    [container.name],
    [container.status, styleOf(container)],
    [container.status_goal, 'dim'],
    [container.pid === null ? '–' : String(container.pid)],
    [container.memory === null ? '–' : formatBytes(container.memory)],
    [container.started_at === null ? '–' : formatDuration(now / 1000 - container.started_at)],
  ];
  const result: Line[] = groups.flatMap((group) => [
    [[group.name, 'bold'], [''], [group.status, 'dim'], [group.status_goal, 'dim'], [''], [''], ['']] as Line,
    ...containers.filter((container) => container.group === group.name).map(member),
  ]);
  return [...result, ...strays.map(member)];
}

/** Groups with their containers below, in columns. `now`: Unix time in milliseconds. */
export function tableLines(snapshot: Snapshot, now: number): Line[] {
  const body = rows(snapshot, now);
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...body.map((row) => row[column]?.[0].length ?? 0)),
  );
  const pad = (text: string, column: number): string => {
    const width = widths[column] ?? 0;
    return rightAligned.has(headings[column] ?? '') ? text.padStart(width) : text.padEnd(width);
  };
  const line = (cells: Line): Line => cells.map(([text, style], column) => [`${pad(text, column)}  `, style]);
  return [line(headings.map((heading) => [heading, 'dim'])), ...body.map(line)];
}

const stepStyles: Record<string, Style> = { DONE: 'green', UPDATED: 'green', ERROR: 'red', WONTGO: 'red' };

/** The hub and the steps on it. */
export function hubLines({ url, device, steps, pages, news }: HubView): Line[] {
  const owned = device === undefined ? 'no device yet' : `device ${device}`;
  const width = Math.max(0, ...steps.map(({ message }) => message.length));
  return [
    [['Hub   '], [url, 'cyan'], [`  ${owned}`]],
    ...steps.flatMap(({ rev, message, status, text, percent, reasons }): Line[] => [
      [
        [`      step ${rev}  ${message.padEnd(width)}  `],
        [status.padEnd(11), stepStyles[status] ?? 'yellow'],
        [`${String(percent).padStart(4)} %  `, 'dim'],
        [text],
      ],
      ...reasons.map((reason): Line => [[`              because ${reason}`, 'red']]),
    ]),
    ...(pages.length === 0 ? [] : ([[['      page says  '], [pages.join(' → '), 'bold']]] as Line[])),
    [[`      ${news}`, 'dim']],
  ];
}

/**
 * The whole picture: heading, table, hub, page, commands, and the keys.
 * @param more `notice`: what the device is about to do, instead of the count of containers at their goal
 */
export function pictureLines(
  facts: DeviceFacts,
  snapshot: Snapshot,
  now: number,
  { notice, hub }: { notice?: string | undefined; hub?: HubView | undefined } = {},
): Line[] {
  const reached = snapshot.containers.filter(isAtGoal).length;
  const all = snapshot.containers.length;
  const counted = reached === all ? 'all status goals are met' : `${reached} of ${all} at their status goal`;
  const storage = `${facts.storage}${facts.temporary ? ' (removed at the end)' : ''}`;
  return [
    [
      ['Pantavisor device', 'bold'],
      [`  revision ${facts.revision}, `],
      [notice ?? counted, notice === undefined && reached === all ? 'green' : 'yellow'],
    ],
    // With a hub the picture is larger, and still has to fit on one screen of 24 lines.
    ...(hub === undefined ? ([[[`storage  ${storage}`, 'dim']]] as Line[]) : []),
    [[`socket   ${facts.socket}`, 'dim']],
    [],
    ...tableLines(snapshot, now),
    [],
    ...(hub === undefined ? [] : hubLines(hub)),
    ...(facts.url === undefined ? [] : ([[['Page  '], [facts.url, 'cyan']]] as Line[])),
    ...facts.commands
      .slice(0, hub === undefined ? undefined : 2)
      .map((command, index): Line => [[index === 0 ? 'Try   ' : '      '], [command, 'cyan']]),
    [],
    [['l', 'bold'], [' logs   '], ['q', 'bold'], [' stop']],
  ];
}

/** A line as text of at most `width` characters, with terminal styles when `color`. */
export function renderLine(line: Line, width: number, color: boolean): string {
  let left = width;
  let text = '';
  for (const [piece, style] of line) {
    const part = piece.slice(0, left);
    left -= part.length;
    text += color && style !== undefined && part !== '' ? styleText(style, part, { validateStream: false }) : part;
  }
  return text.trimEnd();
}
