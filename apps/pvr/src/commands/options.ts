/** Options that several commands understand in the same way. */
import { join, resolve } from 'node:path';
import type { Input } from '@pantavisor/cli';
import type { Pvr } from '../context.ts';
import { type Reference, readReference } from '../reference.ts';

/** Directory of the objects of a new repository: absolute, by default the pool of the user. */
export function objectsOption(pvr: Pvr, input: Input): string {
  const given = input.text('objects');
  return given === undefined || given === '' ? join(pvr.configDirectory, 'objects') : resolve(pvr.directory, given);
}

export function referenceOf(pvr: Pvr, text: string): Reference {
  return readReference(text, pvr.directory, pvr.cloneUrl);
}
