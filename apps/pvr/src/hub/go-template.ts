/**
 * The part of Go's package text/template that shows one record: fields, pipelines, `if`, `else`, `with`, `end`, comparisons, and
 * functions by name (go.dev, text/template).
 */
import { Failure } from '@pantavisor/cli';

export type Value = string | number | boolean | undefined;
export type TemplateFunction = (...values: Value[]) => Value;

export interface Vocabulary<R> {
  fields: Readonly<Record<string, (record: R) => Value>>;
  functions: Readonly<Record<string, TemplateFunction>>;
}

type Evaluate<R> = (record: R, dot: Value) => Value;
type Node<R> =
  | { kind: 'text'; text: string }
  | { kind: 'print'; value: Evaluate<R> }
  | { kind: 'branch'; word: 'if' | 'with'; value: Evaluate<R>; then: Node<R>[]; otherwise: Node<R>[] };

const invalid = (why: string, hint?: string): Failure =>
  new Failure('template-invalid', `cannot use the template: ${why}`, {
    exitCode: 3,
    ...(hint === undefined ? {} : { hint }),
  });

/** What Go takes for false: nothing, zero, and what is empty. */
export const isTrue = (value: Value): boolean => value !== undefined && value !== '' && value !== 0 && value !== false;

/** @throws Failure `template-invalid` naming what is not understood */
export function compileTemplate<R>(text: string, vocabulary: Vocabulary<R>): (record: R) => string {
  const parser = new Parser(text, vocabulary);
  const nodes = parser.nodes(false);
  return (record) => render(nodes, record, undefined);
}

function render<R>(nodes: readonly Node<R>[], record: R, dot: Value): string {
  return nodes
    .map((node) => {
      if (node.kind === 'text') return node.text;
      const value = node.value(record, dot);
      if (node.kind === 'print') return String(value ?? '');
      if (!isTrue(value)) return render(node.otherwise, record, dot);
      return render(node.then, record, node.word === 'with' ? value : dot);
    })
    .join('');
}

interface Piece {
  text?: string;
  action?: string;
}

