/** `pvr dm-convert` and `pvr dm-apply`. */
import type { CommandSpec } from '@pantavisor/cli';
import { Failure, requireWords } from '@pantavisor/cli';
import type { Pvr } from '../context.ts';

const convert: CommandSpec<Pvr> = {
  names: ['dm-convert', 'dmc'],
  summary: 'protect a volume of a container with dm-verity',
  arguments: [
    { name: 'container', help: 'container, or <container>/<volume>', complete: 'app' },
    { name: 'volume', optional: true, help: 'e.g. root.squashfs' },
  ],
  examples: [['pvr dm-convert web root.squashfs', 'the image of one container']],
  async run(pvr, input) {
    const { convertToVerity } = await import('../verity/verity.ts');
    const [first] = requireWords(input, 'pvr dm-convert', ['container']);
    const slash = first.lastIndexOf('/');
    const container = input.values[1] === undefined && slash > 0 ? first.slice(0, slash) : first.replace(/\/$/, '');
    const volume = input.values[1] ?? (slash > 0 ? first.slice(slash + 1) : undefined);
    if (!volume) throw new Failure('usage', "cannot run 'dm-convert': <volume> is missing", { exitCode: 3 });
    const written = await convertToVerity(pvr.repository(), container, volume);
    const lines = [`container=${container} volume=${volume}`, ...written.map((key) => `- Updated ${key}`)];
    return { text: `${lines.join('\n')}\n`, json: { container, volume, written } };
  },
};

const apply: CommandSpec<Pvr> = {
  names: ['dm-apply', 'dma'],
  summary: 'make the hash trees again of volumes that changed',
  arguments: [{ name: 'prefix', optional: true, help: 'only manifests whose path begins so', complete: 'app' }],
  async run(pvr, input) {
    const { applyVerity } = await import('../verity/verity.ts');
    const written = await applyVerity(pvr.repository(), input.values[0] ?? '');
    return { text: written.map((key) => `- Updated ${key}\n`).join(''), json: { written } };
  },
};

export const verityCommands: readonly CommandSpec<Pvr>[] = [convert, apply];
