/** Installing and updating parts: from packages, other devices and repositories. */
import { Failure, type Input } from '@pantavisor/cli/portable';
import { readState } from '../../pvtx/state-text.ts';
import { type BoxCommand, type Context, commitAndRun, revisionFlags } from '../context.ts';
import { Draft, isSameState } from '../draft.ts';
import { fetchPieces } from '../fetch.ts';
import { membersOf, type Part, partNamed, partsOf, sourceText } from '../parts.ts';
import { fetchParts, openRemote, type Tell } from '../remote.ts';
import { type InstallSource, imageAdvice, partOfImage, readSource } from '../source-text.ts';

type Pieces = AsyncIterable<Uint8Array>;

async function* counted(pieces: Pieces, size: number, tell: Tell): Pieces & AsyncGenerator<Uint8Array> {
  let read = 0;
  for await (const piece of pieces) {
    read += piece.length;
    if (size > 0) tell({ share: Math.min(1, read / size) });
    yield piece;
  }
}

async function* textPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** @throws Failure that says what to do at the workstation */
function noImages(name: string, part?: string): never {
  throw new Failure('image', `cannot make an app of the image ${name} here: a device has nothing that packs images`, {
    hint: imageAdvice(name, part).replaceAll('\n', '\n  '),
  });
}

/** Adds what a source has to a draft. @param parts of a remote */
async function add(context: Context, draft: Draft, source: InstallSource, parts: readonly string[], tell: Tell) {
  const { host, device } = context;
  switch (source.kind) {
    case 'image':
      return noImages(source.name);
    case 'stdin':
      return draft.transaction.add(host.stdin());
    case 'object':
      return draft.transaction.add(await device.client.getObject(source.sha256));
    case 'package':
      return draft.transaction.add(fetchPieces(host, source.url));
    case 'file': {
      const { size, pieces } = await host.files.open(source.path).catch((error: Error) => {
        throw new Failure('file', `cannot read ${source.path}: ${error.message}`);
      });
      return draft.transaction.add(counted(pieces, size, tell));
    }
    case 'remote': {
      const state = await fetchParts(host, device, await openRemote(host, source.url), parts, tell);
      return draft.transaction.add(textPieces(host.transport.encode(state)));
    }
  }
}

/** What a draft changes, part by part, in words. */
async function changesOf(context: Context, draft: Draft): Promise<string[]> {
  const before = await context.device.client.step('current');
  const after = await draft.state();
  if (isSameState(before, after)) return [];
  const members = (state: string, name: string) => JSON.stringify(membersOf(readState(state), name));
  const [old, now] = [partsOf(before).map(({ name }) => name), partsOf(after).map(({ name }) => name)];
  return [
    ...now.filter((name) => !old.includes(name)).map((name) => `${name} is new`),
    ...now
      .filter((name) => old.includes(name) && members(before, name) !== members(after, name))
      .map((name) => `${name} changes`),
    ...old.filter((name) => !now.includes(name)).map((name) => `${name} goes`),
  ];
}

const nothingNew = 'nothing to do: this is what runs already';

/** Work on a draft, which is given up when it fails. */
async function drafted<T>(context: Context, work: (draft: Draft) => Promise<T>): Promise<T> {
  const draft = await Draft.begin(context.host, context.device);
  try {
    return await work(draft);
  } catch (error) {
    await draft.discard();
    throw error;
  }
}

async function commitChanges(context: Context, draft: Draft, input: Input, verb: string) {
  const changes = await changesOf(context, draft);
  if (changes.length === 0) {
    await draft.discard();
    return { text: `${nothingNew}\n`, json: { changes } };
  }
  for (const change of changes) context.say(change);
  return commitAndRun(context, draft, input, `${verb}: ${changes.join(', ')}`);
}

function sourceNamed({ host }: Context, text: string): InstallSource {
  return readSource(text, (path) => host.files.exists(path));
}

