/** A Hub in its right mind for one device on a simulated machine: it hands out steps, hears progress, and can go away and come back. */
import type { HttpAnswer, HttpCall, HttpClient, HttpDownloaded, HttpStream, HttpTake } from '../../host/http-client.ts';
import { encodeUtf8 } from '../../host/memory/utf8.ts';
import { HostError } from '../../host/ports.ts';

const id = '0123456789abcdef01234567';
const ended = ['DONE', 'UPDATED', 'ERROR', 'WONTGO'];

interface Step {
  rev: number;
  state: unknown;
  progress: { status: string };
}

export class SteadyHub implements HttpClient {
  /** Whether the device belongs to somebody. */
  owned = true;
  reachable = true;
  registrations = 0;
  logins = 0;
  /** Tokens of the requests that bore one. */
  readonly tokens: string[] = [];
  /** How often the device has asked for steps. */
  polls = 0;
  /** Progress as it was told: revision and status. */
  readonly reports: string[] = [];
  readonly #steps: Step[] = [];

  /** Offers a revision until its progress has ended. @param state text of the state; its objects must be on the device */
  offer(rev: number, state: string): void {
    this.#steps.push({ rev, state: JSON.parse(state), progress: { status: 'NEW' } });
  }

  statusOf(rev: number): string | undefined {
    return this.#steps.find((step) => step.rev === rev)?.progress.status;
  }

  async request({ method, url, headers, body }: HttpCall): Promise<HttpAnswer> {
    if (!this.reachable) throw new HostError('ECONNREFUSED', 'ask', url);
    const token = headers.authorization?.replace('Bearer ', '');
    if (token !== undefined) this.tokens.push(token);
    const target = `${method} ${url.replace(/^https?:\/\/[^/]+/, '')}`;
    const text = typeof body === 'string' ? body : '{}';
    const answer = encodeUtf8(JSON.stringify(this.#answer(target, text)));
    return { status: 200, headers: {}, body: answer, server: '192.0.2.7:80' };
  }

  stream(_call: HttpCall, _take: HttpTake): HttpStream {
    // It does not know how to tell what is new.
    return { ended: Promise.reject(new HostError('ECONNRESET', 'listen')), close: () => {} };
  }

  async download(): Promise<HttpDownloaded> {
    return { complete: false, status: 404, headers: {} };
  }

  #answer(target: string, body: string): unknown {
    if (target === 'POST /devices/') {
      this.registrations += 1;
      return { id, prn: `prn:::devices:/${id}`, secret: 's', challenge: 'c' };
    }
    if (target === 'POST /auth/login') {
      this.logins += 1;
      return { token: 't' };
    }
    if (target === `GET /devices/${id}`) return { id, challenge: 'c', ...(this.owned ? { owner: 'o' } : {}) };
    if (target === 'GET /trails/') return [{ id }];
    const told = /^PUT \/trails\/[^/]+\/steps\/(\d+)\/progress$/.exec(target)?.[1];
    if (told !== undefined) return this.#hear(Number(told), JSON.parse(body));
    if (!target.startsWith(`GET /trails/${id}/steps`)) return {};
    this.polls += 1;
    return this.#steps.filter(({ progress }) => !ended.includes(progress.status));
  }

  #hear(rev: number, progress: { status: string }): unknown {
    this.reports.push(`${rev} ${progress.status}`);
    const step = this.#steps.find((candidate) => candidate.rev === rev);
    if (step !== undefined) step.progress = progress;
    return {};
  }
}
