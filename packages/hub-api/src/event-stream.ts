import type { HubEvent } from './events.ts';

/** One message of a server-sent event stream. */
export interface StreamMessage {
  id: string;
  event: string;
  data: string;
}

/**
 * Cuts a server-sent event stream into messages (WHATWG HTML §9.2.6); comments and empty messages are skipped.
 * Feed it text as it arrives; an incomplete message waits for the rest.
 */
export class EventStreamParser {
  #rest = '';
  #lastId = '';

  push(text: string): StreamMessage[] {
    const blocks = (this.#rest + text).replaceAll('\r\n', '\n').split('\n\n');
    this.#rest = blocks.pop() ?? '';
    return blocks.flatMap((block) => this.#parse(block));
  }

  #parse(block: string): StreamMessage[] {
    let event = 'message';
    const data: string[] = [];
    for (const line of block.split('\n')) {
      const colon = line.indexOf(':');
      if (colon === 0) continue;
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
      if (field === 'event') event = value;
      else if (field === 'data') data.push(value);
      else if (field === 'id') this.#lastId = value;
    }
    return data.length === 0 ? [] : [{ id: this.#lastId, event, data: data.join('\n') }];
  }
}

/**
 * Reads hub events from the answer of `/events/`.
 * @param response answer with status 200
 * @returns the events in order, until the stream ends
 */
export async function* readHubEvents(response: Response): AsyncGenerator<{ id: string; event: HubEvent }> {
  if (response.body === null) return;
  const parser = new EventStreamParser();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      for (const message of parser.push(value)) yield { id: message.id, event: JSON.parse(message.data) as HubEvent };
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