/** Pieces of a template in turn: text, and what stands between double braces. */
function split(text: string): { text?: string; action?: string }[] {
  return text.split(/(\{\{(?:"(?:\\.|[^"\\])*"|`[^`]*`|(?!\}\}).)*\}\})/s).flatMap((piece, index, all): Piece[] => {
    if (index % 2 === 1) return [{ action: piece.slice(2, -2).replace(/^-\s/, '').replace(/\s-$/, '').trim() }];
    // A minus beside the braces takes the blanks away that follow or stand before it.
    let shown = piece;
    if (all[index - 1]?.endsWith(' -}}')) shown = shown.replace(/^\s+/, '');
    if (/^\{\{-\s/.test(all[index + 1] ?? '')) shown = shown.replace(/\s+$/, '');
    return shown === '' ? [] : [{ text: shown.replaceAll('\\n', '\n').replaceAll('\\t', '\t') }];
  });
}

class Parser<R> {
  readonly #pieces: readonly Piece[];
  readonly #vocabulary: Vocabulary<R>;
  #at = 0;

  constructor(text: string, vocabulary: Vocabulary<R>) {
    this.#pieces = split(text);
    this.#vocabulary = vocabulary;
  }

  /** Nodes up to the end, or up to an `end` or `else`, which is left for the caller. */
  nodes(inside: boolean): Node<R>[] {
    const found: Node<R>[] = [];
    for (; this.#at < this.#pieces.length; this.#at += 1) {
      const { text, action = '' } = this.#pieces[this.#at]!;
      if (text !== undefined) {
        if (text.includes('{{')) throw invalid('an action is not closed with "}}"');
        found.push({ kind: 'text', text });
        continue;
      }
      const word = /^\w+/.exec(action)?.[0];
      if (word === 'end' || word === 'else') {
        if (!inside) throw invalid(`"${word}" stands without "if" or "with"`);
        return found;
      }
      if (action.startsWith('/*') || action === '') continue;
      if (word === 'if' || word === 'with') found.push(this.#branch(word, action.slice(word.length)));
      else found.push({ kind: 'print', value: this.#pipeline(action) });
    }
    if (inside) throw invalid('"end" is missing');
    return found;
  }

  #branch(word: 'if' | 'with', condition: string): Node<R> {
    this.#at += 1;
    const value = this.#pipeline(condition);
    const then = this.nodes(true);
    const { action = '' } = this.#pieces[this.#at]!;
    let otherwise: Node<R>[] = [];
    const again = /^else\s+(if|with)\s(.*)$/s.exec(action);
    if (again) otherwise = [this.#branch(again[1] as 'if' | 'with', again[2]!)];
    else if (action === 'else') {
      this.#at += 1;
      otherwise = this.nodes(true);
      if (this.#pieces[this.#at]!.action !== 'end') throw invalid('"else" stands twice');
    }
    return { kind: 'branch', word, value, then, otherwise };
  }

  #pipeline(text: string): Evaluate<R> {
    const words = text.match(/"(?:\\.|[^"\\])*"|`[^`]*`|[|()]|[^\s|()"`]+/g) ?? [];
    const evaluate = this.#commands(words);
    if (words.length > 0) throw invalid(`${JSON.stringify(words[0])} is not expected in "${text.trim()}"`);
    return evaluate;
  }

  /** Reads commands joined by bars, up to a closing parenthesis. */
  #commands(words: string[]): Evaluate<R> {
    let evaluate = this.#command(words, undefined);
    while (words[0] === '|') {
      words.shift();
      evaluate = this.#command(words, evaluate);
    }
    return evaluate;
  }

  #command(words: string[], piped: Evaluate<R> | undefined): Evaluate<R> {
    const first = words[0];
    if (first === undefined || first === '|' || first === ')') throw invalid('a value is missing');
    const call = /^[A-Za-z]\w*$/.test(first) && !constants.has(first) ? this.#functionOf(words.shift()!) : undefined;
    const operands: Evaluate<R>[] = [];
    while (words.length > 0 && words[0] !== '|' && words[0] !== ')') operands.push(this.#operand(words));
    if (piped) operands.push(piped);
    if (call) return (record, dot) => call(...operands.map((operand) => operand(record, dot)));
    if (operands.length > 1) throw invalid(`${first} is no function`);
    return operands[0]!;
  }

  #functionOf(name: string): TemplateFunction {
    const found = Object.hasOwn(this.#vocabulary.functions, name) ? this.#vocabulary.functions[name] : undefined;
    if (found) return found;
    throw invalid(`there is no function ${name}`, `there is ${Object.keys(this.#vocabulary.functions).join(', ')}`);
  }

  #operand(words: string[]): Evaluate<R> {
    const word = words.shift()!;
    if (word === '(') {
      const inner = this.#commands(words);
      if (words.shift() !== ')') throw invalid('a parenthesis is not closed');
      return inner;
    }
    if (word === '.') return (_record, dot) => dot;
    if (word.startsWith('.')) return this.#field(word.slice(1));
    const literal = readLiteral(word);
    if (literal) return () => literal.value;
    const call = this.#functionOf(word);
    return () => call();
  }

  #field(name: string): Evaluate<R> {
    const { fields } = this.#vocabulary;
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (field) return (record) => field(record);
    const known = Object.keys(fields).map((each) => `.${each}`);
    throw invalid(`there is no field .${name}`, `there is ${known.join(', ')}`);
  }
}

const constants = new Map<string, Value>([
  ['true', true],
  ['false', false],
  ['nil', undefined],
]);

function readLiteral(word: string): { value: Value } | undefined {
  if (constants.has(word)) return { value: constants.get(word) };
  if (word.startsWith('`')) return { value: word.slice(1, -1) };
  if (/^-?\d+(\.\d+)?$/.test(word)) return { value: Number(word) };
  if (!word.startsWith('"')) return undefined;
  try {
    return { value: String(JSON.parse(word)) };
  } catch {
    throw invalid(`${word} is no text`);
  }
}
