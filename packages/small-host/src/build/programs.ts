/** JavaScript programs as C data: compressed, in a table that the C host looks the name of the executable up in (native/programs.h). */
import { deflateSync } from 'node:zlib';

/** A script, not a module, that sets `machine.turn`. */
export interface LinkedProgram {
  /** How it is called in stack traces, e.g. `pantavisor.js`. */
  file: string;
  /** Names of the executable that start it; none for the program that every other name starts. */
  names: readonly string[];
  text: string;
}

/**
 * C source of the table.
 * @throws Error unless exactly one program is for every other name, or when a name cannot be one of a file
 */
export function programSource(programs: readonly LinkedProgram[]): string {
  const named = programs.filter(({ names }) => names.length > 0);
  const rest = programs.filter(({ names }) => names.length === 0);
  if (rest.length !== 1) throw new Error('cannot link the programs: exactly one is for every other name');
  const wrong = named.flatMap(({ names }) => names).find((name) => !/^[a-z][a-z0-9-]*$/.test(name));
  if (wrong !== undefined) throw new Error(`cannot link a program for the name ${JSON.stringify(wrong)}`);
  const texts: string[] = [];
  const entries: string[] = [];
  for (const [index, { file, names, text }] of [...named, ...rest].entries()) {
    const bytes = Buffer.from(text, 'utf8');
    const packed = deflateSync(bytes, { level: 9 });
    texts.push(`static const unsigned char packed_${index}[] = {\n${rows(packed)}};\n`);
    const list = names.map((name) => ` ${name} `).join('');
    entries.push(`  {"${file}", "${list}", packed_${index}, ${bytes.length}, ${packed.length}},\n`);
  }
  return `#include "programs.h"\n${texts.join('')}const struct program programs[] = {\n${entries.join('')}  {0}};\n`;
}

/** Twenty numbers a line keep compilers and people happy. */
function rows(bytes: Buffer): string {
  const lines: string[] = [];
  for (let index = 0; index < bytes.length; index += 20)
    lines.push(`  ${bytes.subarray(index, index + 20).join(',')},\n`);
  return lines.join('');
}
