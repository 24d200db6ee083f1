/**
 * The engine's wasm has one-letter imports and exports whose meaning is only written in the JavaScript glue of the same
 * package. This reads the glue and gives every letter its name, or says exactly what it did not understand.
 */

import { bytecodeExports } from './bytecode-engine.ts';

/** Letters of the wasm module by the name that the C host uses. */
export interface EngineMap {
  /** Functions the engine offers, e.g. `QTS_Eval` → `qa`. */
  exports: Record<string, string>;
  /** Functions the engine calls, e.g. `callFunction` → `t`. */
  imports: Record<string, string>;
}

/** What identifies each import in the glue: a text that occurs in its function and in no other. */
const importMarks: Record<string, RegExp> = {
  assertFail: /Assertion failed/,
  writeVector: /\[h\+x\]|ta\[k\]/,
  callFunction: /callbacks\.callFunction/,
  shouldInterrupt: /callbacks\.shouldInterrupt/,
  loadModuleSource: /callbacks\.loadModuleSource/,
  normalizeModule: /callbacks\.normalizeModule/,
  freeHostRef: /callbacks\.freeHostRef/,
  growMemory: /\.grow\(/,
  setTimer: /clearTimeout/,
  localTime: /getDay\(\)/,
  timeZone: /`UTC\$\{/,
  clockTime: /BigInt\(Math\.round\(1E6/,
  dateNow: /^\(\)=>Date\.now\(\)$/,
  environGet: /M\[a\+e>>2\]=g/,
  environSizes: /a\+=X\(e\)\+1/,
  closeDescriptor: /^\(\)=>52$/,
  seekDescriptor: /return 70\b/,
  abort: /^\(\)=>N\(""\)$/,
  keepAlive: /Q=!1;S=0/,
};

/** Every export that the C host calls. */
const neededExports = [
  'malloc',
  'free',
  'QTS_NewRuntime',
  'QTS_NewContext',
  'QTS_RuntimeSetMaxStackSize',
  'QTS_RuntimeSetMemoryLimit',
  'QTS_RuntimeComputeMemoryUsage',
  'QTS_RuntimeEnableInterruptHandler',
  'QTS_NewFunction',
  'QTS_ArgvGetJSValueConstPointer',
  'QTS_NewString',
  'QTS_GetString',
  'QTS_FreeCString',
  'QTS_NewFloat64',
  'QTS_GetFloat64',
  'QTS_NewArrayBuffer',
  'QTS_NewObject',
  'QTS_GetGlobalObject',
  'QTS_SetProp',
  'QTS_GetProp',
  'QTS_Call',
  'QTS_Eval',
  'QTS_GetArrayBuffer',
  'QTS_GetArrayBufferLength',
  'QTS_bjson_encode',
  'QTS_bjson_decode',
  'QTS_ResolveException',
  'QTS_Dump',
  'QTS_FreeValuePointer',
  'QTS_IsJobPending',
  'QTS_ExecutePendingJob',
];

/**
 * Reads the map from the glue's source text.
 * @param glue text of `emscripten-module.mjs`
 * @throws Error that lists every import or export that could not be told, one a line
 */
export function readEngineMap(glue: string): EngineMap {
  const problems: string[] = [];
  const importTable = sliceOfObject(glue, /\bya=\{/) ?? sliceOfObject(glue, /[,{ ]a:\{/);
  if (importTable === undefined) throw new Error('cannot read the engine glue: no table of imports found');
  const members = splitMembers(importTable);
  const imports: Record<string, string> = {};
  for (const [name, mark] of Object.entries(importMarks)) {
    const found = members.filter(({ body }) => mark.test(body));
    if (found.length === 1) imports[name] = found[0]!.letter;
    else
      problems.push(
        `import ${name}: ${found.length === 0 ? 'no function' : `${found.length} functions`} of the glue match ${mark}`,
      );
  }
  const known = new Set(Object.values(imports));
  for (const { letter, body } of members) {
    if (known.has(letter)) continue;
    if (/^[a-zA-Z]+$/.test(body)) {
      const role = new RegExp(`[,; ]${body}=a=>\\{G=a`).test(glue)
        ? 'exit'
        : new RegExp(`\\b${body}=new WebAssembly\\.Memory`).test(glue)
          ? 'memory'
          : undefined;
      if (role !== undefined) {
        imports[role] = letter;
        continue;
      }
    }
    problems.push(`import ${letter}: cannot tell what ${body.slice(0, 60)} does`);
  }
  for (const role of ['exit', 'memory']) if (!(role in imports)) problems.push(`import ${role}: not found`);

  const exports: Record<string, string> = {};
  for (const match of glue.matchAll(/\bd\._([A-Za-z0-9_]+)=b\.([A-Za-z0-9_$]+)/g)) exports[match[1]!] = match[2]!;
  const start = glue.match(/\bca=!0;Z\.([A-Za-z0-9_$]+)\(\)/);
  if (start) exports.constructors = start[1]!;
  else problems.push('export constructors: the call that starts the module was not found');
  for (const name of neededExports) if (!(name in exports)) problems.push(`export ${name}: not in the glue`);
  if (problems.length > 0)
    throw new Error(`cannot use this version of the engine; its glue is not understood:\n  ${problems.join('\n  ')}`);
  return { exports, imports };
}

/** C names of wasm2c: letters and digits stay, `Z` and the rest become `Z` and two hex digits. */
function mangle(name: string): string {
  return name.replace(
    /[^A-Ya-z0-9_]/g,
    (character) => `Z${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

/** The header that gives the C host readable names for the translated module's functions. */
export function engineHeader(map: EngineMap, version: string): string {
  const lines = [
    `/* Names of the engine's functions, read from the glue of ${version}. Generated. */`,
    '#pragma once',
    '#include "engine-module.h"',
    '',
  ];
  for (const [name, letter] of Object.entries(map.exports))
    lines.push(`#define engine_${name.replace(/^QTS_/, '')} Z_engineZ_${mangle(letter)}`);
  for (const [name, added] of Object.entries(bytecodeExports))
    lines.push(`#define engine_${name} Z_engineZ_${mangle(added)}`);
  lines.push('');
  for (const [name, letter] of Object.entries(map.imports)) lines.push(`#define import_${name} Z_aZ_${mangle(letter)}`);
  return `${lines.join('\n')}\n`;
}

function sliceOfObject(text: string, start: RegExp): string | undefined {
  const match = start.exec(text);
  if (!match) return undefined;
  const begin = match.index + match[0].length;
  let depth = 1;
  for (let index = begin; index < text.length; index += 1) {
    const character = text[index]!;
    if (character === '`' || character === '"' || character === "'") index = endOfQuoted(text, index);
    else if ('{[('.includes(character)) depth += 1;
    else if ('}])'.includes(character)) depth -= 1;
    if (depth === 0) return text.slice(begin, index);
  }
  return undefined;
}

function endOfQuoted(text: string, begin: number): number {
  for (let index = begin + 1; index < text.length; index += 1) {
    if (text[index] === '\\') index += 1;
    else if (text[index] === text[begin]) return index;
  }
  return text.length;
}

function splitMembers(table: string): { letter: string; body: string }[] {
  const members: { letter: string; body: string }[] = [];
  let depth = 0;
  let begin = 0;
  const push = (end: number) => {
    const member = table.slice(begin, end);
    const colon = member.indexOf(':');
    members.push({ letter: member.slice(0, colon).trim(), body: member.slice(colon + 1).trim() });
    begin = end + 1;
  };
  for (let index = 0; index < table.length; index += 1) {
    const character = table[index]!;
    if (character === '`' || character === '"' || character === "'") index = endOfQuoted(table, index);
    else if ('{[('.includes(character)) depth += 1;
    else if ('}])'.includes(character)) depth -= 1;
    else if (character === ',' && depth === 0) push(index);
  }
  push(table.length);
  return members;
}
