/** Text to value and value to text, by the kind of a key (config.md §4). */
import { type ConfigValue, type KeySpec, type LogOutput, logOutputs } from './key-spec.ts';

/** Value of a text, or why it is none. `dropped` names the parts of a list that were left out. */
export type ParsedValue = { ok: true; value: ConfigValue; dropped: string[] } | { ok: false; expected: string };

const booleanWords: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  on: true,
  false: false,
  no: false,
  off: false,
};
const secondsPerUnit: Readonly<Record<string, number>> = { '': 1, s: 1, min: 60, h: 3600, d: 86400 };
/** The bit `update` that the original always adds to the mask of outputs. */
const updateBit = 128;

const plain = (value: ConfigValue): ParsedValue => ({ ok: true, value, dropped: [] });
const refuse = (expected: string): ParsedValue => ({ ok: false, expected });

function wholeNumber(text: string): number | undefined {
  if (text === '') return 0;
  if (!/^\s*[+-]?[0-9]+$/.test(text)) return undefined;
  const number = Number(text);
  return number >= -2147483648 && number <= 2147483647 ? number : undefined;
}

/**
 * Reads the text of a value. Never throws.
 * @param row row of the key
 * @param text verbatim text from a file, the command line, the environment or metadata
 */
export function parseValue(row: KeySpec, text: string): ParsedValue {
  switch (row.kind) {
    case 'text':
      return plain(text);
    case 'bool': {
      const word = booleanWords[text.toLowerCase()];
      if (word !== undefined) return plain(word);
      const number = wholeNumber(text);
      return number === undefined ? refuse('0, 1, true, false, yes, no, on or off') : plain(number !== 0);
    }
    case 'int': {
      const number = wholeNumber(text);
      return number === undefined ? refuse('a whole number of at most 32 bits') : plain(number);
    }
    case 'seconds': {
      const match = /^([0-9]{1,10})(s|min|h|d|)$/.exec(text);
      const seconds = match ? Number(match[1]) * secondsPerUnit[match[2] ?? '']! : 0;
      return seconds > 0 && seconds <= 2147483647 ? plain(seconds) : refuse('a positive number with s, min, h or d');
    }
    case 'choice':
      return row.choices.includes(text) ? plain(text) : refuse(row.choices.join(', '));
    case 'outputs': {
      const wanted = text.split(',');
      const value = logOutputs.filter((name) => wanted.includes(name));
      const dropped = wanted.filter((name) => name !== '' && !logOutputs.some((known) => known === name));
      return { ok: true, value, dropped };
    }
  }
}

const isOutputs = (value: ConfigValue): value is readonly LogOutput[] => typeof value === 'object';

/** The number that stands for a value in `GET /config`; text and booleans stay what they are, unset is null. */
export function valueAsJson(row: KeySpec, value: ConfigValue): string | number | boolean | null {
  if (value === undefined) return null;
  if (isOutputs(value)) return value.reduce((mask, name) => mask | (1 << logOutputs.indexOf(name)), updateBit);
  if (row.kind === 'choice') return row.choices.indexOf(String(value));
  return value;
}

/** The text that stands for a value in `GET /config2`: booleans as digits, choices by name, at most 255 characters. */
export function valueAsText(row: KeySpec, value: ConfigValue): string {
  if (value === undefined) return '(null)';
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (isOutputs(value)) return String(valueAsJson(row, value));
  return String(value).slice(0, 255);
}
