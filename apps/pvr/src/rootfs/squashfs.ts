/** Writes and reads squashfs images with squashfs-tools. The same tree always gives the same bytes. */
import { spawn } from 'node:child_process';
import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Failure } from '@pantavisor/cli';
import { writeTar } from './tar-writer.ts';
import { type Inode, RootTree } from './tree.ts';

/** Compression and block size when an app does not choose its own. */
export const defaultFormat = '-comp zstd';

/**
 * Packs a tree.
 * @param format options of mksquashfs, separated by blanks; `-e` and what follows are names to leave out
 * @throws Failure `squashfs-failed`, `tool-missing`
 */
export async function writeSquashfs(tree: RootTree, target: string, format = defaultFormat): Promise<void> {
  const words = format.split(' ').filter((word) => word !== '');
  const excludes = words.indexOf('-e');
  if (excludes >= 0) for (const name of words.slice(excludes + 1)) tree.remove(name);
  const options = excludes >= 0 ? words.slice(0, excludes) : words;
  const temporary = `${target}.new`;
  await rm(temporary, { force: true });
  const fixed = ['-root-mode', '0755', '-no-progress', '-quiet', '-exit-on-error'];
  // The root of a tar has no time of its own, and tools put in that of the day. Nothing may be younger than the youngest file.
  const newest = Array.from(tree.entries(), ([, { inode }]) => inode.mtime).reduce((a, b) => Math.max(a, b), 0);
  const environment = options.some((word) => /-(mkfs|all|fs)-?time/.test(word))
    ? {}
    : { SOURCE_DATE_EPOCH: String(newest) };
  try {
    await run(
      'sqfstar',
      [...options, ...fixed, temporary],
      Readable.from(writeTar(tree), { objectMode: false, highWaterMark: 1024 * 1024 }),
      environment,
    );
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function run(
  program: string,
  args: readonly string[],
  input?: Readable,
  environment: NodeJS.ProcessEnv = {},
): Promise<void> {
  const child = spawn(program, args, {
    stdio: [input ? 'pipe' : 'ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...environment },
  });
  let said = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4000);
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const fed = input ? pipeline(input, child.stdin!) : Promise.resolve();
  const [code, feeding] = await Promise.allSettled([ended, fed]);
  if (code.status === 'rejected') {
    const cause = code.reason as NodeJS.ErrnoException;
    throw new Failure('tool-missing', `cannot run ${program}: ${cause.message}`, {
      cause,
      exitCode: 3,
      hint: 'install squashfs-tools 4.5 or later',
    });
  }
  // The reader's failure says more than that the pipe broke.
  if (feeding.status === 'rejected' && (feeding.reason as NodeJS.ErrnoException).code !== 'EPIPE') throw feeding.reason;
  if (code.value !== 0) {
    const noSpace = /No space left/.test(said);
    throw new Failure(
      noSpace ? 'no-space' : 'squashfs-failed',
      `cannot write the image: ${program} said ${said.trim() || `exit code ${code.value}`}`,
      {
        exitCode: 3,
      },
    );
  }
}

const dataMark = '# START OF DATA - DO NOT MODIFY\n#\n';

/**
 * Reads an image as a tree.
 * @param scratch file that takes the contents; the tree refers to it
 */
export async function readSquashfs(image: string, scratch: string): Promise<RootTree> {
  await rm(scratch, { force: true });
  await run('unsquashfs', ['-no-progress', '-pf', scratch, image]);
  const { text, dataAt } = await readDefinitions(scratch);
  const tree = new RootTree();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const [name = '', kind = '', ...rest] = splitLine(line);
    if (kind === 'L') {
      tree.link(name, rest.join(' '));
      continue;
    }
    const [mtime = '0', mode = '0', uid = '0', gid = '0', ...more] = rest;
    const common = {
      mode: Number.parseInt(mode, 8),
      uid: Number(uid),
      gid: Number(gid),
      mtime: Number(mtime),
      size: 0,
    };
    const inode = specific(common, kind, more, scratch, dataAt);
    if (inode) tree.put(name, inode);
  }
  return tree;
}

function specific(
  common: Omit<Inode, 'type'>,
  kind: string,
  more: readonly string[],
  path: string,
  dataAt: number,
): Inode | undefined {
  switch (kind) {
    case 'D':
      return { ...common, type: 'directory' };
    case 'R':
      return { ...common, type: 'file', size: Number(more[0]), content: { path, offset: dataAt + Number(more[1]) } };
    case 'S':
      return { ...common, type: 'symlink', target: more.join(' ') };
    case 'C':
    case 'B':
      return { ...common, type: kind === 'C' ? 'character' : 'block', major: Number(more[0]), minor: Number(more[1]) };
    case 'I':
      return more[0] === 'f' ? { ...common, type: 'fifo' } : undefined;
    default:
      return undefined;
  }
}

async function readDefinitions(path: string): Promise<{ text: string; dataAt: number }> {
  let text = Buffer.alloc(0);
  for await (const piece of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    text = Buffer.concat([text, piece as Buffer]);
    const at = text.indexOf(dataMark);
    if (at >= 0) return { text: text.toString('utf8', 0, at), dataAt: at + dataMark.length };
  }
  return { text: text.toString('utf8'), dataAt: text.length };
}

/** Blanks and backslashes inside of names are written with a backslash before them. */
function splitLine(line: string): string[] {
  return (line.match(/(?:\\.|[^ \\])+/gs) ?? []).map((word) => word.replace(/\\(.)/gs, '$1'));
}

/** The bytes of a file of a tree, for comparing. */
export function sameContent(a: Inode, b: Inode): boolean {
  if (a.size !== b.size) return false;
  if (!a.content || !b.content) return a.size === 0;
  const files = [a.content, b.content].map(({ path }) => openSync(path, 'r'));
  try {
    const pieces = [Buffer.alloc(65_536), Buffer.alloc(65_536)];
    for (let at = 0; at < a.size; at += 65_536) {
      const length = Math.min(65_536, a.size - at);
      readSync(files[0]!, pieces[0]!, 0, length, a.content.offset + at);
      readSync(files[1]!, pieces[1]!, 0, length, b.content.offset + at);
      if (Buffer.compare(pieces[0]!.subarray(0, length), pieces[1]!.subarray(0, length)) !== 0) return false;
    }
    return true;
  } finally {
    for (const file of files) closeSync(file);
  }
}
