/** A virtual machine as a child process: started, watched, killed at any moment, and gone with whoever started it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { emulators, type MachineOptions, machineArguments } from './command-line.ts';
import { MachineConsole } from './console.ts';
import { QemuControl } from './control.ts';

/** `reset`: the machine wanted to restart. `killed`: by `kill` or the hard time-out. `failed`: QEMU gave up by itself. */
export type MachineEndReason = 'power-off' | 'reset' | 'watchdog' | 'panic' | 'killed' | 'timeout' | 'failed';

export interface MachineEnd {
  reason: MachineEndReason;
  /** What QEMU wrote on standard error. */
  messages: string;
}

export interface RunLimits {
  /** After so many seconds the machine is killed, whatever it does. */
  seconds: number;
}

/** Reasons of QEMU's SHUTDOWN event (qapi/run-state.json) in our words. */
const reasons: Record<string, MachineEndReason> = {
  'guest-shutdown': 'power-off',
  'guest-reset': 'reset',
  'guest-panic': 'panic',
  'host-signal': 'killed',
  'host-qmp-quit': 'killed',
};

export class Machine {
  readonly console: MachineConsole;
  readonly control: QemuControl;
  /** Fulfilled when QEMU is gone and nothing of it is left. */
  readonly ended: Promise<MachineEnd>;
  readonly #child: ChildProcess;
  #reason: MachineEndReason | undefined;
  #forwarded: Map<number, number> | undefined;

  private constructor(child: ChildProcess, control: QemuControl, folder: string, limits: RunLimits) {
    this.#child = child;
    this.control = control;
    this.console = new MachineConsole((text) => {
      if (child.stdin?.writable) child.stdin.write(text);
    });
    child.stdin?.on('error', () => {});
    const decoder = new StringDecoder('utf8');
    child.stdout?.on('data', (chunk: Buffer) => this.console.feed(decoder.write(chunk)));
    let messages = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      if (messages.length < 65536) messages += chunk.toString();
    });
    const alarm = setTimeout(() => {
      this.#reason ??= 'timeout';
      child.kill('SIGKILL');
    }, limits.seconds * 1000);
    this.ended = new Promise((resolve) => {
      let failure = '';
      child.on('error', (error) => {
        failure = error.message;
      });
      child.on('close', (code, signal) => {
        clearTimeout(alarm);
        const last = control.events.findLast(({ event }) => event === 'SHUTDOWN')?.data?.reason;
        const bitten = control.events.some(({ event, data }) => event === 'WATCHDOG' && data?.action !== 'none');
        const told = bitten && last === 'guest-reset' ? 'watchdog' : reasons[String(last)];
        const reason = this.#reason ?? told ?? 'failed';
        control.close();
        const detail = `${failure}${messages}`.trim();
        this.console.end(
          `the machine ended (${reason}${reason === 'failed' ? `, ${signal ?? `exit code ${code}`}` : ''})${detail === '' ? '' : `: ${detail}`}`,
        );
        rm(folder, { recursive: true, force: true }).finally(() => resolve({ reason, messages: detail }));
      });
    });
  }

  /**
   * Starts a machine. Its serial console is `console`; what it prints is kept from the first byte on.
   * It dies with this process, also when this process is killed.
   * @throws Error when QEMU for the architecture is not installed
   */
  static async start(options: MachineOptions, limits: RunLimits): Promise<Machine> {
    const { program, package: name } = emulators[options.architecture];
    if (!(process.env.PATH ?? '').split(':').some((folder) => existsSync(join(folder, program))))
      throw new Error(`cannot find ${program}; install the Debian package ${name}`);
    const folder = await mkdtemp(join(tmpdir(), 'pv-machine-'));
    const control = new QemuControl(join(folder, 'qmp'));
    const argv = [
      ...machineArguments(options),
      ...['-chardev', 'stdio,id=console,signal=off', '-serial', 'chardev:console'],
      ...['-qmp', `unix:${join(folder, 'qmp')}`],
    ];
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', program, ...argv], { stdio: ['pipe', 'pipe', 'pipe'] });
    return new Machine(child, control, folder, limits);
  }

  /** Process id of QEMU. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Pulls the plug: nothing of the machine runs any more from this instant on. */
  async kill(): Promise<MachineEnd> {
    this.#reason ??= 'killed';
    this.#child.kill('SIGKILL');
    return this.ended;
  }

  /**
   * Port on loopback that leads to a port of the guest.
   * @throws Error when it was not asked for at the start
   */
  async port(guest: number): Promise<number> {
    this.#forwarded ??= await this.#readForwards();
    const port = this.#forwarded.get(guest);
    if (port === undefined) throw new Error(`cannot reach port ${guest} of the machine: it is not forwarded`);
    return port;
  }

  /** QEMU tells which free ports it took only as text for people. */
  async #readForwards(): Promise<Map<number, number>> {
    const table = String(await this.control.execute('human-monitor-command', { 'command-line': 'info usernet' }));
    const rules = table.matchAll(/TCP\[HOST_FORWARD\]\s+\d+\s+\S+\s+(\d+)\s+\S+\s+(\d+)/g);
    return new Map([...rules].map(([, host, guest]) => [Number(guest), Number(host)]));
  }
}
