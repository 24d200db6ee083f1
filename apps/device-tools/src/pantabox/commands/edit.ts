/** Editing files of a part and the configuration that is laid over its container. */
import { Failure } from '@pantavisor/cli/portable';
import { joined } from '@pantavisor/ctrl-api/portable';
import { type BoxCommand, type Context, commitAndRun, revisionFlags } from '../context.ts';
import { Draft } from '../draft.ts';
import { editText } from '../editor.ts';
import { type Part, partNamed, partsOf, sourceText } from '../parts.ts';

/** What is edited: files of a part, or its configuration. */
interface Place {
  /** Before every key. */
  prefix: string;
  title: string;
  part: Part;
  files: readonly string[];
  /** Files may come and go. */
  isOpen: boolean;
}

const binary = /\.(squashfs|img|hash|fit|dtb|ko|xz|gz|bin)$|(^|\/)(root\.squashfs\..*|kernel.*|pantavisor)$/;

function placeOf(part: Part, isConfig: boolean): Place {
  return isConfig
    ? {
        prefix: `_config/${part.name}`,
        title: `Configuration of ${part.name}`,
        part,
        files: part.configFiles,
        isOpen: true,
      }
    : {
        prefix: `${part.name}/`,
        title: `Files of ${part.name}`,
        part,
        files: part.files.filter((file) => !binary.test(file)),
        isOpen: false,
      };
}

const pathOf = (isConfig: boolean, path: string) => (isConfig && !path.startsWith('/') ? `/${path}` : path);

