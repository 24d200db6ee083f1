/** The control connection to QEMU: its machine protocol QMP, JSON lines over a Unix socket that this side listens on. */
import { createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

/** What QEMU tells by itself, e.g. `{"event":"SHUTDOWN","data":{"guest":true,"reason":"guest-reset"}}`. */
export interface QemuEvent {
  event: string;
  data?: Record<string, unknown>;
}

interface Answer {
  resolve: (value: unknown) => void;
  reject: (error: Error) => void;
}

export class QemuControl {
  readonly events: QemuEvent[] = [];
  readonly #server: Server;
  readonly #connected: Promise<Socket>;
  readonly #answers: Answer[] = [];
  #socket: Socket | undefined;
  #closed = false;
  #giveUp: (error: Error) => void = () => {};

  /** @param path of the Unix socket; QEMU connects to it once */
  constructor(path: string) {
    this.#server = createServer();
    this.#connected = new Promise((resolve, reject) => {
      this.#giveUp = reject;
      this.#server.once('error', reject);
      this.#server.once('connection', (socket) => {
        this.#socket = socket;
        socket.on('error', () => {});
        socket.on('close', () => this.close());
        // An error of the socket comes here, too.
        createInterface({ input: socket })
          .on('error', () => {})
          .on('line', (line) => this.#take(line, () => resolve(socket)));
      });
    });
    this.#connected.catch(() => {});
    this.#server.listen(path);
  }

  #take(line: string, greeted: () => void): void {
    const message = JSON.parse(line) as {
      QMP?: unknown;
      return?: unknown;
      error?: { desc?: string };
    } & Partial<QemuEvent>;
    if (message.QMP !== undefined) {
      this.#answers.push({ resolve: greeted, reject: () => {} });
      this.#socket?.write('{"execute":"qmp_capabilities"}\n');
    } else if (message.event !== undefined) {
      this.events.push({ event: message.event, ...(message.data ? { data: message.data } : {}) });
    } else if (message.error !== undefined) {
      this.#answers.shift()?.reject(new Error(`cannot do that in QEMU: ${message.error.desc ?? line}`));
    } else this.#answers.shift()?.resolve(message.return);
  }

  /**
   * Runs a command of QMP and gives its answer.
   * @throws Error with QEMU's own words, or when QEMU is gone
   */
  async execute(command: string, parameters: Record<string, unknown> = {}): Promise<unknown> {
    const socket = await this.#connected;
    if (this.#closed) throw new Error(`cannot tell QEMU ${command}: it has ended`);
    return new Promise((resolve, reject) => {
      this.#answers.push({ resolve, reject });
      socket.write(`${JSON.stringify({ execute: command, arguments: parameters })}\n`);
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#server.close();
    this.#socket?.destroy();
    this.#giveUp(new Error('cannot tell QEMU anything: it has ended'));
    for (const { reject } of this.#answers.splice(0)) reject(new Error('cannot hear from QEMU any more: it has ended'));
  }
}
