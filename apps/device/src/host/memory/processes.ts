/** The port `Processes` on the simulated machine: programs are functions. */
import { HostError, type Processes } from '../ports.ts';
import type { Gate } from './gate.ts';
import type { Machine, MemoryProgram } from './machine.ts';

export function memoryProcesses(machine: Machine, gate: Gate): Processes {
  function program(argv: string[]): MemoryProgram {
    const found = machine.programs.get(argv[0] ?? '');
    if (found === undefined) throw new HostError('ENOENT', 'run', argv[0]);
    return found;
  }
  return {
    run: (argv, options = {}) =>
      gate(async () => {
        const result = await program(argv)(argv, options);
        return { code: 0, signal: undefined, stdout: '', stderr: '', timedOut: false, ...result };
      }),
    spawn: (argv, options = {}) =>
      gate(() => {
        const started = program(argv);
        const pid = machine.newPid();
        let end: (exit: { code: number | undefined; signal: string | undefined }) => void = () => {};
        const exited = new Promise<{ code: number | undefined; signal: string | undefined }>((resolve) => {
          end = (exit) => {
            machine.processes.delete(pid);
            resolve(exit);
          };
        });
        void gate(async () => {
          const { code = 0, signal, stdout = '', stderr = '' } = await started(argv, options);
          for (const line of stdout.split('\n').filter(Boolean)) options.onLine?.('stdout', line);
          for (const line of stderr.split('\n').filter(Boolean)) options.onLine?.('stderr', line);
          end({ code: signal === undefined ? code : undefined, signal });
        });
        // What every process ignores unless it asks for it.
        const tell = (signal: string) => (signal === 'SIGWINCH' ? undefined : end({ code: undefined, signal }));
        return { pid, exited, signal: tell };
      }),
    isAlive: (pid) => machine.processes.has(pid),
  };
}