export const install: BoxCommand = {
  names: ['install'],
  summary: 'install an app from a package, a device or a repository',
  about: `A source is a package of 'pvr export' (a file, a URL, - for standard input, or the SHA-256 of an object that the device has), the
address of another device, or a URL that 'pvr clone' takes. Of the last two name the parts: 192.168.1.20#web. The parts go on top of
the running revision as a new local one, which the device tries; it goes back when that does not hold.

A container image is packed at the workstation: 'pantabox install nginx:latest' says how.`,
  arguments: [{ name: 'source', optional: true, help: 'package, address, URL, or -', complete: 'file' }],
  flags: [
    { names: ['part', 'p'], kind: 'list', value: 'name', help: 'part of another device or repository' },
    ...revisionFlags,
  ],
  examples: [
    ['pantabox install web.tgz', 'a package on this device'],
    ['pantabox install 192.168.1.20#web', 'what another device has'],
    ['ssh workstation cat web.tgz | pantabox install - --json', 'from elsewhere, for scripts'],
  ],
  async run(context, input) {
    const [text] = input.values;
    if (text === undefined) return context.ask(install, 'the source');
    const source = sourceNamed(context, text);
    if (source.kind === 'image') return noImages(source.name);
    const parts = [...(source.kind === 'remote' ? source.parts : []), ...input.list('part')];
    if (source.kind === 'remote' && parts.length === 0) {
      const there = partsOf((await openRemote(context.host, source.url)).state).map(({ name }) => name);
      throw new Failure('usage', 'cannot install a whole device: name the parts, e.g. --part web', {
        hint: `there is ${there.join(', ')}`,
      });
    }
    return drafted(context, async (draft) => {
      await context.during(`Installing ${text}`, (tell) => add(context, draft, source, parts, tell));
      return commitChanges(context, draft, input, 'install');
    });
  },
  async screen(context) {
    type Way = 'file' | 'device' | 'repository' | 'image';
    const way = await context.choose<Way>({
      title: 'Install: where from?',
      items: [
        { value: 'file', cells: ['package', "a file of 'pvr export' on this device, or its URL"] },
        { value: 'device', cells: ['device', 'parts of another device in the network'] },
        { value: 'repository', cells: ['repository', "a URL that 'pvr clone' takes"] },
        { value: 'image', cells: ['docker', 'an image, packed at a workstation'] },
      ],
    });
    if (!way) return;
    const labels: Record<Way, [label: string, value: string, about: string]> = {
      file: [
        'File or URL',
        `${context.host.environment.PWD ?? '/root'}/`,
        "What 'pvr export' has written, e.g. /tmp/web.tgz",
      ],
      device: ['Address', '', 'Of a device whose port 12368 is open, e.g. 192.168.1.20'],
      repository: [
        'URL',
        'https://',
        'Without certificates being checked nothing is fetched over https: that needs curl in this container.',
      ],
      image: ['Image', '', 'A device has nothing that packs images, but pvr on a workstation does. For which image?'],
    };
    const [label, value, about] = labels[way];
    const values = await context.fill({
      title: 'Install',
      about,
      fields: [{ label, value }],
      check: ([text = '']) => (text.trim() === '' || text === value ? 'name it, or Esc' : undefined),
    });
    if (!values) return;
    const text = values[0]!.trim();
    if (way === 'image') {
      await context.read('From an image', `${imageAdvice(text)}\n`);
      return;
    }
    await installOnScreens(context, sourceNamed(context, text), text);
  },
};

async function installOnScreens(context: Context, source: InstallSource, text: string): Promise<void> {
  let parts: readonly string[] = [];
  if (source.kind === 'remote') {
    const remote = await context.during(`Asking ${source.url}`, () => openRemote(context.host, source.url));
    const part = await context.choose<Part>({
      title: `Parts of ${text}`,
      headings: ['PART', 'KIND', 'SOURCE'],
      items: partsOf(remote.state).map((each) => ({
        value: each,
        cells: [each.name, each.kind, sourceText(each.source)],
      })),
      empty: 'there are none',
    });
    if (!part) return;
    parts = [part.name];
  }
  await addOnScreens(context, `Installing ${text}`, source, parts);
}

