/** Verbs about what is stored: objects, steps, the storage itself. */
import { type Cell, createProgressBar, formatBytes } from '@pantavisor/cli/output';
import type { GarbageJson, ObjectJson, ProgressJson, StepJson } from '@pantavisor/ctrl-api';
import { exitCodes } from './exit-codes.ts';
import { progressStyles } from './progress-styles.ts';
import { Failure, type Session, type Table } from './session.ts';
import type { Argument, VerbGroup } from './verb.ts';

/** Milliseconds without a byte after which an upload is given up; a slow flash may sync for long. */
const uploadTimeout = 600_000;
const text = (value: string): Cell => ({ text: value });

const sha: Argument = {
  name: 'sha256',
  kind: 'object',
  help: 'name of the object: SHA-256 of its content, 64 hex digits',
};
const revision: Argument = { name: 'revision', kind: 'revision', help: 'revision, e.g. 0 or locals/x' };
const path: Argument = { name: 'path', kind: 'path', help: 'file on this machine' };

const objectTable = (entries: ObjectJson[]): Table => ({
  headings: ['SHA256', 'SIZE'],
  empty: 'no objects',
  rows: entries.map(({ sha256, size }) => [text(sha256), { text: formatBytes(Number(size)), right: true }]),
});

const statusCell = (status: string): Cell => {
  const style = progressStyles[status];
  return style ? { text: status, style } : text(status);
};

const stepTable = (entries: StepJson[]): Table => ({
  headings: ['REVISION', 'DATE', 'STATUS', 'COMMIT MESSAGE', 'DETAIL'],
  empty: 'no revisions',
  rows: entries.map(({ name, date, commitmsg, progress }) => [
    text(name),
    text(date.replace('T', ' ').replace('Z', '')),
    statusCell('status' in progress ? progress.status : '-'),
    text(commitmsg || '-'),
    text(('status-msg' in progress && progress['status-msg']) || '-'),
  ]),
});

const progressTable = (value: ProgressJson): Table => ({
  headings: ['STATUS', 'PROGRESS', 'RETRIES', 'DETAIL'],
  rows: [
    [
      statusCell(value.status),
      { text: `${value.progress} %`, right: true },
      { text: String(value.retries), right: true },
      text(value['status-msg'] ?? '-'),
    ],
  ],
});

function unreadable(file: string, error: unknown): Failure {
  const reason = error instanceof Error ? error.message : String(error);
  return new Failure(exitCodes.failed.code, { stderr: `pvcontrol: cannot read ${file}: ${reason}\n` });
}

/** A file, or `-<size>` for so many bytes of standard input. */
async function openUpload(
  session: Session,
  file: string,
): Promise<{ size: number; pieces: AsyncIterable<Uint8Array> }> {
  const announced = /^-([0-9]+)$/.exec(file);
  if (announced) return { size: Number(announced[1]), pieces: session.host.stdin() };
  try {
    return await session.host.files.open(file);
  } catch (error) {
    throw unreadable(file, error);
  }
}

/** Hashing and unpacking are loaded only when they are needed: most runs are over before that would be. */
const archives = () => import('./step-archive.ts');

async function sha256Of(session: Session, file: string): Promise<string> {
  const { sha256OfFile } = await archives();
  return sha256OfFile(session.host, file).catch((error: unknown) => {
    throw unreadable(file, error);
  });
}

async function upload(
  session: Session,
  target: string,
  label: string,
  body: { size: number; pieces: AsyncIterable<Uint8Array> },
): Promise<string> {
  const bar = createProgressBar(session.stderr, label, body.size);
  let before = 0;
  const onSent = (total: number) => {
    bar.add(total - before);
    before = total;
  };
  try {
    const response = await session.request('PUT', target, { body, timeout: uploadTimeout, onSent });
    return await response.text();
  } finally {
    bar.end();
  }
}

const objects: VerbGroup = {
  names: ['objects', 'object'],
  summary: 'list, upload and download objects',
  verbs: [
    {
      names: ['ls', 'list'],
      summary: 'list stored objects',
      examples: [['pvcontrol objects ls', 'names and sizes']],
      run: async (session) => session.printList(await session.text('GET', '/objects'), objectTable),
    },
    {
      names: ['put'],
      arguments: [
        { ...path, help: 'file on this machine, or -SIZE for SIZE bytes of standard input' },
        { ...sha, optional: true, help: 'SHA-256 of the content; of a file it can be left out' },
      ],
      summary: 'upload an object',
      examples: [
        ['pvcontrol objects put root.squashfs', 'reckons the name from the content'],
        ['pvcontrol objects put -10000 2c31…9d72 < part', '10000 bytes of standard input'],
      ],
      run: async (session, [file = '', name]) => {
        const body = await openUpload(session, file);
        if (name === undefined && file.startsWith('-'))
          throw new Failure(exitCodes.failed.code, {
            stderr: 'pvcontrol: standard input needs the SHA-256 as second argument\n',
          });
        const id = name ?? (await sha256Of(session, file));
        const answer = await upload(session, `/objects/${id}`, file, body);
        await session.printDone(answer, `${id}: stored, ${formatBytes(body.size)}`);
      },
    },
    {
      names: ['get'],
      arguments: [sha],
      summary: 'download an object to standard output',
      examples: [['pvcontrol -f root.squashfs objects get 2c31…9d72', 'into a file']],
      run: async (session, [name = '']) => {
        if (session.host.stdout.isTTY && session.options.file === undefined)
          throw new Failure(exitCodes.failed.code, {
            stderr: 'pvcontrol: an object is not for a terminal: redirect the output or name a file with -f\n',
          });
        await session.pour((await session.request('GET', `/objects/${name}`)).body);
      },
    },
  ],
};