/** Paths that cannot be keys of a state. */
function checkPath(path: string): string | undefined {
  const steps = path.replace(/^\//, '').split('/');
  return steps.some((step) => step === '' || step === '.' || step === '..')
    ? 'name a file by its path in the container, e.g. /etc/app.conf'
    : undefined;
}

async function chooseFile(context: Context, place: Place, files: readonly string[], changed: ReadonlySet<string>) {
  return context.choose<string>({
    title: place.title,
    about: changed.size > 0 ? 'Changes are marked with a star; s makes a revision of them.' : 'Enter opens the editor.',
    items: files.map((file) => ({
      value: file,
      cells: [`${changed.has(file) ? '*' : ' '} ${file}`],
      styles: [changed.has(file) ? 'yellow' : undefined],
    })),
    letters: {
      ...(place.isOpen ? { n: { hint: 'new file', choose: () => '\0new' } } : {}),
      ...(place.isOpen && files.length > 0
        ? { d: { hint: 'delete', choose: (file: string | undefined) => file && `\0remove ${file}` } }
        : {}),
      ...(changed.size > 0 ? { s: { hint: 'save', choose: () => '\0save' } } : {}),
    },
    empty: 'no files yet: n makes one',
  });
}

/** Edits until the person saves or gives up. */
async function editOnScreens(context: Context, place: Place): Promise<void> {
  const draft = await Draft.begin(context.host, context.device);
  const changed = new Set<string>();
  let files = [...place.files];
  const edit = async (file: string) => {
    const key = `${place.prefix}${file}`;
    let text = (await draft.read(key)) ?? '';
    for (;;) {
      const after = await editText(context, file, text);
      if (after === undefined) return;
      try {
        await draft.write(key, after);
        changed.add(file);
        if (!files.includes(file)) files = [...files, file].sort();
        return;
      } catch (error) {
        // The text is not lost: the editor opens with it once more.
        await context.tellFailure(error);
        if (
          !(await context.confirm('Edit it again?', 'What you wrote is lost otherwise.', {
            yes: 'Again',
            isHarmless: true,
          }))
        )
          return;
        text = `${after} `;
      }
    }
  };
  try {
    for (;;) {
      const chosen = await chooseFile(context, place, files, changed);
      if (chosen === '\0save') {
        if (await context.finish(draft, summaryOf(place, changed))) return;
        continue;
      }
      if (chosen === undefined) {
        if (
          changed.size === 0 ||
          (await context.confirm('Throw the changes away?', [...changed].join(', '), { yes: 'Throw away' }))
        )
          break;
      } else if (chosen === '\0new') {
        const values = await context.fill({
          title: 'New file',
          about: 'Its path inside the container, where it takes the place of one that is there.',
          fields: [{ label: 'Path', value: '/etc/' }],
          check: ([path = '']) => checkPath(path),
        });
        if (values) await edit(pathOf(true, values[0]!.trim())).catch((error: unknown) => context.tellFailure(error));
      } else if (chosen.startsWith('\0remove ')) {
        const file = chosen.slice('\0remove '.length);
        await draft.remove(`${place.prefix}${file}`);
        files = files.filter((each) => each !== file);
        changed.add(file);
      } else await edit(chosen).catch((error: unknown) => context.tellFailure(error));
    }
  } catch (error) {
    await draft.discard();
    throw error;
  }
  await draft.discard();
}

function summaryOf({ part }: Place, changed: ReadonlySet<string>): string {
  return [
    `${part.name}: ${[...changed].sort().join(', ')}.`,
    ...(part.isSigned
      ? [
          'Its signature may not fit any more: a device that wants signatures refuses it. pvr sig add at the workstation signs.',
        ]
      : []),
    ...(part.name === 'pvr-sdk' ? ['The container you are in starts again: this session ends with it.'] : []),
  ].join(' ');
}

function editing(
  names: readonly string[],
  isConfig: boolean,
  words: Pick<BoxCommand, 'summary' | 'about' | 'examples'>,
): BoxCommand {
  const what = isConfig ? 'container' : 'part';
  const command: BoxCommand = {
    names,
    ...words,
    arguments: [
      { name: what, optional: true, help: 'part of the running revision', complete: 'part' },
      { name: 'path', optional: true, help: isConfig ? 'file inside the container' : 'file of the part' },
    ],
    flags: [
      {
        names: ['from', 'f'],
        kind: 'text',
        value: 'file',
        help: 'take the content from a file, or - for standard input',
        complete: 'file',
      },
      { names: ['print'], kind: 'boolean', help: 'print the file and change nothing' },
      ...(isConfig ? [{ names: ['remove'], kind: 'boolean' as const, help: 'remove the file' }] : []),
      ...revisionFlags,
    ],
    async run(context, input) {
      const [name, given] = input.values;
      if (name === undefined) return context.ask(command, `the ${what}`);
      const parts = partsOf(await context.device.client.step('current'));
      const part = partNamed(parts, name, 'the running revision');
      const place = placeOf(part, isConfig);
      if (given === undefined) {
        if (context.ui && !input.on('json')) {
          context.beginScreens();
          await editOnScreens(context, place);
          return undefined;
        }
        return { text: place.files.map((file) => `${file}\n`).join(''), json: place.files };
      }
      const path = pathOf(isConfig, given);
      const wrong = checkPath(path);
      if (wrong !== undefined) throw new Failure('usage', `cannot use the path ${given}`, { hint: wrong });
      const key = `${place.prefix}${path}`;
      const draft = await Draft.begin(context.host, context.device);
      try {
        const before = await draft.read(key).catch((error: unknown) => {
          // What is replaced as a whole need not be text.
          if (input.text('from') === undefined && !input.on('remove')) throw error;
          return '';
        });
        if (input.on('print')) {
          await draft.discard();
          if (before === undefined) throw missing(place, path);
          return { text: before, json: { path, content: before } };
        }
        const done = await change(context, draft, {
          key,
          path,
          before,
          from: input.text('from'),
          remove: input.on('remove'),
          place,
        });
        if (!done) {
          await draft.discard();
          return { text: 'nothing changed\n', json: { changed: false } };
        }
        return await commitAndRun(context, draft, input, `edit ${key}`);
      } catch (error) {
        await draft.discard();
        throw error;
      }
    },
    async screen(context) {
      const parts = partsOf(await context.device.client.step('current'));
      const part = await context.choose<Part>({
        title: isConfig ? 'Configuration of which container?' : 'Edit which part?',
        headings: ['PART', isConfig ? 'CONFIG FILES' : 'FILES', 'SOURCE'],
        items: parts
          .filter(({ kind }) => !isConfig || kind === 'container')
          .map((each) => ({
            value: each,
            cells: [each.name, String(isConfig ? each.configFiles.length : each.files.length), sourceText(each.source)],
          })),
        empty: 'this revision has none',
      });
      if (part) await editOnScreens(context, placeOf(part, isConfig));
    },
  };
  return command;
}

const missing = ({ part, files }: Place, path: string) =>
  new Failure('file-missing', `cannot find ${path} of ${part.name}`, {
    hint: files.length > 0 ? `there is ${files.join(', ')}` : 'it has no files; --from makes one',
  });

interface Change {
  key: string;
  path: string;
  before: string | undefined;
  from: string | undefined;
  remove: boolean;
  place: Place;
}

/** @returns whether anything changed */
async function change(
  context: Context,
  draft: Draft,
  { key, path, before, from, remove, place }: Change,
): Promise<boolean> {
  const { host } = context;
  if (remove) {
    if (before === undefined) throw missing(place, path);
    await draft.remove(key);
    return true;
  }
  if (from !== undefined) {
    const pieces: Uint8Array[] = [];
    const source = from === '-' ? host.stdin() : (await host.files.open(from).catch(unreadable(from))).pieces;
    for await (const piece of source) pieces.push(piece);
    await draft.write(key, joined(pieces));
    return true;
  }
  if (!context.ui)
    throw new Failure('usage', `cannot edit ${path}: this is no terminal`, {
      hint: '--from FILE or --from - gives the content',
    });
  if (before === undefined && !place.isOpen) throw missing(place, path);
  const after = await editText(context, path, before ?? '');
  if (after === undefined) return false;
  await draft.write(key, after);
  return true;
}

const unreadable =
  (path: string) =>
  (error: Error): never => {
    throw new Failure('file', `cannot read ${path}: ${error.message}`);
  };

export const edit = editing(['edit'], false, {
  summary: 'edit files of a part: run.json, src.json, lxc.container.conf',
  about: `The editor is VISUAL, EDITOR or vi. run.json says how the device runs the container, and is made anew from src.json whenever pvr updates it: lasting
changes belong into src.json, or at the workstation. A changed part is a new local revision, which the device tries.`,
  examples: [
    ['pantabox edit web run.json', 'in the editor, then tried by the device'],
    ['pantabox edit web run.json --print | jq .group', 'for scripts'],
  ],
});

export const editConfig = editing(['edit-config'], true, {
  summary: 'edit files laid over a container (_config)',
  about: `Files below _config/<container>/ of the state take the place of those in the container, without touching its image. The editor is VISUAL,
EDITOR or vi; --from and --remove do without. A change is a new local revision, which the device tries; it goes back when that does not hold.`,
  examples: [
    ['pantabox edit-config web', 'lists the files, edits, adds and removes them'],
    ['pantabox edit-config web /etc/app.conf --from app.conf', 'from a file, for scripts'],
    ['pantabox edit-config web /etc/app.conf --remove', 'the file of the image shows again'],
  ],
});
