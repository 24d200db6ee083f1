/** Compiles programs to the engine's bytecode, at build time: the engine itself does it, in Node. The same bytes for every architecture. */
import type { EngineMap } from './engine-map.ts';

const compileOnly = 1 << 5; // JS_EVAL_FLAG_COMPILE_ONLY
const pageBytes = 65536;

type Call = (...values: number[]) => number;

interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

/** The little of the JavaScript interface of WebAssembly that is used here; without the types of browsers it has none. */
const { WebAssembly } = globalThis as unknown as {
  WebAssembly: {
    Memory: new (size: { initial: number; maximum: number }) => Memory;
    Module: new (bytes: Uint8Array) => object;
    Instance: new (module: object, imports: object) => { exports: Record<string, Call> };
  };
};

/** The engine running in Node, good for compiling. */
export class Compiler {
  readonly #memory: Memory = new WebAssembly.Memory({ initial: 256, maximum: 32768 });
  readonly #call: (name: string, ...values: number[]) => number;
  readonly #context: number;

  /** @param wasm made by `bytecodeEngine` */
  constructor(wasm: Uint8Array, map: EngineMap) {
    const refused = (name: string) => () => {
      throw new Error(`cannot compile: the engine asked for ${name}`);
    };
    const imports: Record<string, unknown> = {};
    for (const [name, letter] of Object.entries(map.imports)) imports[letter] = refused(name);
    imports[map.imports.memory!] = this.#memory;
    // Only what is asked while a context is made; a fixed time makes the same bytes each time.
    imports[map.imports.dateNow!] = () => 0;
    imports[map.imports.environSizes!] = (count: number, size: number) => {
      for (const at of [count, size]) new DataView(this.#memory.buffer).setUint32(at, 0, true);
      return 0;
    };
    imports[map.imports.environGet!] = () => 0;
    imports[map.imports.clockTime!] = (_clock: number, _precision: bigint, result: number) => {
      new DataView(this.#memory.buffer).setBigUint64(result, 0n, true);
      return 0;
    };
    imports[map.imports.growMemory!] = (bytes: number) => {
      this.#memory.grow(Math.ceil((bytes - this.#memory.buffer.byteLength) / pageBytes));
      return 1;
    };
    imports[map.imports.freeHostRef!] = () => {};
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(wasm), { a: imports });
    this.#call = (name, ...values) => exports[map.exports[name] ?? '']!(...values);
    this.#call('constructors');
    const runtime = this.#call('QTS_NewRuntime');
    this.#call('QTS_RuntimeSetMaxStackSize', runtime, 1 << 20);
    this.#context = this.#call('QTS_NewContext', runtime, 0);
  }

  /**
   * Compiles a script.
   * @param file how it is called in stack traces
   * @throws Error with the engine's words when it is none
   */
  compile(text: string, file: string): Uint8Array {
    const [code, length] = this.#put(text);
    const [name] = this.#put(file);
    const program = this.#call('QTS_Eval', this.#context, code, length, name, 0, compileOnly);
    const error = this.#call('QTS_ResolveException', this.#context, program);
    if (error !== 0)
      throw new Error(`cannot compile ${file}: ${this.#text(this.#call('QTS_Dump', this.#context, error))}`);
    const buffer = this.#call('QTS_bjson_encode', this.#context, program);
    const size = this.#call('QTS_GetArrayBufferLength', this.#context, buffer);
    const at = this.#call('QTS_GetArrayBuffer', this.#context, buffer);
    const bytes = new Uint8Array(this.#memory.buffer).slice(at, at + size);
    for (const value of [program, buffer]) this.#call('QTS_FreeValuePointer', this.#context, value);
    for (const block of [code, name]) this.#call('free', block);
    if (size === 0) throw new Error(`cannot compile ${file}: the engine gave no bytecode`);
    return bytes;
  }

  /** Text with a NUL behind it in the engine's memory: address and length. */
  #put(text: string): [number, number] {
    const bytes = new TextEncoder().encode(text);
    const at = this.#call('malloc', bytes.length + 1);
    const memory = new Uint8Array(this.#memory.buffer);
    memory.set(bytes, at);
    memory[at + bytes.length] = 0;
    return [at, bytes.length];
  }

  #text(at: number): string {
    const memory = new Uint8Array(this.#memory.buffer);
    return new TextDecoder().decode(memory.subarray(at, memory.indexOf(0, at)));
  }
}
