import { findMember, type JsonNode, type Problem, readJson } from '@pantavisor/state';

const unescapeStep = (step: string) => step.replaceAll('~1', '/').replaceAll('~0', '~');

/** Where in the text of one file a problem of the whole state stands. @param pointer JSON Pointer whose first step is the file */
export function placeOf(text: string, pointer: string): { from: number; to: number } {
  const steps = pointer.split('/').slice(2).map(unescapeStep);
  const { root } = readJson(text);
  let node: JsonNode | undefined = root;
  for (const step of steps) {
    const next: JsonNode | undefined =
      node?.kind === 'object'
        ? findMember(node, step)?.value
        : node?.kind === 'array'
          ? node.items[Number(step)]
          : undefined;
    if (next === undefined) break;
    node = next;
  }
  const from = node?.start ?? 0;
  return { from, to: Math.max(from, Math.min(text.length, node?.end ?? 0)) };
}

/** Problems of one file. */
export const problemsOf = (problems: readonly Problem[], key: string): Problem[] =>
  problems.filter(({ path }) => unescapeStep(path.split('/')[1] ?? '') === key);

/** Where the cursor is in a JSON text, however unfinished: names of members around it, and whether a name or a value is due. */
export interface CursorPlace {
  path: string[];
  due: 'name' | 'value';
  /** what was typed of it, without a quote */
  typed: string;
  /** where that begins, with its quote */
  from: number;
  /** members of the object around that come before */
  present: string[];
}

interface Level {
  kind: 'object' | 'array';
  name: string;
  present: string[];
  due: 'name' | 'value';
}

/** Reads a text up to the cursor; tolerant, because it is being typed. */
export function cursorPlace(text: string, cursor: number): CursorPlace {
  const levels: Level[] = [];
  const top = () => levels.at(-1);
  let key = '';
  let index = 0;
  while (index < cursor) {
    const letter = text[index] ?? '';
    const level = top();
    if (letter === '"') {
      let end = index + 1;
      while (end < cursor && text[end] !== '"') end += text[end] === '\\' ? 2 : 1;
      if (end >= cursor) return placeAt(levels, key, text.slice(index + 1, cursor), index);
      if (level?.kind === 'object' && level.due === 'name') {
        key = text.slice(index + 1, end);
        level.present.push(key);
      }
      index = end + 1;
      continue;
    }
    if (letter === '{' || letter === '[') {
      levels.push({
        kind: letter === '{' ? 'object' : 'array',
        name: key,
        present: [],
        due: letter === '{' ? 'name' : 'value',
      });
      key = '';
    } else if (letter === '}' || letter === ']') levels.pop();
    else if (letter === ':' && level?.kind === 'object') level.due = 'value';
    else if (letter === ',' && level?.kind === 'object') level.due = 'name';
    index += 1;
  }
  const typed = /[\w-]*$/.exec(text.slice(0, cursor))?.[0] ?? '';
  return placeAt(levels, key, typed, cursor - typed.length);
}

function placeAt(levels: Level[], key: string, typed: string, from: number): CursorPlace {
  const level = levels.at(-1);
  const outer = levels.slice(1).map(({ name }) => name);
  const due = level?.due ?? 'value';
  return {
    path: due === 'value' && level?.kind === 'object' ? [...outer, key] : outer,
    due,
    typed,
    from,
    present: level?.present ?? [],
  };
}
