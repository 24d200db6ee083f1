/** Finds devices in the local network by multicast DNS (RFC 6762, RFC 6763). */

import { Failure } from '@pantavisor/cli';
import multicastDns from 'multicast-dns';

export interface FoundDevice {
  id: string;
  /** Present while nobody owns it. */
  challenge?: string;
  hub: string;
  host: string;
  ipv4: string[];
  ipv6: string[];
  port: number;
}

const service = '_ssh._tcp.local';

/** The part of a DNS record that is read here. */
export interface DnsRecord {
  type: string;
  name: string;
  data?: unknown;
}

/** Collects answers until every device is known as far as it tells. */
export class ServiceCatalogue {
  readonly #records: DnsRecord[] = [];

  add(records: readonly DnsRecord[]): void {
    this.#records.push(...records);
  }

  /** Names that still lack their details. */
  open(): string[] {
    return this.#instances().filter((name) => !this.#of(name, 'SRV') || !this.#of(name, 'TXT'));
  }

  /** Devices, by id. Services without a device id are others' business. */
  devices(): FoundDevice[] {
    const found = new Map<string, FoundDevice>();
    for (const name of this.#instances()) {
      const text = readText(this.#of(name, 'TXT')?.data);
      const id = text.get('device-id');
      const target = this.#of(name, 'SRV')?.data as { target?: string; port?: number } | undefined;
      if (!id || !target?.target) continue;
      const challenge = text.get('challenge');
      const addresses = (type: string): string[] => [
        ...new Set(
          this.#records
            .filter((record) => record.type === type && record.name === target.target)
            .map(({ data }) => String(data)),
        ),
      ];
      found.set(id, {
        id,
        ...(challenge ? { challenge } : {}),
        hub: text.get('pantahub') ?? 'api.pantahub.com:443',
        host: target.target,
        ipv4: addresses('A'),
        ipv6: addresses('AAAA'),
        port: target.port ?? 0,
      });
    }
    return [...found.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  #instances(): string[] {
    const names = this.#records
      .filter(({ type, name }) => type === 'PTR' && name === service)
      .map(({ data }) => String(data));
    return [...new Set(names)];
  }

  #of(name: string, type: string): DnsRecord | undefined {
    return this.#records.findLast((record) => record.type === type && record.name === name);
  }
}

function readText(data: unknown): Map<string, string> {
  const strings = Array.isArray(data) ? data : data === undefined ? [] : [data];
  return new Map(
    strings.map((item) => {
      const [key = '', ...rest] = String(item).split('=');
      return [key, rest.join('=')] as [string, string];
    }),
  );
}

/** Listens for so many milliseconds. @throws Failure `scan-failed` when there is no network to listen in */
export async function scan(duration: number): Promise<FoundDevice[]> {
  const catalogue = new ServiceCatalogue();
  const socket = multicastDns();
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(resolve, duration);
      socket.on('error', (cause: Error) => {
        clearTimeout(timer);
        reject(new Failure('scan-failed', `cannot look for devices: ${cause.message}`, { cause, exitCode: 3 }));
      });
      socket.on('response', ({ answers, additionals }: { answers: DnsRecord[]; additionals: DnsRecord[] }) => {
        catalogue.add([...answers, ...additionals]);
        const questions = catalogue.open().flatMap((name) => [
          { name, type: 'SRV' as const },
          { name, type: 'TXT' as const },
        ]);
        if (questions.length > 0) socket.query({ questions });
      });
      socket.query({ questions: [{ name: service, type: 'PTR' }] });
    });
    return catalogue.devices();
  } finally {
    socket.destroy();
  }
}
