/**
 * A JSON reader (RFC 8259) that keeps the place of every value and goes on after mistakes, so that one run reports all of
 * them. It never throws and uses no recursion, so no nesting can exhaust the stack.
 *
 * The original's tokenizer accepts by accident what is no JSON: unquoted words as values and names, missing and trailing
 * commas, text behind the document. Two programs reading such a text would not agree on what it says, and the text is
 * signed, so all of these are errors here (state-format §2).
 *
 * Long runs of characters are left to regular expressions: the small engine runs those natively, loops over characters
 * slowly.
 */
import { decodeString, escapeLength } from './escapes.ts';
import type { JsonArray, JsonNode, JsonObject } from './nodes.ts';
import { pointerTo } from './nodes.ts';

/** Names of the mistakes of form, each a rule of the table in rules.ts. */
export type SyntaxRule =
  | 'json-empty'
  | 'json-value'
  | 'json-string'
  | 'json-separator'
  | 'json-key'
  | 'json-bracket'
  | 'json-end'
  | 'json-trailing'
  | 'json-depth';

export interface SyntaxProblem {
  rule: SyntaxRule;
  /** Where in the source, in UTF-16 units. */
  offset: number;
  /** JSON Pointer of the value being read. */
  path: string;
  message: string;
}

export interface ReadOptions {
  /** Offsets of the part of the text to read; the whole text by default. Offsets in the result are those of the text. */
  start?: number;
  end?: number;
  /** Values nested deeper than this many levels are checked, but not built. Default: no limit. */
  buildDepth?: number;
  /** Objects and arrays nested deeper than this are an error and end the reading. Default 4096. */
  maxDepth?: number;
  /** Pointer of the value that is read, when it is a part of a document. */
  path?: string;
}

export interface JsonDocument {
  /** Absent when the text holds no value at all. */
  root?: JsonNode;
  /** In document order, at most 100; empty when the text is JSON. */
  problems: SyntaxProblem[];
}

const problemLimit = 100;

