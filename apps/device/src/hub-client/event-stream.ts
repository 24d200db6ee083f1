/** Server-sent events (WHATWG HTML §9.2.6), as far as a device needs them: what kind of thing is new. */

/** Longest message, characters: a Hub that sends more sends nothing that a device could use. */
const longest = 64 * 1024;

/** What the device is to look at anew. */
export type News = 'steps' | 'user-meta';

/** Cuts a stream into messages. Feed it bytes as they come; an incomplete message waits for the rest. */
export class NewsReader {
  #rest = '';
  #dropping = false;

  /** What the whole messages up to here are about, each once. Never throws: what is no message says nothing. */
  push(bytes: Uint8Array): Set<News> {
    let text = this.#rest;
    // Only ASCII counts in what is looked at.
    for (let at = 0; at < bytes.length; at += 4096) text += String.fromCharCode(...bytes.subarray(at, at + 4096));
    const messages = text.replaceAll('\r', '').split('\n\n');
    const rest = messages.pop() ?? '';
    const news = new Set<News>();
    for (const message of messages) {
      if (!this.#dropping) for (const one of newsOf(message)) news.add(one);
      this.#dropping = false;
    }
    this.#dropping ||= rest.length > longest;
    // Of a message that is too long only the end matters.
    this.#rest = this.#dropping ? rest.slice(-1) : rest;
    return news;
  }
}

function newsOf(message: string): News[] {
  const data = message
    .split('\n')
    .flatMap((line) => (line.startsWith('data:') ? [line.slice(5)] : []))
    .join('');
  if (data === '') return [];
  const { type, what } = parse(data);
  // Something was missed.
  if (type === 'lost') return ['steps', 'user-meta'];
  // The device knows best how far it has come itself.
  if (type === 'step') return what === 'progress' ? [] : ['steps'];
  return type === 'device' && what !== 'device-meta' ? ['user-meta'] : [];
}

function parse(text: string): { type?: unknown; what?: unknown } {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}
