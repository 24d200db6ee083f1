/** Commands over a repository on this machine. */
import type { CommandSpec } from '@pantavisor/cli';
import { Failure, requireWords } from '@pantavisor/cli';
import type { Pvr } from '../context.ts';
import { nothingToSay } from './results.ts';

type Command = CommandSpec<Pvr>;

const init: Command = {
  names: ['init', 'i'],
  summary: 'make a repository of the working directory',
  flags: [
    {
      names: ['objects', 'o', 'objects-dir'],
      kind: 'text',
      value: 'directory',
      env: ['PVR_OBJECTS_DIR'],
      help: 'where objects are kept; default: objects/ of the config directory, shared by all repositories',
      complete: 'file',
    },
    {
      names: ['spec', 's'],
      kind: 'text',
      value: 'spec',
      help: 'format of the state',
      fallback: 'pantavisor-service-system@1',
    },
  ],
  examples: [['pvr init && pvr add . && pvr commit', 'take the files of a directory under version control']],
  async run(pvr, input) {
    const { Repository } = await import('../repository/repository.ts');
    const { objectsOption } = await import('./options.ts');
    try {
      const repository = Repository.init(pvr.directory, input.text('spec')!, objectsOption(pvr, input));
      return { text: '', json: { root: repository.root } };
    } catch (error) {
      // The original says nothing and succeeds; scripts run init again and again.
      if (!(error instanceof Failure) || error.code !== 'already-repository') throw error;
      pvr.note(error.message);
      return { text: '', json: { root: pvr.directory, existed: true } };
    }
  },
};

const add: Command = {
  names: ['add', 'a'],
  summary: 'take files under the care of the repository',
  about:
    'Without arguments, or with ".", all files; a directory means all files below it. In patterns, * does not cross a slash.\nA .json file becomes part of the state document itself, without its formatting; --raw keeps its bytes. Directories, modes\nand owners are not recorded, so empty directories vanish. The content of a link to a file is recorded, not the link.',
  arguments: [{ name: 'file', optional: true, rest: true, help: 'files, directories or patterns', complete: 'file' }],
  flags: [
    { names: ['raw', 'r'], kind: 'boolean', env: ['PVR_ADD_RAW'], help: 'keep .json files as they are, as objects' },
  ],
  examples: [
    ['pvr add .', 'everything'],
    ["pvr add 'app/*.conf'", 'files of one directory'],
  ],
  async run(pvr, input) {
    const { addFiles } = await import('../repository/add.ts');
    const outcome = await addFiles(pvr.repository(), input.values, { raw: input.on('raw'), directory: pvr.directory });
    for (const note of outcome.notes) pvr.note(note);
    return { text: '', json: outcome };
  },
};

const status: Command = {
  names: ['status', 's'],
  summary: 'show what differs from the committed state',
  about: 'A: added, D: removed, C: changed, ?: not added yet. Files that are as they were are not read again.',
  arguments: [{ name: 'ignored', optional: true, rest: true, help: 'for compatibility' }],
  async run(pvr) {
    const { takeSnapshot } = await import('../repository/working-tree.ts');
    const { changes, nulls } = await takeSnapshot(pvr.repository());
    const section = (letter: string, keys: readonly string[]): string =>
      keys.map((key) => `${letter} ${key}\n`).join('');
    const sorted = Object.fromEntries(
      Object.entries(changes).map(([kind, keys]) => [kind, keys.toSorted()]),
    ) as typeof changes;
    warnOfNulls(pvr, nulls);
    return {
      text:
        section('A', sorted.added) +
        section('D', sorted.removed) +
        section('C', sorted.changed) +
        section('?', sorted.untracked),
      json: sorted,
    };
  },
};

const diff: Command = {
  names: ['diff', 'd'],
  summary: 'show the changes as a JSON merge patch (RFC 7386)',
  arguments: [{ name: 'ignored', optional: true, rest: true, help: 'for compatibility' }],
  async run(pvr) {
    const { takeSnapshot } = await import('../repository/working-tree.ts');
    const { diffNodes } = await import('../repository/patch.ts');
    const { nodeOf, prettyText, writeStateDocument } = await import('../repository/values.ts');
    const { canonicalJson } = await import('@pantavisor/state');
    const { pristine, working } = await takeSnapshot(pvr.repository());
    const patch = diffNodes(nodeOf(writeStateDocument(pristine)), nodeOf(writeStateDocument(working)));
    const text = patch ? canonicalJson(patch) : '{}';
    return { text: `${prettyText(text, '\t', true)}\n`, json: { raw: text } };
  },
};

const commit: Command = {
  names: ['commit', 'ci'],
  summary: 'make the changes part of the committed state',
  flags: [
    {
      names: ['message', 'm'],
      kind: 'text',
      value: 'text',
      help: 'what the change is about',
      fallback: '** No commit message **',
    },
    {
      names: ['checkpoint', 'c'],
      kind: 'boolean',
      help: 'write and add checkpoint.json, so that the revision differs in any case',
    },
  ],
  examples: [['pvr commit -m "new web server"', 'commit all changed files; new ones must be added first']],
  async run(pvr, input) {
    const { commit: makeCommit, writeCheckpoint } = await import('../repository/commit.ts');
    const repository = pvr.repository();
    if (input.on('checkpoint')) await writeCheckpoint(repository, new Date());
    const { changes, nulls } = await makeCommit(repository, input.text('message')!);
    warnOfNulls(pvr, nulls);
    for (const { key, path, change, value } of changes) {
      if (change === 'removed') pvr.note(`Removing ${key}`);
      else if (value?.kind === 'inline')
        pvr.note(change === 'added' ? `Adding inline ${key}` : `Committing (inline): ${path}`);
      else pvr.note(change === 'added' ? `Adding raw ${path} with ${value?.sha}` : `Committing (raw): ${path}`);
    }
    return { text: '', json: { changes: changes.map(({ key, change }) => ({ key, change })), nulls } };
  },
};