const white = /[ \t\n\r]*/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: RFC 8259 §7 excludes exactly these from strings.
const plainCharacters = /[^"\\\u0000-\u001f]*/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the same.
const plainMember = /"[^"\\\u0000-\u001f]*":"[^"\\\u0000-\u001f]*"/y;
const word = /[^\s,:"[\]{}]+/y;
const number = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;

const Quote = 34;
const Comma = 44;
const Colon = 58;
const OpenArray = 91;
const Backslash = 92;
const CloseArray = 93;
const OpenObject = 123;
const CloseObject = 125;

type Expected = 'value' | 'value-or-close' | 'key' | 'key-or-close' | 'colon' | 'comma-or-close' | 'end';

interface Frame {
  node: JsonObject | JsonArray;
  build: boolean;
  /** Values read so far, built or not. */
  count: number;
  key: string;
  keyStart: number;
  keyEnd: number;
  escaped: boolean;
}

/**
 * Reads one JSON text.
 *
 * @param text the source; offsets in the result refer to it
 * @returns the tree, as far as the text could be understood, and every mistake of form
 */
export function readJson(text: string, options: ReadOptions = {}): JsonDocument {
  return new Reader(text, options).read();
}

class Reader {
  readonly #text: string;
  readonly #end: number;
  readonly #buildDepth: number;
  readonly #maxDepth: number;
  readonly #path: string;
  readonly #problems: SyntaxProblem[] = [];
  readonly #stack: Frame[] = [];
  #at: number;
  #expected: Expected = 'value';
  #root: JsonNode | undefined;
  #escaped = false;
  #stopped = false;

  constructor(text: string, options: ReadOptions) {
    this.#text = text;
    this.#at = options.start ?? 0;
    this.#end = options.end ?? text.length;
    this.#buildDepth = options.buildDepth ?? Number.POSITIVE_INFINITY;
    this.#maxDepth = options.maxDepth ?? 4096;
    this.#path = options.path ?? '';
  }

  read(): JsonDocument {
    while (!this.#stopped) {
      this.#skipWhite();
      if (this.#at >= this.#end) break;
      this.#step(this.#text.charCodeAt(this.#at));
    }
    this.#finish();
    return this.#root ? { root: this.#root, problems: this.#problems } : { problems: this.#problems };
  }

  #skipWhite(): void {
    // Most values follow each other directly; the regular expression is only for the runs.
    if (this.#text.charCodeAt(this.#at) > 32) return;
    white.lastIndex = this.#at;
    white.test(this.#text);
    this.#at = Math.min(white.lastIndex, this.#end);
  }

  #step(character: number): void {
    switch (this.#expected) {
      case 'value':
      case 'value-or-close':
        if (character === CloseArray || character === CloseObject) {
          if (this.#expected === 'value') {
            const inArray = this.#stack.at(-1)?.node.kind === 'array';
            this.#report(
              inArray ? 'json-separator' : 'json-value',
              inArray ? 'a comma ends the array' : 'a value is missing',
            );
            if (!inArray && this.#stack.length > 0) this.#complete({ kind: 'broken', start: this.#at, end: this.#at });
          }
          this.#close(character);
        } else this.#value(character);
        return;
      case 'key':
      case 'key-or-close':
        if (character === CloseObject || character === CloseArray) {
          if (this.#expected === 'key') this.#report('json-separator', 'a comma ends the object');
          this.#close(character);
        } else this.#key(character);
        return;
      case 'colon':
        if (character === Colon) this.#at += 1;
        else this.#report('json-separator', 'no colon follows the name');
        this.#expected = 'value';
        return;
      case 'comma-or-close':
        if (character === Comma) this.#at += 1;
        else if (character === CloseArray || character === CloseObject) {
          this.#close(character);
          return;
        } else {
          this.#report('json-separator', 'no comma follows the value');
          if (character === Colon) this.#at += 1;
        }
        this.#expected = this.#stack.at(-1)?.node.kind === 'object' ? 'key' : 'value';
        return;
      case 'end':
        this.#report('json-trailing', `text follows the document: ${this.#excerpt()}`);
        this.#stopped = true;
    }
  }

  #value(character: number): void {
    const start = this.#at;
    if (character === OpenObject || character === OpenArray) {
      this.#open(character);
      return;
    }
    if (character === Quote) {
      const end = this.#skipString();
      if (this.#builds()) {
        const raw = this.#text.slice(start + 1, end - 1);
        const value = this.#escaped ? decodeString(raw) : raw;
        this.#complete({ kind: 'string', start, end: Math.min(end, this.#end), value });
      } else this.#completeUnbuilt();
      return;
    }
    if (character === Comma || character === Colon) {
      this.#report('json-value', 'a value is missing');
      if (character === Colon) this.#at += 1;
      this.#complete({ kind: 'broken', start, end: start });
      return;
    }
    const text = this.#word();
    const end = this.#at;
    if (number.test(text)) this.#complete({ kind: 'number', start, end, text });
    else if (text === 'true' || text === 'false')
      this.#complete({ kind: 'boolean', start, end, value: text === 'true' });
    else if (text === 'null') this.#complete({ kind: 'null', start, end });
    else {
      this.#report('json-value', describeWord(text), start);
      this.#complete({ kind: 'broken', start, end });
    }
  }

  #open(character: number): void {
    if (this.#stack.length >= this.#maxDepth) {
      this.#report('json-depth', `values are nested more than ${this.#maxDepth} levels deep`);
      this.#stopped = true;
      return;
    }
    const object = character === OpenObject;
    const start = this.#at;
    const node: JsonObject | JsonArray = object
      ? { kind: 'object', start, end: start, members: [] }
      : { kind: 'array', start, end: start, items: [] };
    const build = this.#stack.length < this.#buildDepth;
    this.#stack.push({ node, build, count: 0, key: '', keyStart: 0, keyEnd: 0, escaped: false });
    this.#at += 1;
    this.#expected = object ? 'key-or-close' : 'value-or-close';
  }

  #close(character: number): void {
    const kind = character === CloseObject ? 'object' : 'array';
    const name = character === CloseObject ? '}' : ']';
    if (this.#stack.at(-1)?.node.kind !== kind) {
      this.#report('json-bracket', `${name} closes nothing`);
      if (!this.#stack.some((frame) => frame.node.kind === kind)) {
        this.#at += 1;
        if (this.#stack.length === 0) this.#stopped = true;
        return;
      }
      while (this.#stack.at(-1)?.node.kind !== kind) this.#pop();
    }
    this.#at += 1;
    this.#pop();
  }

  #pop(): void {
    const frame = this.#stack.pop();
    if (!frame) return;
    frame.node.end = this.#at;
    this.#complete(frame.node);
  }

  #builds(): boolean {
    return this.#stack.at(-1)?.build ?? true;
  }

  #complete(node: JsonNode): void {
    const frame = this.#stack.at(-1);
    if (!frame) {
      this.#root = node;
      this.#expected = 'end';
      return;
    }
    if (frame.build) {
      if (frame.node.kind === 'array') frame.node.items.push(node);
      else {
        const { key, keyStart, keyEnd, escaped } = frame;
        frame.node.members.push({ key, keyStart, keyEnd, escaped, value: node });
      }
    }
    this.#completeUnbuilt();
  }

  #completeUnbuilt(): void {
    const frame = this.#stack.at(-1);
    if (frame) frame.count += 1;
    this.#expected = 'comma-or-close';
  }

  #key(character: number): void {
    const frame = this.#stack.at(-1);
    if (!frame) return;
    const start = this.#at;
    if (character === Quote) {
      if (this.#plainMember(frame, start)) return;
      const end = this.#skipString();
      frame.keyStart = start + 1;
      frame.keyEnd = Math.max(start + 1, end - 1);
      frame.escaped = this.#escaped;
      if (frame.build || this.#escaped) {
        const raw = this.#text.slice(frame.keyStart, frame.keyEnd);
        frame.key = this.#escaped ? decodeString(raw) : raw;
      } else frame.key = '';
    } else {
      word.lastIndex = this.#at;
      if (!word.test(this.#text) || word.lastIndex > this.#end) {
        this.#report('json-key', `a name in double quotes belongs here, not ${this.#excerpt()}`);
        if (character === OpenObject || character === OpenArray) this.#stopped = true;
        else this.#at += 1;
        return;
      }
      frame.key = this.#word();
      frame.keyStart = start;
      frame.keyEnd = this.#at;
      frame.escaped = false;
      this.#report('json-key', `the name ${shorten(frame.key)} has no quotes`, start);
    }
    this.#expected = 'colon';
  }

  /** Reads a whole member at once when its name and value are strings without escapes, as nearly all of a large state are. */
  #plainMember(frame: Frame, start: number): boolean {
    const text = this.#text;
    plainMember.lastIndex = start;
    if (frame.node.kind !== 'object' || !plainMember.test(text) || plainMember.lastIndex > this.#end) return false;
    const end = plainMember.lastIndex;
    const keyEnd = text.indexOf('"', start + 1);
    frame.key = frame.build ? text.slice(start + 1, keyEnd) : '';
    if (frame.build)
      frame.node.members.push({
        key: frame.key,
        keyStart: start + 1,
        keyEnd,
        escaped: false,
        value: { kind: 'string', start: keyEnd + 2, end, value: text.slice(keyEnd + 3, end - 1) },
      });
    this.#at = end;
    this.#completeUnbuilt();
    return true;
  }

  /** Skips the string that starts here, sets whether it holds escapes, returns the offset behind the closing quote. */
  #skipString(): number {
    const start = this.#at;
    const text = this.#text;
    let at = start + 1;
    this.#escaped = false;
    while (!this.#stopped) {
      plainCharacters.lastIndex = at;
      plainCharacters.test(text);
      at = plainCharacters.lastIndex;
      if (at >= this.#end) break;
      const character = text.charCodeAt(at);
      if (character === Quote) {
        this.#at = at + 1;
        return this.#at;
      }
      if (character === Backslash) {
        this.#escaped = true;
        const length = escapeLength(text, at);
        if (length === 0) {
          const sequence = shorten(text.slice(at, text[at + 1] === 'u' ? at + 6 : at + 2));
          this.#report('json-string', `${sequence} is no escape sequence`, at);
        }
        at += length || 2;
      } else {
        const code = character.toString(16).padStart(4, '0');
        this.#report('json-string', `the control character U+${code.toUpperCase()} stands in a string`, at);
        at += 1;
      }
    }
    if (!this.#stopped) this.#report('json-end', 'the string that starts here does not end', start);
    this.#at = this.#end;
    this.#stopped = true;
    return this.#end + 1;
  }

  #word(): string {
    const start = this.#at;
    word.lastIndex = start;
    const found = word.test(this.#text);
    this.#at = Math.min(found ? word.lastIndex : start + 1, this.#end);
    return this.#text.slice(start, this.#at);
  }

  #finish(): void {
    if (!this.#stopped) {
      if (this.#stack.length > 0) {
        const kind = this.#stack.at(-1)?.node.kind;
        this.#report('json-end', `the text ends before the ${kind} that starts here`, this.#stack.at(-1)?.node.start);
      } else if (!this.#root) this.#report('json-empty', 'there is no text');
    }
    this.#at = Math.min(this.#at, this.#end);
    while (this.#stack.length > 0) this.#pop();
  }

  #report(rule: SyntaxRule, message: string, offset = this.#at): void {
    this.#problems.push({ rule, offset, path: this.#pointer(), message });
    if (this.#problems.length >= problemLimit) this.#stopped = true;
  }

  #pointer(): string {
    let path = this.#path;
    for (const frame of this.#stack.slice(0, 64))
      path = pointerTo(path, frame.node.kind === 'array' ? frame.count : frame.key);
    return path;
  }

  #excerpt(): string {
    return shorten(this.#text.slice(this.#at, Math.min(this.#at + 40, this.#end)));
  }
}

function shorten(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}

function describeWord(text: string): string {
  if (text.startsWith('\ufeff')) return 'a byte order mark stands before the text';
  if (/^[-+.0-9]/.test(text)) return `${shorten(text)} is no number of JSON`;
  return `${shorten(text)} is no value of JSON; text belongs in double quotes`;
}
