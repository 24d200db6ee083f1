/** What the device does for each effect of the engine: one row each, none of which waits. */
import type { ContainerStatus, Effect } from '@pantavisor/engine';
import type { Lifecycle } from '../containers/lifecycle.ts';
import { sentenceOf } from './failure.ts';
import type { Log } from './log.ts';
import type { Executors } from './loop.ts';
import type { PendingAnswers } from './runtime.ts';
import type { Timers } from './timers.ts';

/** The rows of containers and of the device itself; those of updates are `updates/room.ts`. */
export type ContainerExecutors = Pick<Executors, Effect['type']>;

type Purpose = Extract<Effect, { type: 'device.stopped' }>['purpose'];

/** Those who want to know what becomes of the device. */
export interface Watchers {
  /** A container changed its status. */
  status(name: string, to: ContainerStatus): void;
  /** The lowest status of all groups changed. */
  revision(status: ContainerStatus): void;
  /** Everything is stopped. */
  stopped(purpose: Purpose): void;
}

/** Makes the table. A new effect without a row does not compile. */
export function createExecutors(parts: {
  lifecycle: Lifecycle;
  timers: Timers;
  answers: PendingAnswers;
  watchers: Watchers;
  log: Log;
}): ContainerExecutors {
  const { lifecycle, timers, answers, watchers, log } = parts;
  return {
    'container.mount': ({ name, run, staged }) => lifecycle.mount(name, run, staged === true),
    'container.start': ({ name, run }) => lifecycle.start(name, run),
    'container.halt': ({ name, run }) => lifecycle.halt(name, run),
    'container.kill': ({ name, run }) => lifecycle.kill(name, run),
    'container.release': ({ name, run }) => lifecycle.release(name, run),
    'timer.arm': ({ timer, ms }) => timers.arm(timer, ms),
    'timer.cancel': ({ timer }) => timers.cancel(timer),
    answer: ({ id, answer }) => answers.settle(id, answer),
    'status.changed': ({ name, from, to, reason }) => {
      const why = reason === undefined ? '' : `: ${sentenceOf(reason)}`;
      log(reason === undefined ? 'INFO' : 'WARN', 'containers', `${name} ${from} -> ${to}${why}`);
      watchers.status(name, to);
    },
    'revision.status': ({ status }) => {
      log('INFO', 'revision', `status ${status}`);
      watchers.revision(status);
    },
    'revision.failed': ({ reason }) => {
      log('ERROR', 'revision', sentenceOf(reason));
    },
    'device.stopped': ({ purpose }) => watchers.stopped(purpose),
  };
}