const reset: Command = {
  names: ['reset', 'r', 'checkout', 'co'],
  summary: 'write the committed state over the working tree',
  about:
    'Every object is checked against its SHA-256. Files that the state does not have stay. What was added is forgotten.',
  flags: [
    { names: ['hardlink', 'hl'], kind: 'boolean', help: 'link objects, read-only, instead of copying them' },
    {
      names: ['canonical', 'c'],
      kind: 'boolean',
      env: ['PVR_CANONICAL_JSON'],
      help: 'write .json files in canonical form',
    },
  ],
  async run(pvr, input) {
    const { checkout } = await import('../repository/checkout.ts');
    const written = await checkout(pvr.repository(), {
      hardlink: input.on('hardlink'),
      canonical: input.on('canonical'),
    });
    return { text: '', json: { written } };
  },
};

const json: Command = {
  names: ['json', 'j'],
  summary: 'print the state of the working tree',
  flags: [{ names: ['canonical', 'c'], kind: 'boolean', help: 'in canonical form, on one line' }],
  async run(pvr, input) {
    const { takeSnapshot } = await import('../repository/working-tree.ts');
    const { prettyText, writeStateDocument } = await import('../repository/values.ts');
    const text = writeStateDocument((await takeSnapshot(pvr.repository())).working);
    return { text: `${input.on('canonical') ? text : prettyText(text, '\t')}\n`, json: { raw: text } };
  },
};

const exportCommand: Command = {
  names: ['export'],
  summary: 'write the committed state and its objects into one file',
  about:
    "Compressed when the name ends in .gz or .tgz; '-' writes a plain tar to standard output. The same state gives the same bytes.",
  arguments: [{ name: 'file', help: 'file to write', complete: 'file' }],
  flags: [
    {
      names: ['parts', 'p'],
      kind: 'list',
      value: 'a,b',
      help: 'only these parts; _sigs/<part>.json and _config/<part> must be named too',
    },
  ],
  examples: [
    ['pvr export device.tgz', 'the whole state'],
    ['pvr export -p web,_sigs/web.json web.tgz', 'one signed container'],
  ],
  async run(pvr, input) {
    const { exportState, filterParts } = await import('../archive/export.ts');
    const { resolve } = await import('node:path');
    const repository = pvr.repository();
    const [file] = requireWords(input, 'pvr export', ['file'], 1);
    const parts = input
      .list('parts')
      .flatMap((part) => part.split(','))
      .filter((part) => part !== '');
    const state = filterParts(repository.readState(), parts);
    if (file === '-') {
      await exportState(state, repository.objects, process.stdout);
      return undefined;
    }
    const objects = await exportState(state, repository.objects, resolve(pvr.directory, file));
    return { text: '', json: { file, objects } };
  },
};

const importCommand: Command = {
  names: ['import'],
  summary: 'replace the committed state by that of an export',
  about: 'Each object is checked against its name. The working tree stays as it is until the next checkout.',
  arguments: [{ name: 'file', help: 'what pvr export wrote', complete: 'file' }],
  async run(pvr, input) {
    const { readExport } = await import('../archive/import.ts');
    const { checkKey } = await import('../repository/values.ts');
    const { resolve } = await import('node:path');
    const [file] = requireWords(input, 'pvr import', ['file'], 1);
    const repository = pvr.repository();
    const outcome = await repository.change(async () => {
      const found = await readExport(resolve(pvr.directory, file), repository.objects);
      for (const key of found.state.values.keys()) checkKey(key);
      repository.writeState(found.state);
      return found;
    });
    for (const name of outcome.ignored) pvr.note(`ignored ${name}: it is neither the state nor an object`);
    const { added, known } = outcome;
    return { text: `Imported ${file}\n\nRun pvr checkout to update the working tree\n`, json: { file, added, known } };
  },
};

const globalConfig: Command = {
  names: ['global-config'],
  summary: 'show or change the settings of this user',
  arguments: [{ name: 'key=value', optional: true, rest: true, help: 'Spec, AutoUpgrade or DistributionTag' }],
  async run(pvr, input) {
    const { changeGlobalConfig } = await import('./global-config.ts');
    const config = changeGlobalConfig(pvr.configDirectory, input.values);
    return { text: `${JSON.stringify(config, null, 4)}\n`, json: config };
  },
};

const selfUpgrade: Command = {
  names: ['self-upgrade'],
  summary: 'for compatibility: this pvr is upgraded with its package',
  hidden: true,
  run: async (pvr) => {
    pvr.note('pvr does not upgrade itself; upgrade the package that it came with.');
    return nothingToSay;
  },
};

function warnOfNulls(pvr: Pvr, nulls: readonly string[]): void {
  for (const key of nulls) pvr.note(`warning: ${key} holds null, which no state can keep; it is left out`);
}

export const repositoryCommands: readonly Command[] = [
  init,
  add,
  json,
  status,
  diff,
  commit,
  reset,
  exportCommand,
  importCommand,
];
export const settingCommands: readonly Command[] = [globalConfig, selfUpgrade];
