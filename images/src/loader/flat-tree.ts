/** Flattened device trees, written (Devicetree Specification 0.4, chapter 5): what boards are described in, and what a FIT is. */

/** A text is stored with its NUL, a number as a big-endian word of 32 bits, bytes as they are. */
export type TreeValue = string | number | Uint8Array;

export interface TreeNode {
  properties?: Readonly<Record<string, TreeValue>>;
  /** In the order in which they are to stand. */
  nodes?: Readonly<Record<string, TreeNode>>;
}

const token = { begin: 1, end: 2, property: 3, last: 9 } as const;
const headerWords = 10;
const [version, oldestReader] = [17, 16];

function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, 4 * index);
  return bytes;
}

/** Filled up to a whole number of words. */
const padded = (bytes: Uint8Array) => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
const text = (value: string) => Buffer.from(`${value}\0`);

function valueBytes(value: TreeValue): Uint8Array {
  if (typeof value === 'string') return text(value);
  return typeof value === 'number' ? words(value) : value;
}

/** Names of properties, each once, by their offset. */
class Names {
  readonly #offsets = new Map<string, number>();
  #length = 0;

  offset(name: string): number {
    const known = this.#offsets.get(name);
    if (known !== undefined) return known;
    const offset = this.#length;
    this.#offsets.set(name, offset);
    this.#length += name.length + 1;
    return offset;
  }

  get bytes(): Buffer {
    return Buffer.concat([...this.#offsets.keys()].map(text));
  }
}

function* structure(name: string, { properties = {}, nodes = {} }: TreeNode, names: Names): Generator<Uint8Array> {
  yield words(token.begin);
  yield padded(text(name));
  for (const [key, value] of Object.entries(properties)) {
    const bytes = valueBytes(value);
    yield words(token.property, bytes.length, names.offset(key));
    yield padded(bytes);
  }
  for (const [key, node] of Object.entries(nodes)) yield* structure(key, node, names);
  yield words(token.end);
}

/** A tree as bytes, with an empty list of reserved memory. The same tree gives the same bytes. */
export function flatTree(root: TreeNode): Uint8Array {
  const names = new Names();
  const tree = Buffer.concat([...structure('', root, names), words(token.last)]);
  const strings = names.bytes;
  const reservations = words(0, 0, 0, 0);
  const reserved = 4 * headerWords;
  const begin = reserved + reservations.length;
  const total = begin + tree.length + strings.length;
  const header = words(
    ...[0xd00dfeed, total, begin, begin + tree.length, reserved],
    ...[version, oldestReader, 0, strings.length, tree.length],
  );
  return Buffer.concat([header, reservations, tree, strings]);
}