/** Adds what a source has, and offers the new revision; one that would change nothing is not made. */
async function addOnScreens(
  context: Context,
  title: string,
  source: InstallSource,
  parts: readonly string[],
): Promise<void> {
  await drafted(context, async (draft) => {
    await context.during(title, (tell) => add(context, draft, source, parts, tell));
    const changes = await changesOf(context, draft);
    if (changes.length === 0) await context.read('Nothing to do', 'This is what runs already.');
    else if (await context.finish(draft, `${changes.join(', ')}.`)) return;
    await draft.discard();
  });
}

/** Where a part's newer version comes from. @throws Failure when the device cannot fetch it */
function newerOf(part: Part): InstallSource {
  const { name, source } = part;
  if (source.kind === 'docker') return noImages(source.name, name);
  const found = source.kind === 'unknown' ? undefined : readSource(source.url, () => false);
  if (found?.kind === 'remote') return { ...found, parts: found.parts.length > 0 ? found.parts : [name] };
  if (found?.kind === 'package' && source.kind === 'pvr') return found;
  throw new Failure('no-source', `cannot update ${name}: its src.json names nothing that this device can fetch`, {
    hint: `name a package or a device: pantabox update ${name} --from 192.168.1.20`,
  });
}

async function update(context: Context, draft: Draft, part: Part, from: string | undefined, tell: Tell): Promise<void> {
  const source = from === undefined ? newerOf(part) : sourceNamed(context, from);
  const parts = source.kind === 'remote' && source.parts.length > 0 ? source.parts : [part.name];
  await add(context, draft, source, parts, tell);
}

export const updateCommand: BoxCommand = {
  names: ['update'],
  summary: 'bring a part up to date from where it came from',
  about: `A part that was taken from a repository or another device ('pvr' in its src.json) is fetched from there again; --from names another place. An
image of a registry is fetched and packed at the workstation, with 'pvr app update'.`,
  arguments: [
    { name: 'part', optional: true, rest: true, help: 'parts of the running revision, also bsp', complete: 'part' },
  ],
  flags: [
    { names: ['from'], kind: 'text', value: 'source', help: "as of 'install'", complete: 'file' },
    ...revisionFlags,
  ],
  examples: [
    ['pantabox update web', 'from the URL in its src.json'],
    ['pantabox update bsp --from bsp.tgz', 'from a package'],
  ],
  async run(context, input) {
    if (input.values.length === 0) return context.ask(updateCommand, 'the part');
    const known = partsOf(await context.device.client.step('current'));
    const parts = input.values.map((name) => partNamed(known, name, 'the running revision'));
    return drafted(context, async (draft) => {
      for (const part of parts)
        await context.during(`Updating ${part.name}`, (tell) => update(context, draft, part, input.text('from'), tell));
      return commitChanges(context, draft, input, 'update');
    });
  },
  async screen(context) {
    const part = await context.choose<Part>({
      title: 'Update which part?',
      headings: ['PART', 'KIND', 'SOURCE'],
      items: partsOf(await context.device.client.step('current')).map((each) => ({
        value: each,
        cells: [each.name, each.kind, sourceText(each.source)],
      })),
    });
    if (!part) return;
    const { source } = part;
    const values = await context.fill({
      title: `Update ${part.name}`,
      about:
        source.kind === 'docker'
          ? `It was made of the image ${source.name}. At the workstation 'pvr app update ${part.name}' fetches and packs a newer one; here name a package or another device.`
          : 'A package, the address of another device, or a URL that pvr clones.',
      fields: [{ label: 'From', value: source.kind === 'pvr' ? source.url : '' }],
      check: ([text = '']) => (text.trim() === '' ? 'name it, or Esc' : undefined),
    });
    if (!values) return;
    const chosen = sourceNamed(context, values[0]!.trim());
    if (chosen.kind === 'image') {
      await context.read(
        'From an image',
        `${imageAdvice(chosen.name, source.kind === 'docker' ? part.name : partOfImage(chosen.name))}\n`,
      );
      return;
    }
    const parts = chosen.kind === 'remote' && chosen.parts.length > 0 ? chosen.parts : [part.name];
    await addOnScreens(context, `Updating ${part.name}`, chosen, parts);
  },
};
