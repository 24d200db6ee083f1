/** The list of revisions as `GET /steps` gives it (storage.md §5, control.md §5). */
import { parseProgress, progressText } from '@pantavisor/engine';
import type { Files } from '../host/ports.ts';
import { readIfThere } from './durable.ts';
import type { StorageLayout } from './layout.ts';
import { progressLimit } from './progress.ts';
import { listRevisions } from './revisions.ts';

export interface StepEntry {
  name: string;
  /** When the revision's directory changed last, Unix time in milliseconds. */
  modified: number;
  /** Empty when there is none or it is longer than the list takes. */
  commitMessage: string;
  /** JSON text of the progress, `{}` when there is none. */
  progress: string;
}

/** The list carries messages and progress up to this size, in bytes. */
const entryLimit = 512;

/**
 * Progress for the list. The original gives `{}` for a file above the limit, and so hides why a revision failed; here the
 * log lines are left out instead.
 */
function listedProgress(text: string | undefined): string {
  const progress = text === undefined ? undefined : parseProgress(text);
  if (text === undefined || progress === undefined) return '{}';
  if (text.length <= entryLimit) return text;
  const short = progressText(progress);
  return short.length <= entryLimit ? short : '{}';
}

/** Everything that the list of steps needs: revisions of the Hub first, then local ones, each in string order. */
export async function listSteps(files: Files, layout: StorageLayout): Promise<StepEntry[]> {
  const entries: StepEntry[] = [];
  for (const name of await listRevisions(files, layout)) {
    const paths = layout.revision(name);
    const status = await files.status(paths.directory);
    if (status === undefined) continue;
    entries.push({
      name,
      modified: status.modified,
      commitMessage: (await readIfThere(files, paths.commitMessage, entryLimit)) ?? '',
      progress: listedProgress(await readIfThere(files, paths.progress, progressLimit)),
    });
  }
  return entries;
}

function escapeMessage(text: string): string {
  return text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what has to be escaped
    /["\\\u0000-\u001f]/g,
    (character) => `\\u00${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

/** Local time in the form that the original prints, which ends in Z all the same. */
function formatDate(unixMilliseconds: number): string {
  const date = new Date(unixMilliseconds);
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}Z`;
}

/** Body of `GET /steps`, with blanks exactly where clients of the original find them. */
export function formatSteps(entries: readonly StepEntry[]): string {
  const texts = entries.map(
    ({ name, modified, commitMessage, progress }) =>
      `{"name":"${escapeMessage(name)}", "date":"${formatDate(modified)}", ` +
      `"commitmsg":"${escapeMessage(commitMessage)}", "progress":${progress}}`,
  );
  return `[${texts.join(',')}]`;
}
