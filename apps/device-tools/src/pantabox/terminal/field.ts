/** One line of text that is being typed. */
import type { Key } from './keys.ts';
import { widthOf } from './text.ts';

export interface Field {
  text: string;
  /** Where the next character goes, in UTF-16 units. */
  at: number;
}

export const fieldOf = (text: string): Field => ({ text, at: text.length });

/** The field after a key; the same one when the key means nothing to it. */
export function typed(field: Field, key: Key): Field {
  const { text, at } = field;
  const before = text.slice(0, at);
  const after = text.slice(at);
  switch (key.name) {
    case 'character':
      return { text: before + key.text + after, at: at + key.text.length };
    case 'paste': {
      const line = key.text.replace(/\n+$/, '').replaceAll('\n', ' ');
      return { text: before + line + after, at: at + line.length };
    }
    case 'backspace': {
      const kept = [...before].slice(0, -1).join('');
      return { text: kept + after, at: kept.length };
    }
    case 'delete':
      return { text: before + [...after].slice(1).join(''), at };
    case 'left':
      return { text, at: [...before].slice(0, -1).join('').length };
    case 'right':
      return { text, at: at + ([...after][0]?.length ?? 0) };
    case 'home':
      return { text, at: 0 };
    case 'end':
      return { text, at: text.length };
    case 'control':
      return edited(field, key.text);
    default:
      return field;
  }
}

/** Keys that shells have. */
function edited(field: Field, letter: string): Field {
  const { text, at } = field;
  switch (letter) {
    case 'a':
      return { text, at: 0 };
    case 'e':
      return { text, at: text.length };
    case 'u':
      return { text: text.slice(at), at: 0 };
    case 'k':
      return { text: text.slice(0, at), at };
    case 'w': {
      const kept = text.slice(0, at).replace(/\S*\s*$/, '');
      return { text: kept + text.slice(at), at: kept.length };
    }
    default:
      return field;
  }
}

/** What is seen of a field in so many cells, and in which the cursor stands. */
export function shownField({ text, at }: Field, room: number): { text: string; cursor: number } {
  const characters = [...text];
  const place = [...text.slice(0, at)].length;
  let begin = 0;
  while (widthOf(characters.slice(begin, place).join('')) >= room && begin < place) begin += 1;
  let shown = '';
  for (const character of characters.slice(begin)) {
    if (widthOf(shown + character) > room) break;
    shown += character;
  }
  return { text: shown, cursor: widthOf(characters.slice(begin, place).join('')) };
}
