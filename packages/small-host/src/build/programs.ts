/** Compiled JavaScript programs as C data, in a table that the C host looks the name of the executable up in (native/programs.h). */

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
 * @param codeFile gives the path of a file with the program's bytecode
 * @throws Error unless exactly one program is for every other name, or when a name cannot be one of a file
 */
export function programSource(
  programs: readonly LinkedProgram[],
  codeFile: (program: LinkedProgram, index: number) => string,
): string {
  const named = programs.filter(({ names }) => names.length > 0);
  const rest = programs.filter(({ names }) => names.length === 0);
  if (rest.length !== 1) throw new Error('cannot link the programs: exactly one is for every other name');
  const wrong = named.flatMap(({ names }) => names).find((name) => !/^[a-z][a-z0-9-]*$/.test(name));
  if (wrong !== undefined) throw new Error(`cannot link a program for the name ${JSON.stringify(wrong)}`);
  const codes: string[] = [];
  const entries: string[] = [];
  for (const [index, program] of [...named, ...rest].entries()) {
    const labels = [`code_${index}`, `code_${index}_end`];
    const lines = [
      '.section .rodata',
      `${labels[0]}:`,
      `.incbin ${JSON.stringify(codeFile(program, index))}`,
      `${labels[1]}:`,
      '.previous',
    ];
    codes.push(`__asm__(${lines.map((line) => JSON.stringify(`${line}\n`)).join(' ')});\n`);
    codes.push(`extern const unsigned char ${labels.map((label) => `${label}[]`).join(', ')};\n`);
    const list = program.names.map((name) => ` ${name} `).join('');
    entries.push(`  {"${program.file}", "${list}", ${labels.join(', ')}},\n`);
  }
  return `#include "programs.h"\n${codes.join('')}const struct program programs[] = {\n${entries.join('')}  {0}};\n`;
}
