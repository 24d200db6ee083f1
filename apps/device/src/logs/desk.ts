/** Where messages become entries: who said it, when, and what to do with what cannot be understood. */
import type { Clock, TextCoding } from '../host/ports.ts';
import type { Log } from '../runtime/log.ts';
import type { LogEntry, Message } from './entry.ts';
import type { LogOutputs } from './outputs.ts';
import { parseMessage } from './protocols/frames.ts';

/** Milliseconds between two complaints about one sender. */
const complaintPause = 60_000;
const longestPlatform = 63;

/** Who is at the other end of a socket. */
export interface Sender {
  /** Container, `pantavisor`, or `unknown-platform`. */
  platform: string;
  /** May speak for others, as the legacy protocol allows. */
  trusted: boolean;
}

interface Complaint {
  count: number;
  reason: string;
}

export class LogDesk {
  readonly #clock: Clock;
  readonly #text: TextCoding;
  readonly #outputs: Pick<LogOutputs, 'take'>;
  readonly #log: Log;
  readonly #complaints = new Map<string, Complaint>();

  constructor(room: { clock: Clock; text: TextCoding; outputs: Pick<LogOutputs, 'take'>; log: Log }) {
    this.#clock = room.clock;
    this.#text = room.text;
    this.#outputs = room.outputs;
    this.#log = room.log;
  }

  /** One message of a socket, in any protocol. */
  hear(bytes: Uint8Array, sender: Sender): Promise<void> | undefined {
    const said = parseMessage(bytes, this.#clock.wall(), (part) => this.#text.decode(part));
    if (!said.ok) return this.#complain(sender.platform, said.reason);
    if ('command' in said)
      return this.#complain(sender.platform, `only the runtime itself may give the command ${said.command.name}`);
    const { message } = said;
    const named = sender.trusted && message.platform !== undefined && message.platform !== '';
    return this.put(message, named ? (message.platform ?? '') : sender.platform);
  }

  /** An entry of a known sender. */
  put(message: Message, platform: string): Promise<void> | undefined {
    const { protocol, level, source, data, wall = this.#clock.wall() } = message;
    const at = this.#clock.monotonic();
    const entry: LogEntry = { platform: platform.slice(0, longestPlatform), source, level, wall, at, protocol, data };
    return this.#outputs.take(entry);
  }

  /** A sender that gets it wrong gets it wrong often: said at once, and then how often. */
  #complain(platform: string, reason: string): undefined {
    const pending = this.#complaints.get(platform);
    if (pending !== undefined) {
      pending.count += 1;
      pending.reason = reason;
      return;
    }
    this.#log('WARN', 'logs', `cannot understand a message of ${platform}: ${reason}`);
    const complaint: Complaint = { count: 0, reason };
    this.#complaints.set(platform, complaint);
    this.#clock.after(complaintPause, () => {
      this.#complaints.delete(platform);
      if (complaint.count > 0)
        this.#log(
          'WARN',
          'logs',
          `cannot understand ${complaint.count} more messages of ${platform}: ${complaint.reason}`,
        );
    });
  }
}
