/**
 * The engine's package keeps to itself how a compiled program is written and read. The functions are there: this finds them in the
 * WebAssembly by the code around their calls, and makes a module that offers them.
 */
import type { EngineMap } from './engine-map.ts';
import { decodeModule, encodeModule, signed, unsigned, type WasmModule } from './wasm.ts';

/** Names of the exports that are added. */
export const bytecodeExports = {
  /** JS_ReadObject(context, bytes, length, flags): with flag 1 a compiled program. */
  ReadObject: 'readObject',
  /** JS_EvalFunction(context, program): runs it. Takes the program over. */
  EvalFunction: 'evalFunction',
} as const;

/** The engine in two shapes, as WebAssembly. */
export interface BytecodeEngine {
  /** Its `QTS_bjson_encode` writes a compiled program: with its lines, without its text. */
  compiler: Uint8Array;
  /** Has `bytecodeExports`, and no compiler: `eval` and its like throw a TypeError. */
  runtime: Uint8Array;
}

/** Instructions as regular expressions over text with a character a byte; `leb` is a number in a group. */
const leb = '([\\x80-\\xff]*[\\0-\\x7f])';
const get = (local: number) => `\\x20\\x0${local}`;
const getAny = '\\x20.';
const zero = '\\x41\\0';
const call = `\\x10${leb}`;

/**
 * Makes both shapes.
 * @throws Error that says which part of the engine was not understood
 */
export function bytecodeEngine(wasm: Uint8Array, map: EngineMap): BytecodeEngine {
  const module = decodeModule(wasm);
  const body = (index: number) => textOf(module.bodies[index - module.importedFunctions] ?? new Uint8Array());
  const encoder = exported(module, map, 'QTS_bjson_encode');
  const decoder = exported(module, map, 'QTS_bjson_decode');

  // QTS_bjson_decode: JS_ReadObject(context, buffer, length, 0).
  const reading = one(
    body(decoder),
    `${getAny}${getAny}${getAny}\\x28\\x02.${zero}${call}`,
    'the call of JS_ReadObject',
  );
  const readObject = numberOf(reading[1]!);
  // JS_ReadObject: the first atom that is not known to every engine is flags & 1 ? JS_ATOM_END : 1.
  const atoms = one(
    body(readObject),
    `\\x41${leb}\\x41\\x01${get(3)}\\x41\\x01\\x71\\x1b`,
    'the number of known atoms',
  );

  // JS_EvalFunction: JS_EvalFunctionInternal(context, program, context->global_obj, NULL, NULL), and nothing else. QTS_Eval calls it.
  const global = `${get(0)}\\x29\\x03${leb}`;
  const evalFunction = onlyOne(
    calleesOf(body(exported(module, map, 'QTS_Eval'))),
    (index) => matches(body(index), `^\\0${get(0)}${get(1)}${global}${zero}${zero}${call}\\x0b$`),
    'JS_EvalFunction',
  );

  // QTS_bjson_encode, into which JS_WriteObject is inlined: {bytecode, shared buffers, references, source} = {0, 0, 1, 1}; the first atom is 1.
  const before = body(encoder);
  const flags = one(before, `${literal([0x41, ...signed(0x01010000)])}\\x36\\x02(.)`, 'the flags of JS_WriteObject');
  const firstAtom = [0x36, 0x02, ...unsigned(flags[1]!.charCodeAt(0) + 8)];
  one(before, literal([0x41, 1, ...firstAtom]), 'the first atom of JS_WriteObject');
  const after = before
    .replace(bytesText([0x41, ...signed(0x01010000)]), () => bytesText([0x41, ...signed(0x00000001)]))
    .replace(bytesText([0x41, 1, ...firstAtom]), () => `\x41${atoms[1]}${bytesText(firstAtom)}`);
  const compiler = encodeModule(withBody(module, encoder, after));

  module.exports.set(bytecodeExports.ReadObject, { kind: 0, index: readObject });
  module.exports.set(bytecodeExports.EvalFunction, { kind: 0, index: evalFunction });
  return { compiler, runtime: encodeModule(withoutCompiler(module, body)) };
}

/** Puts into the place of the compiler what the engine does when it has none. */
function withoutCompiler(module: WasmModule, body: (index: number) => string): WasmModule {
  // JS_EvalInternal: if (!context->eval_internal) return JS_ThrowTypeError(context, "eval is not supported"), else call it by number.
  const refusal = `${get(0)}\\x28\\x02${leb}\\x22.\\x45\\x04\\x40(${get(0)}\\x41${leb}${zero}\\x10${leb}\\x42${leb})\\x0f\\x0b.*\\x11${leb}\\0\\x0b$`;
  const callers = module.bodies.flatMap((_, index) => {
    const match = new RegExp(refusal, 's').exec(body(index + module.importedFunctions));
    return match && match.index < 4 ? [match] : [];
  });
  if (callers.length !== 1) throw notUnderstood('JS_EvalInternal');
  const [, place, throwing, , , , type] = callers[0]!;
  // JS_AddIntrinsicEval: context->eval_internal = the compiler.
  const setting = new RegExp(`\\x41${leb}\\x36\\x02${escaped(place!)}`, 'gs');
  const stored = module.bodies.flatMap((bytes) =>
    [...textOf(bytes).matchAll(setting)].map((match) => numberOf(match[1]!)),
  );
  const compiler = onlyOne(
    stored.map((entry) => module.table.functions[entry - module.table.start] ?? 0),
    (index) => module.types[index - module.importedFunctions] === numberOf(type!),
    'the compiler',
  );
  return withBody(module, compiler, `\0${throwing}\x0b`);
}

const withBody = (module: WasmModule, index: number, body: string): WasmModule => ({
  ...module,
  bodies: module.bodies.with(
    index - module.importedFunctions,
    Uint8Array.from(body, (byte) => byte.charCodeAt(0)),
  ),
});

const notUnderstood = (what: string) =>
  new Error(`cannot use this version of the engine; its WebAssembly is not understood: ${what}: not found`);

function exported(module: WasmModule, map: EngineMap, name: string): number {
  const found = module.exports.get(map.exports[name] ?? '');
  if (found?.kind !== 0) throw notUnderstood(name);
  return found.index;
}

const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');
const bytesText = (bytes: readonly number[]) => String.fromCharCode(...bytes);
const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
const literal = (bytes: readonly number[]) => escaped(bytesText(bytes));
const matches = (text: string, pattern: string) => new RegExp(pattern, 's').test(text);

/** The only place of a pattern. */
function one(text: string, pattern: string, what: string): RegExpExecArray {
  const found = [...text.matchAll(new RegExp(pattern, 'gs'))];
  if (found.length !== 1) throw notUnderstood(what);
  return found[0]!;
}

/** The only function that is as wanted. */
function onlyOne(functions: readonly number[], wanted: (index: number) => boolean, what: string): number {
  const found = [...new Set(functions)].filter(wanted);
  if (found.length !== 1) throw notUnderstood(what);
  return found[0]!;
}

/** The number of LEB128 digits, unsigned. */
function numberOf(digits: string): number {
  return [...digits].reduceRight((value, digit) => value * 128 + (digit.charCodeAt(0) & 127), 0);
}

/** Functions that a body calls; some others, too, where a number only looks like a call. */
function calleesOf(body: string): number[] {
  return [...body.matchAll(new RegExp(`(?=${call})`, 'gs'))].map((match) => numberOf(match[1]!));
}
