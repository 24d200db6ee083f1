/**
 * A JSON text as a tree that knows where each value stands: `text.slice(node.start, node.end)` is the value exactly as it
 * was written. Numbers stay text, members keep document order and duplicates.
 */

interface Slice {
  /** Offset of the first character of the value in the source, in UTF-16 units. */
  start: number;
  /** Offset behind its last character. */
  end: number;
}

export interface JsonMember {
  /** Name with escape sequences decoded. */
  key: string;
  /** Slice of the name between its quotes, as written. */
  keyStart: number;
  keyEnd: number;
  /** The name contains escape sequences, so `key` is not what stands in the source. */
  escaped: boolean;
  value: JsonNode;
}

export interface JsonObject extends Slice {
  kind: 'object';
  /** In document order, duplicates included. Empty when the object lies below the depth asked for. */
  members: JsonMember[];
}

export interface JsonArray extends Slice {
  kind: 'array';
  /** Empty when the array lies below the depth asked for. */
  items: JsonNode[];
}

export interface JsonString extends Slice {
  kind: 'string';
  value: string;
}

export interface JsonNumber extends Slice {
  kind: 'number';
  /** As written; nothing is lost to binary floats. */
  text: string;
}

export interface JsonBoolean extends Slice {
  kind: 'boolean';
  value: boolean;
}

export interface JsonNull extends Slice {
  kind: 'null';
}

/** Stands where no JSON value could be read; the reader reported why, so consumers stay silent. */
export interface JsonBroken extends Slice {
  kind: 'broken';
}

export type JsonNode = JsonObject | JsonArray | JsonString | JsonNumber | JsonBoolean | JsonNull | JsonBroken;

/**
 * The member of a name. Of duplicates the last one counts, as in every JSON library that reads the same document on the
 * way to the device.
 */
export function findMember(object: JsonObject, key: string): JsonMember | undefined {
  for (let index = object.members.length - 1; index >= 0; index -= 1) {
    const member = object.members[index];
    if (member?.key === key) return member;
  }
  return undefined;
}

/** Appends one step to a JSON Pointer (RFC 6901 §3). */
export function pointerTo(parent: string, step: string | number): string {
  const text = String(step);
  return `${parent}/${/[~/]/.test(text) ? text.replaceAll('~', '~0').replaceAll('/', '~1') : text}`;
}
