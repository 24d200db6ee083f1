/** Looking into a WebAssembly module and changing it: function bodies and exports (WebAssembly Core 1.0, §5 Binary Format). */

/** Numbers of the sections that matter here. */
const section = { import: 2, function: 3, export: 7, element: 9, code: 10 } as const;

/** A module taken apart; sections other than these stay as they are. */
export interface WasmModule {
  /** In their order; those of the code and the exports are made anew by `encodeModule`. */
  sections: { id: number; bytes: Uint8Array }[];
  /** Functions that come from outside; they are numbered first. */
  importedFunctions: number;
  /** Number of the type of each function of the module's own. */
  types: number[];
  /** Functions that are called by number: where the table begins, and what it holds. */
  table: { start: number; functions: number[] };
  /** Body (locals and code) of each function of the module's own. */
  bodies: Uint8Array[];
  /** Kind (0: function) and index by name. */
  exports: Map<string, { kind: number; index: number }>;
}

class Reader {
  readonly #bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.at >= this.#bytes.length;
  }

  byte(): number {
    const value = this.#bytes[this.at];
    if (value === undefined) throw new Error('cannot read the WebAssembly module: it ends too early');
    this.at += 1;
    return value;
  }

  /** An unsigned number, LEB128. */
  number(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }

  take(length: number): Uint8Array {
    this.at += length;
    if (this.at > this.#bytes.length) throw new Error('cannot read the WebAssembly module: it ends too early');
    return this.#bytes.subarray(this.at - length, this.at);
  }

  text(): string {
    return new TextDecoder().decode(this.take(this.number()));
  }
}

/** An unsigned number as LEB128. */
export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return [...bytes, left];
    bytes.push((left % 128) | 128);
  }
}

/** A signed 32-bit number as LEB128, as `i32.const` holds it. */
export function signed(value: number): number[] {
  const bytes: number[] = [];
  for (let left = value; ; left >>= 7) {
    if (left >= -64 && left < 64) return [...bytes, left & 127];
    bytes.push((left & 127) | 128);
  }
}

/**
 * Takes a module apart.
 * @throws Error when it is none
 */
export function decodeModule(bytes: Uint8Array): WasmModule {
  const reader = new Reader(bytes);
  if (reader.take(8).join() !== '0,97,115,109,1,0,0,0')
    throw new Error('cannot read the WebAssembly module: it is none');
  const module: WasmModule = {
    sections: [],
    importedFunctions: 0,
    types: [],
    table: { start: 0, functions: [] },
    bodies: [],
    exports: new Map(),
  };
  while (!reader.done) {
    const id = reader.byte();
    const content = reader.take(reader.number());
    module.sections.push({ id, bytes: content });
    const inner = new Reader(content);
    if (id === section.import) module.importedFunctions = countImportedFunctions(inner);
    if (id === section.function) for (let left = inner.number(); left > 0; left -= 1) module.types.push(inner.number());
    if (id === section.element) module.table = readTable(inner);
    if (id === section.export)
      for (let left = inner.number(); left > 0; left -= 1)
        module.exports.set(inner.text(), { kind: inner.byte(), index: inner.number() });
    if (id === section.code)
      for (let left = inner.number(); left > 0; left -= 1) module.bodies.push(inner.take(inner.number()));
  }
  return module;
}

/** The one list of functions that compilers of C make: active, in table 0, from a constant on. */
function readTable(reader: Reader): WasmModule['table'] {
  const [count, kind, constant] = [reader.number(), reader.number(), reader.byte()];
  const start = reader.number();
  if (count !== 1 || kind !== 0 || constant !== 0x41 || reader.byte() !== 0x0b)
    throw new Error('cannot read the WebAssembly module: its table of functions is of another kind');
  return { start, functions: Array.from({ length: reader.number() }, () => reader.number()) };
}

function countImportedFunctions(reader: Reader): number {
  let functions = 0;
  for (let left = reader.number(); left > 0; left -= 1) {
    reader.text();
    reader.text();
    const kind = reader.byte();
    if (kind === 0) functions += 1;
    if (kind === 0) reader.number();
    else if (kind === 3) reader.take(2);
    else {
      if (kind === 1) reader.byte();
      const limits = reader.byte();
      reader.number();
      if (limits & 1) reader.number();
    }
  }
  return functions;
}

/** Puts a module together again, with the bodies and exports that it now has. */
export function encodeModule(module: WasmModule): Uint8Array {
  const parts: Uint8Array[] = [Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)];
  for (const { id, bytes } of module.sections) {
    const content = id === section.code ? codeOf(module) : id === section.export ? exportsOf(module) : bytes;
    parts.push(Uint8Array.of(id, ...unsigned(content.length)), content);
  }
  return Buffer.concat(parts);
}

function codeOf({ bodies }: WasmModule): Uint8Array {
  const parts: Uint8Array[] = [Uint8Array.from(unsigned(bodies.length))];
  for (const body of bodies) parts.push(Uint8Array.from(unsigned(body.length)), body);
  return Buffer.concat(parts);
}

function exportsOf({ exports }: WasmModule): Uint8Array {
  const parts: Uint8Array[] = [Uint8Array.from(unsigned(exports.size))];
  for (const [name, { kind, index }] of exports) {
    const text = new TextEncoder().encode(name);
    parts.push(Uint8Array.of(...unsigned(text.length), ...text, kind, ...unsigned(index)));
  }
  return Buffer.concat(parts);
}
