/**
 * The event loop of the small host: readiness of descriptors (epoll), timers, and callbacks from other threads of thought
 * (microtasks run between turns, in the C host). Nothing ticks: without work the process sleeps in epoll_pwait for good.
 */

import { errnoName } from './errno.ts';
import { type Kernel, SystemCallError } from './kernel.ts';

/** Conditions of epoll(7). */
export const ready = { read: 1, write: 4, error: 8, hangUp: 16, peerClosed: 0x2000 } as const;

interface Timer {
  due: number;
  order: number;
  callback: () => void;
}

const eventsOffset = 0;
const maxEvents = 64;
const control = { add: 1, remove: 2, modify: 3 } as const;

export class Loop {
  readonly #kernel: Kernel;
  readonly #epoll: number;
  readonly #watchers = new Map<number, (conditions: number) => void>();
  /** Binary heap by due time, then by order of arming. */
  readonly #timers: Timer[] = [];
  #armed = 0;
  readonly #eventSize: number;
  readonly #dataOffset: number;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    // struct epoll_event is packed on x86-64 only.
    this.#eventSize = kernel.architecture === 'x64' ? 12 : 16;
    this.#dataOffset = kernel.architecture === 'x64' ? 4 : 8;
    this.#epoll = kernel.call('epoll_create1', 0, [0o2000000]);
    kernel.machine.turn = () => this.#turn();
  }

  /** Calls back with the ready conditions each time the descriptor is ready (level triggered), until `unwatch`. */
  watch(descriptor: number, conditions: number, callback: (conditions: number) => void): void {
    const known = this.#watchers.has(descriptor);
    this.#watchers.set(descriptor, callback);
    this.#control(known ? control.modify : control.add, descriptor, conditions);
  }

  unwatch(descriptor: number): void {
    if (this.#watchers.delete(descriptor)) this.#control(control.remove, descriptor, 0);
  }

  /** Calls back once after so many milliseconds; the result cancels it. */
  after(milliseconds: number, callback: () => void): () => void {
    const timer: Timer = { due: this.#kernel.machine.now() + Math.max(0, milliseconds), order: this.#armed, callback };
    this.#armed += 1;
    this.#push(timer);
    return () => {
      const index = this.#timers.indexOf(timer);
      if (index >= 0) this.#removeAt(index);
    };
  }

  #control(operation: number, descriptor: number, conditions: number): void {
    this.#kernel.view.setUint32(eventsOffset, conditions, true);
    this.#kernel.view.setInt32(eventsOffset + this.#dataOffset, descriptor, true);
    this.#kernel.call('epoll_ctl', 0b1000, [this.#epoll, operation, descriptor, eventsOffset]);
  }

  #turn(): void {
    const next = this.#timers[0];
    const now = this.#kernel.machine.now();
    const wait = next === undefined ? -1 : Math.min(2 ** 30, Math.max(0, Math.ceil(next.due - now)));
    const count = this.#kernel.raw('epoll_pwait', 0b10, this.#epoll, eventsOffset, maxEvents, wait, 0, 8);
    if (count < 0 && count !== -4) throw new SystemCallError(errnoName(count), 'epoll_pwait');
    const events: [number, number][] = [];
    for (let index = 0; index < count; index += 1) {
      const offset = eventsOffset + index * this.#eventSize;
      events.push([
        this.#kernel.view.getInt32(offset + this.#dataOffset, true),
        this.#kernel.view.getUint32(offset, true),
      ]);
    }
    // A callback may unwatch a descriptor that is later in this batch: look each up again.
    for (const [descriptor, conditions] of events) this.#watchers.get(descriptor)?.(conditions);
    const time = this.#kernel.machine.now();
    for (let timer = this.#timers[0]; timer !== undefined && timer.due <= time; timer = this.#timers[0]) {
      this.#removeAt(0);
      timer.callback();
    }
  }

  #before(left: Timer, right: Timer): boolean {
    return left.due < right.due || (left.due === right.due && left.order < right.order);
  }

  #push(timer: Timer): void {
    this.#timers.push(timer);
    this.#rise(this.#timers.length - 1);
  }

  #removeAt(index: number): void {
    const last = this.#timers.pop()!;
    if (index === this.#timers.length) return;
    this.#timers[index] = last;
    this.#rise(index);
    this.#sink(index);
  }

  #rise(start: number): void {
    for (let index = start; index > 0; ) {
      const parent = (index - 1) >> 1;
      if (!this.#before(this.#timers[index]!, this.#timers[parent]!)) return;
      [this.#timers[index], this.#timers[parent]] = [this.#timers[parent]!, this.#timers[index]!];
      index = parent;
    }
  }

  #sink(start: number): void {
    for (let index = start; ; ) {
      let least = index;
      for (const child of [2 * index + 1, 2 * index + 2])
        if (child < this.#timers.length && this.#before(this.#timers[child]!, this.#timers[least]!)) least = child;
      if (least === index) return;
      [this.#timers[index], this.#timers[least]] = [this.#timers[least]!, this.#timers[index]!];
      index = least;
    }
  }
}
