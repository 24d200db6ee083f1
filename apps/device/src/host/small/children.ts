/** Ends of processes as events: a pidfd (pidfd_open(2)) becomes readable when its process has ended. */
import { bufferOffset, type Kernel, type Loop, ready } from '@pantavisor/small-host';
import { AwaitedChildren } from '../awaited-children.ts';
import { signalName } from './signals.ts';

export interface Ended {
  code: number | undefined;
  signal: string | undefined;
}

const waitById = 1; // P_PID
const waitOptions = { exited: 4, noHang: 1 } as const;
/** struct siginfo_t of waitid(2): code at 8, pid at 12 or 16 …, see `readEnd`. */
const ended = { exited: 1 } as const;

/** Follows processes; own children are reaped with their status, others only noticed. */
export class Children extends AwaitedChildren {
  readonly #kernel: Kernel;
  readonly #loop: Loop;

  constructor(kernel: Kernel, loop: Loop) {
    super((isAwaited) => {
      for (const pid of this.#children()) if (!isAwaited(pid)) this.reap(pid);
    });
    this.#kernel = kernel;
    this.#loop = loop;
  }

  /** Resolves when the process has ended; with its status when it was a child of this process, else with undefined. */
  follow(pid: number): Promise<Ended | undefined> {
    return new Promise((resolve) => {
      const descriptor = this.#kernel.raw('pidfd_open', 0, pid, 0);
      if (descriptor < 0) {
        resolve(this.reap(pid));
        return;
      }
      this.add(pid);
      this.#loop.watch(descriptor, ready.read, () => {
        this.#loop.unwatch(descriptor);
        this.#kernel.close(descriptor);
        this.remove(pid);
        resolve(this.reap(pid));
      });
    });
  }

  /** Numbers of all children, which the kernel lists for each thread; this process has one. */
  #children(): number[] {
    const self = this.#kernel.raw('getpid', 0);
    let descriptor: number;
    try {
      descriptor = this.#kernel.open(`/proc/${self}/task/${self}/children`, 0);
    } catch {
      return [];
    }
    let text = '';
    for (let count = this.#kernel.read(descriptor); count > 0; count = this.#kernel.read(descriptor))
      text += this.#kernel.takeBuffer(count);
    this.#kernel.close(descriptor);
    return text
      .split(' ')
      .filter((word) => word !== '')
      .map(Number);
  }

  /** Takes the status of an ended child; undefined when it runs or is no child. */
  reap(pid: number): Ended | undefined {
    this.#kernel.bytes.fill(0, bufferOffset, bufferOffset + 128);
    const result = this.#kernel.raw(
      'waitid',
      0b00100,
      waitById,
      pid,
      bufferOffset,
      waitOptions.exited | waitOptions.noHang,
      0,
    );
    if (result < 0 || this.#kernel.view.getInt32(bufferOffset + this.#fields, true) === 0) return undefined;
    const kind = this.#kernel.view.getInt32(bufferOffset + 8, true);
    const status = this.#kernel.view.getInt32(bufferOffset + this.#fields + 8, true);
    return kind === ended.exited
      ? { code: status, signal: undefined }
      : { code: undefined, signal: signalName(status) };
  }

  /** siginfo_t: signo, errno, code, then (aligned to the pointer size) pid, uid, status. */
  get #fields(): number {
    return this.#kernel.architecture === 'arm' ? 12 : 16;
  }
}
