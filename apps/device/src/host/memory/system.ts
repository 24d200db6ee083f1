/** The port `System` on the simulated machine, and what a test can see of a runtime. */
import type { ProcessSignal, System } from '../ports.ts';
import type { Gate } from './gate.ts';
import type { Machine } from './machine.ts';
import type { Choose } from './random.ts';

/** Thrown by `System.exit`: the runtime ended itself. */
export class MemoryExit extends Error {
  override name = 'MemoryExit';
  readonly exitCode: number;
  constructor(exitCode: number) {
    super(`the runtime ended with exit code ${exitCode}`);
    this.exitCode = exitCode;
  }
}

/** What a runtime said and did to its own process, for tests. */
export interface RuntimeRecord {
  printed: { stream: 'stdout' | 'stderr'; text: string }[];
  exitCode: number | undefined;
  signals: Map<ProcessSignal, (() => void)[]>;
}

export function memorySystem(options: {
  machine: Machine;
  gate: Gate;
  pid: number;
  environment: Record<string, string>;
  arguments: string[];
  record: RuntimeRecord;
  choose: Choose;
  end: () => void;
}): System {
  const { machine, gate, record } = options;
  return {
    pid: options.pid,
    environment: options.environment,
    arguments: options.arguments,
    kernelRelease: '6.1.0-memory',
    machine: 'x86_64',
    onSignal: (signal, callback) => {
      record.signals.set(signal, [...(record.signals.get(signal) ?? []), callback]);
    },
    print: (stream, text) => {
      record.printed.push({ stream, text });
    },
    becomeSubreaper: () => {},
    exit: (code) => {
      record.exitCode ??= code;
      options.end();
      throw new MemoryExit(code);
    },
    power: (action) => gate(() => machine.switchOff(action)),
    randomHex: (bytes) =>
      Array.from({ length: bytes }, () => options.choose(256).toString(16).padStart(2, '0')).join(''),
  };
}
