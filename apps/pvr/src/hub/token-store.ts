/** `auth.json`: tokens by authentication endpoint and realm, shared with the original (pvr §6). */
import { chmodSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '@pantavisor/cli';
import { replaceFile } from '../repository/durable.ts';

interface StoredToken {
  Name: string;
  'access-token': string;
  'refresh-token': string;
}

interface StoreFile {
  spec: string;
  tokens: Record<string, StoredToken>;
}

export class TokenStore {
  readonly #path: string;
  readonly #directory: string;

  constructor(configDirectory: string) {
    this.#directory = configDirectory;
    this.#path = join(configDirectory, 'auth.json');
  }

  /** Keys look like `https://api.example.com/auth realm=pantahub services`. */
  keys(): string[] {
    return Object.keys(this.#read().tokens);
  }

  get(key: string): { access: string; refresh: string } | undefined {
    const token = this.#read().tokens[key];
    return token && token['access-token'] !== ''
      ? { access: token['access-token'], refresh: token['refresh-token'] }
      : undefined;
  }

  set(key: string, token: string): void {
    this.#change((tokens) => {
      tokens[key] = { Name: '', 'access-token': token, 'refresh-token': token };
    });
  }

  remove(key: string): void {
    this.#change((tokens) => {
      delete tokens[key];
    });
  }

  #change(change: (tokens: StoreFile['tokens']) => void): void {
    const store = this.#read();
    change(store.tokens);
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    replaceFile(this.#path, JSON.stringify(store, null, '    '), 0o600);
    // A file of an older version may have been open to others.
    chmodSync(this.#path, 0o600);
  }

  #read(): StoreFile {
    if (!existsSync(this.#path)) return { spec: '1', tokens: {} };
    try {
      const store = JSON.parse(readFileSync(this.#path, 'utf8')) as Partial<StoreFile>;
      return { spec: '1', ...store, tokens: store.tokens ?? {} };
    } catch (cause) {
      throw new Failure('tokens-invalid', `cannot read ${this.#path}: ${(cause as Error).message}`, {
        cause,
        exitCode: 4,
        hint: 'remove the file and log in again',
      });
    }
  }
}
