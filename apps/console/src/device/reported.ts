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

/** `used of total` of the metadata `storage` (bytes). */
function storageLine(value: unknown): string {
  const storage = opened(value);
  const total = number(storage, 'total');
  const free = number(storage, 'free');
  return total === undefined || free === undefined ? '' : `${size(total - free)} / ${size(total)}`;
}

/** `used of total` of the metadata `sysinfo` (sysinfo(2): in units of mem_unit). */
function memoryLine(value: unknown): string {
  const info = opened(value);
  const unit = number(info, 'mem_unit') ?? 1;
  const total = number(info, 'totalram');
  const free = number(info, 'freeram');
  return total === undefined || free === undefined ? '' : `${size((total - free) * unit)} / ${size(total * unit)}`;
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
export function systemFacts(meta: JsonMap): { name: string; value: string }[] {
  const facts: [string, string][] = [
    ['Pantavisor', asText(meta['pantavisor.version'])],
    ['Architecture', asText(meta['pantavisor.arch'])],
    ['Board', asText(meta['pantavisor.dtmodel'] ?? meta['pantavisor.cpumodel'])],
    ['Kernel', asText((opened(meta['pantavisor.uname']) as JsonMap | undefined)?.['kernel.release'])],
    ['Mode', asText(meta['pantavisor.mode'])],
    ['Running revision', asText(meta['pantavisor.revision'])],
    ['Memory used', memoryLine(meta.sysinfo)],
    ['Storage used', storageLine(meta.storage)],
    ['Network', addressLine(meta.interfaces)],
  ];
  return facts.filter(([, value]) => value !== '').map(([name, value]) => ({ name, value }));
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
