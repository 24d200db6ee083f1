/** What the Hub is asked, one row a request of the engine (hub-api, hub-client §1.3 to §1.5). */
import type { HubOutcome, HubReport, HubRequest } from '@pantavisor/engine';
import type { ConfigStore } from '../config/store.ts';
import { type HubConnection, outcomeOf, parseObject } from './connection.ts';
import type { Credentials } from './credentials.ts';
import type { ExternalCredentials } from './external.ts';
import type { FactoryUpload } from './factory.ts';
import { pollPath, readOffer } from './steps.ts';

export interface QuestionsParts {
  connection: HubConnection;
  credentials: Credentials;
  external: ExternalCredentials;
  store: ConfigStore;
  factory: FactoryUpload;
  /** The device may be claimed with this. */
  onChallenge(challenge: string): void;
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Asks, and says what came of it. Never rejects. */
export function createQuestions(parts: QuestionsParts) {
  const { connection, credentials, external, store, factory, onChallenge } = parts;

  const rows: Readonly<Record<HubRequest, () => Promise<HubOutcome>>> = {
    register: async () => {
      if (external.used) {
        await external.register();
        await credentials.load();
        if (!credentials.registered)
          throw new Error('cannot register: the program has ended well, but there is no creds.id in pantahub.config');
        connection.dropToken();
        await credentials.hints('');
        return { kind: 'ok' };
      }
      const token = store.snapshot().PH_FACTORY_AUTOTOK ?? '';
      const headers: Record<string, string> = token === '' ? {} : { 'pantahub-devices-auto-token-v1': token };
      const { text } = await connection.open({ what: 'register', method: 'POST', path: '/devices/', headers });
      const answer = parseObject(text);
      const [id, prn, secret] = [textOf(answer.id), textOf(answer.prn), textOf(answer.secret)];
      if (id === '' || prn === '' || secret === '')
        throw new Error('cannot register: the answer names no id and secret');
      connection.dropToken();
      await credentials.register({ id, prn, secret });
      return { kind: 'ok' };
    },
    'ask-owner': async () => {
      const { text } = await connection.ask({
        what: 'ask for the owner',
        method: 'GET',
        path: `/devices/${credentials.id}`,
      });
      const answer = parseObject(text);
      if (textOf(answer.id) === '') throw new Error('cannot ask for the owner: the answer names no device');
      if (textOf(answer.owner) !== '') return { kind: 'yes' };
      const challenge = textOf(answer.challenge);
      await credentials.hints(challenge);
      onChallenge(challenge);
      return { kind: 'no' };
    },
    login: async () => {
      await connection.login();
      return { kind: 'ok' };
    },
    'ask-trail': async () => {
      const { text } = await connection.ask({ what: 'ask for the trail', method: 'GET', path: '/trails/' });
      const answer: unknown = JSON.parse(text);
      if (!Array.isArray(answer)) throw new Error('cannot ask for the trail: the answer is no list');
      return answer.length > 0 ? { kind: 'yes' } : { kind: 'no' };
    },
    'upload-factory': async () => {
      await factory.upload();
      return { kind: 'ok' };
    },
    'poll-steps': async () => {
      const { text } = await connection.ask({ what: 'ask for steps', method: 'GET', path: pollPath(credentials.id) });
      const step = readOffer(text);
      return step === undefined ? { kind: 'ok' } : { kind: 'step', step };
    },
  };

  return {
    ask: (request: HubRequest): Promise<HubOutcome> => rows[request]().catch(outcomeOf),
    report: ({ revision, body }: HubReport): Promise<HubOutcome> =>
      connection
        .ask({
          what: 'report progress',
          method: 'PUT',
          path: `/trails/${credentials.id}/steps/${revision}/progress`,
          json: body,
        })
        .then((): HubOutcome => ({ kind: 'ok' }), outcomeOf),
  };
}
