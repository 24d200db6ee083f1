/** `pantahub backup`, `restore`, `fsck` and `gc`. */
import { type CommandSpec, Failure, requireWords } from '@pantavisor/cli';
import type { Finding } from '../operator/check.ts';
import type { Pantahub } from './program.ts';

const archive = { name: 'file', help: 'tar archive', complete: 'file' } as const;

const backup: CommandSpec<Pantahub> = {
  names: ['backup'],
  summary: 'write everything (database and blobs) into one tar archive; the hub may be running',
  arguments: [archive],
  examples: [['pantahub --data ./hub backup hub.tar', 'the database as of one moment, and the blobs it names']],
  async run({ withHub }, input) {
    const [file] = requireWords(input, 'pantahub backup', ['file']);
    const { backUp } = await import('./backup.ts');
    const copied = await withHub((hub) => backUp(hub, file));
    return { text: `${file}: ${copied.rows} rows, ${copied.blobs} blobs\n`, json: { file, ...copied } };
  },
};

const restoring: CommandSpec<Pantahub> = {
  names: ['restore'],
  summary: 'read a backup into an empty hub, also of another kind of database or blob store',
  arguments: [archive],
  examples: [
    ['pantahub --data ./new restore hub.tar', 'into another folder'],
    ['pantahub --database postgres://hub@db/hub restore hub.tar', 'the way from SQLite to PostgreSQL'],
  ],
  async run({ withHub }, input) {
    const [file] = requireWords(input, 'pantahub restore', ['file']);
    const { restore } = await import('./backup.ts');
    const copied = await withHub((hub) => restore(hub, file));
    return { text: `restored ${copied.rows} rows and ${copied.blobs} blobs\n`, json: { file, ...copied } };
  },
};

const check: CommandSpec<Pantahub> = {
  names: ['fsck'],
  summary: 'read every blob and compare it with its record',
  about: `Damage ends with exit code 4, unless it is repaired.`,
  flags: [
    {
      names: ['repair'],
      kind: 'boolean',
      help: 'mark what is missing or damaged as not uploaded, so that clients upload it again',
    },
  ],
  examples: [['pantahub --data ./hub fsck --repair', 'the next client that has the content uploads it']],
  async run({ withHub, terminal }, input) {
    const { checkBlobs } = await import('../operator/check.ts');
    const repair = input.on('repair');
    const found: Finding[] = [];
    const { checked, findings } = await withHub((hub) =>
      checkBlobs(hub, repair, (finding) => {
        found.push(finding);
        // Reading everything takes long: what is wrong is said at once.
        if (!input.on('json'))
          terminal.stdout.write(`${finding.storageId} ${finding.problem}${finding.repaired ? ' (repaired)' : ''}\n`);
      }),
    );
    const summary = `${checked} blobs checked, ${findings} findings\n`;
    if (findings > 0 && !repair)
      throw new Failure('damaged', `cannot vouch for the blobs: ${summary.trimEnd()}`, {
        exitCode: 4,
        hint: 'with --repair, clients upload them again; a backup has them, too',
        details: found,
      });
    return { text: summary, json: { checked, findings: found } };
  },
};

const garbage: CommandSpec<Pantahub> = {
  names: ['gc'],
  summary: 'mark unclaimed devices and remove garbage that is older than the grace time',
  examples: [['pantahub --data ./hub gc', 'prints how much of what was removed']],
  async run({ withHub }) {
    const { collectGarbage } = await import('../operator/garbage.ts');
    const json = await withHub(collectGarbage);
    return { text: `${JSON.stringify(json)}\n`, json };
  },
};

export const storageCommands: readonly CommandSpec<Pantahub>[] = [backup, restoring, check, garbage];
