/** One run of QEMU. */
import { type ChildProcess, spawn } from 'node:child_process';
import { StringDecoder } from 'node:string_decoder';
import { emulators, type MachineOptions, machineArguments } from './command-line.ts';
import { QemuControl } from './control.ts';

/** `reset`: the machine wanted to restart. `killed`: by `kill` or the hard time-out. `failed`: QEMU gave up by itself. */
export type MachineEndReason = 'power-off' | 'reset' | 'watchdog' | 'panic' | 'killed' | 'timeout' | 'failed';

/** Reasons of QEMU's SHUTDOWN event (qapi/run-state.json) in our words. */
const reasons: Record<string, MachineEndReason> = {
  'guest-shutdown': 'power-off',
  'guest-reset': 'reset',
  'host-qmp-system-reset': 'reset',
  'guest-panic': 'panic',
  'host-signal': 'killed',
  'host-qmp-quit': 'killed',
};

export interface QemuEnd {
  reason: MachineEndReason;
  /** What it wrote on standard error. */
  messages: string;
  /** Exit code or signal, for people. */
  status: string;
}

export class QemuProcess {
  readonly control: QemuControl;
  readonly ended: Promise<QemuEnd>;
  readonly #child: ChildProcess;

  /**
   * @param socket path of the control connection, free again at the end
   * @param print gets what comes from the serial console
   */
  constructor(options: MachineOptions, socket: string, print: (text: string) => void) {
    this.control = new QemuControl(socket);
    const argv = [
      ...machineArguments(options),
      ...['-chardev', 'stdio,id=console,signal=off', '-serial', 'chardev:console'],
      ...['-qmp', `unix:${socket}`],
    ];
    const { program } = emulators[options.architecture];
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', program, ...argv], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child = child;
    child.stdin?.on('error', () => {});
    const decoder = new StringDecoder('utf8');
    child.stdout?.on('data', (chunk: Buffer) => print(decoder.write(chunk)));
    let messages = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      if (messages.length < 65536) messages += chunk.toString();
    });
    this.ended = new Promise((resolve) => {
      child.on('error', (error) => {
        messages += error.message;
      });
      child.on('close', (code, signal) => {
        const last = this.control.events.findLast(({ event }) => event === 'SHUTDOWN')?.data?.reason;
        const bitten = this.control.events.some(({ event, data }) => event === 'WATCHDOG' && data?.action !== 'none');
        const told = bitten && last === 'guest-reset' ? 'watchdog' : reasons[String(last)];
        this.control.close();
        resolve({ reason: told ?? 'failed', messages: messages.trim(), status: signal ?? `exit code ${code}` });
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Sends keys to the serial console. */
  write(text: string): void {
    if (this.#child.stdin?.writable) this.#child.stdin.write(text);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}
