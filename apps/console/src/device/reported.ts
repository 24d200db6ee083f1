/** Reading what devices report about themselves in their metadata (metadata.md): any value may be missing or odd. */
import { size } from '../text/index.ts';

type JsonMap = Record<string, unknown>;

/** A value that may be JSON inside of a text. */
function opened(value: unknown): unknown {
  if (typeof value !== 'string' || !/^\s*[{[]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

const asText = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined || value === null ? '' : JSON.stringify(value);

const number = (map: unknown, name: string): number | undefined => {
  const value = typeof map === 'object' && map !== null ? (map as JsonMap)[name] : undefined;
  return typeof value === 'number' ? value : undefined;
};

export interface Fact {
  name: string;
  value: string;
  /** how much is used, 0 to 1 */
  part?: number;
}

function usage(name: string, total: number | undefined, free: number | undefined, unit = 1): Fact {
  if (total === undefined || free === undefined || total <= 0) return { name, value: '' };
  const used = Math.max(0, total - free);
  return { name, value: `${size(used * unit)} of ${size(total * unit)}`, part: Math.min(1, used / total) };
}

/** Of the metadata `storage`, in bytes. */
function storageOf(value: unknown): Fact {
  const storage = opened(value);
  return usage('Storage used', number(storage, 'total'), number(storage, 'free'));
}

/** Of the metadata `sysinfo` (sysinfo(2): in units of mem_unit). */
function memoryOf(value: unknown): Fact {
  const info = opened(value);
  return usage('Memory used', number(info, 'totalram'), number(info, 'freeram'), number(info, 'mem_unit') ?? 1);
}

/** Addresses of the metadata `interfaces`: `{"eth0.ipv4": ["192.168.1.7"]}`. */
function addressLine(value: unknown): string {
  const interfaces = opened(value);
  if (typeof interfaces !== 'object' || interfaces === null) return '';
  return Object.entries(interfaces)
    .filter(([name]) => !name.startsWith('lo.'))
    .flatMap(([name, addresses]) =>
      (Array.isArray(addresses) ? addresses : [addresses]).map((address) => `${name.split('.')[0]} ${asText(address)}`),
    )
    .join(', ');
}

/** What is worth showing of device metadata, with names for people; only what is there. */
export function systemFacts(meta: JsonMap): Fact[] {
  const facts: Fact[] = [
    { name: 'Pantavisor', value: asText(meta['pantavisor.version']) },
    { name: 'Architecture', value: asText(meta['pantavisor.arch']) },
    { name: 'Board', value: asText(meta['pantavisor.dtmodel'] ?? meta['pantavisor.cpumodel']) },
    { name: 'Kernel', value: asText((opened(meta['pantavisor.uname']) as JsonMap | undefined)?.['kernel.release']) },
    { name: 'Mode', value: asText(meta['pantavisor.mode']) },
    { name: 'Running revision', value: asText(meta['pantavisor.revision']) },
    memoryOf(meta.sysinfo),
    storageOf(meta.storage),
    { name: 'Network', value: addressLine(meta.interfaces) },
  ];
  return facts.filter(({ value }) => value !== '');
}

/** Status of each container, where the device reports it. */
export function containerStatuses(meta: JsonMap): Map<string, string> {
  const reported = opened(meta['pantavisor.containers'] ?? meta['pantavisor.platforms']);
  const list = Array.isArray(reported) ? reported : [];
  return new Map(
    list.flatMap((one: unknown): [string, string][] => {
      const { name, status } = (typeof one === 'object' && one !== null ? one : {}) as JsonMap;
      return typeof name === 'string' && typeof status === 'string' ? [[name, status]] : [];
    }),
  );
}