async function putStep(session: Session, name: string, state: string): Promise<string> {
  const answer = await session.text('PUT', `/steps/${name}`, state);
  const { message } = session.options;
  if (message !== undefined) await session.text('PUT', `/steps/${name}/commitmsg`, message);
  return answer;
}

async function install(session: Session, archive: string, given: string | undefined): Promise<void> {
  if (!/\.(tgz|tar\.gz|tar)$/.test(archive))
    throw new Failure(exitCodes.failed.code, {
      stdout: 'ERROR: unkwnown file format\n',
      stderr: `pvcontrol: ${archive} is no .tgz, .tar.gz or .tar\n`,
    });
  const listed = session.parse<ObjectJson[]>(await session.text('GET', '/objects'));
  const present = new Set(listed.map(({ sha256 }) => sha256));
  const { readStepArchive } = await archives();
  const result = await readStepArchive(session.host, archive, async ({ sha256, size, pieces }) => {
    if (present.has(sha256)) return;
    await upload(session, `/objects/${sha256}`, sha256.slice(0, 12), { size, pieces });
    present.add(sha256);
  }).catch((error: unknown) => {
    throw error instanceof Failure ? error : unreadable(archive, error);
  });
  if (result.state === undefined || result.objects === 0)
    throw new Failure(exitCodes.failed.code, { stderr: `pvcontrol: ${archive} has no json or no objects in it\n` });
  const name = given ?? `locals/${result.sha256}`;
  const steps = session.parse<StepJson[]>(await session.text('GET', '/steps'));
  if (!steps.some((step) => step.name === name)) await putStep(session, name, result.state);
  await session.print(JSON.stringify({ revision: name }));
  if (session.isHuman) await session.print(`installed; run it with 'pvcontrol cmd run ${name}'`);
}

const steps: VerbGroup = {
  names: ['steps', 'step'],
  summary: 'list, upload and look into revisions',
  verbs: [
    {
      names: ['ls', 'list'],
      summary: 'list stored revisions with their progress',
      examples: [['pvcontrol steps ls', 'revisions, newest state of each']],
      run: async (session) => session.printList(await session.text('GET', '/steps'), stepTable),
    },
    {
      names: ['get'],
      arguments: [revision],
      summary: 'show the state of a revision',
      examples: [
        ['pvcontrol steps get current', 'the running one'],
        ['pvcontrol -f state.json steps get locals/x', 'byte for byte into a file'],
      ],
      run: async (session, [name = '']) => session.printJson(await session.text('GET', `/steps/${name}`)),
    },
    {
      names: ['put'],
      arguments: [path, { ...revision, help: 'name to store it under, locals/ and up to 64 characters' }],
      summary: 'upload a state as a local revision; its objects must be there before it can run',
      examples: [['pvcontrol -m "try the new kernel" steps put state.json locals/x', 'stores it, does not run it']],
      run: async (session, [file = '', name = '']) => {
        const state = await session.host.files.readText(file).catch((error: unknown) => {
          throw unreadable(file, error);
        });
        await session.printDone(
          await putStep(session, name, state),
          `${name}: stored; run it with 'pvcontrol cmd run ${name}'`,
        );
      },
    },
    {
      names: ['install'],
      arguments: [
        { ...path, help: 'archive made by pvr export' },
        { ...revision, optional: true, help: 'name; default: locals/ and the SHA-256 of the archive' },
      ],
      summary: 'upload an archive: its objects that are missing, then its state',
      examples: [['pvcontrol -m "from CI" steps install app.tgz locals/app-7', 'prints the name of the revision']],
      run: async (session, [archive = '', name]) => install(session, archive, name),
    },
    {
      names: ['show-progress'],
      arguments: [revision],
      summary: 'show how far a revision is',
      examples: [['pvcontrol steps show-progress locals/x', 'its status and message']],
      run: async (session, [name = '']) =>
        session.printList(await session.text('GET', `/steps/${name}/progress`), progressTable),
    },
  ],
};

const storage: VerbGroup = {
  names: ['storage'],
  summary: 'look after the storage of the device',
  verbs: [
    {
      names: ['gc'],
      summary: 'remove revisions and objects that nothing needs',
      examples: [['pvcontrol storage gc', 'says how much that freed']],
      run: async (session) => {
        const body = await session.text('POST', '/storage/gc');
        if (!session.isHuman) return session.print(body);
        const { reclaimed } = session.parse<GarbageJson>(body);
        return session.print(`${formatBytes(reclaimed)} freed`);
      },
    },
  ],
};

export const storageVerbs: readonly VerbGroup[] = [objects, steps, storage];
