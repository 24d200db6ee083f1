/** The stream on which the Hub tells what is new, so that nobody has to wait for the next question. */
import type { HubOutcome } from '@pantavisor/engine';
import type { HttpStream } from '../host/http-client.ts';
import { type HubConnection, outcomeOf } from './connection.ts';
import { type News, NewsReader } from './event-stream.ts';

export interface PushParts {
  connection: Pick<HubConnection, 'stream'>;
  opened(id: number): void;
  ended(id: number, outcome: HubOutcome): void;
  news(news: News): void;
}

const path = '/events/?topics=device,step';

export class Push {
  readonly #parts: PushParts;
  #stream: HttpStream | undefined;

  constructor(parts: PushParts) {
    this.#parts = parts;
  }

  /** Opens the stream; `ended` is called once for it, unless it was closed before. */
  open(id: number): void {
    const { connection, opened, ended, news } = this.#parts;
    this.close();
    const reader = new NewsReader();
    const isCurrent = () => this.#stream === stream;
    const stream = connection.stream(
      { what: 'listen to the Hub', path },
      {
        open: () => {
          if (isCurrent()) opened(id);
        },
        bytes: (piece) => {
          if (isCurrent()) for (const one of reader.push(piece)) news(one);
        },
      },
    );
    this.#stream = stream;
    stream.ended
      .then((): HubOutcome => ({ kind: 'ok' }), outcomeOf)
      .then((outcome) => {
        if (!isCurrent()) return;
        this.#stream = undefined;
        ended(id, outcome);
      });
  }

  /** Hangs up. */
  close(): void {
    const stream = this.#stream;
    this.#stream = undefined;
    stream?.close();
  }
}
