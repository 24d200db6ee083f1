/** The file `.status` of a transaction, whose layout other programs read: integers of the machine's byte order and two paths (pvtx.md §1). */

export type Phase = 'error' | 'set' | 'active' | 'aborted' | 'committed' | 'deployed';
const phases: readonly Phase[] = ['error', 'set', 'active', 'aborted', 'committed', 'deployed'];

export interface Status {
  phase: Phase;
  /** Folder of objects; empty: the transaction is remote, its objects go to the device. */
  objects: string;
  /** Present when there is a queue. */
  queue?: { folder: string; count: number };
}

const pathSize = 4096;
const plainSize = 8 + pathSize;
const queueSize = plainSize + pathSize + 8;
/** Every machine that this runs on has the low byte first. */
const littleEndian = true;

/** @throws Error when a path does not fit */
export function encodeStatus({ phase, objects, queue }: Status, encode: (text: string) => Uint8Array): Uint8Array {
  const bytes = new Uint8Array(queue ? queueSize : plainSize);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, phases.indexOf(phase), littleEndian);
  view.setInt32(4, objects === '' ? 0 : 1, littleEndian);
  const put = (path: string, at: number) => {
    const text = encode(path);
    if (text.length >= pathSize) throw new Error(`a path has at most ${pathSize - 1} bytes`);
    bytes.set(text, at);
  };
  put(objects, 8);
  if (queue) {
    put(queue.folder, plainSize);
    view.setInt32(plainSize + pathSize, queue.count, littleEndian);
  }
  return bytes;
}

/** Undefined when it is none. */
export function decodeStatus(bytes: Uint8Array, decode: (bytes: Uint8Array) => string): Status | undefined {
  if (bytes.length !== plainSize && bytes.length !== queueSize) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const path = (at: number) => {
    const field = bytes.subarray(at, at + pathSize);
    return decode(field.subarray(0, Math.max(0, field.indexOf(0))));
  };
  const phase = phases[view.getInt32(0, littleEndian)];
  if (phase === undefined) return undefined;
  const status: Status = { phase, objects: view.getInt32(4, littleEndian) === 0 ? '' : path(8) };
  if (bytes.length === queueSize)
    status.queue = { folder: path(plainSize), count: view.getInt32(plainSize + pathSize, littleEndian) };
  return status;
}
