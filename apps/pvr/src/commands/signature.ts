/** `pvr sig`. */
import type { CommandSpec, Flag, Input } from '@pantavisor/cli';
import { Failure } from '@pantavisor/cli';
import type { Pvr } from '../context.ts';
import type { MatchLists } from '../signatures/sign.ts';
import type { Trust } from '../signatures/verify.ts';

type Command = CommandSpec<Pvr>;

const file = (names: readonly string[], help: string, env: string): Flag => ({
  names,
  kind: 'text',
  value: 'file',
  help,
  env: [env],
  complete: 'file',
});

const flags: readonly Flag[] = [
  file(['key', 'k'], 'private key (PEM); default: pvs/key.default.pem of the config directory', 'PVR_SIG_KEY'),
  file(
    ['x5c', 'x'],
    "certificates of the key, leaf first; 'no' for none; default: pvs/x5c.default.pem, when no key is named",
    'PVR_X5C_PATH',
  ),
  file(['pubkey', 'p'], 'verify with these public keys', 'PVR_SIG_PUBKEY'),
  file(['cacerts', 'c'], 'verify against these authorities; default: pvs/cacerts.default.pem', 'PVR_SIG_CACERTS'),
  {
    names: ['certs-url'],
    kind: 'text',
    value: 'url',
    env: ['PVS_CERTS_URL'],
    help: 'where default keys come from when they are missing',
  },
  {
    names: ['with-payload'],
    kind: 'boolean',
    env: ['PVS_SIG_WITH_PAYLOAD'],
    help: 'put the signed text into the signature, too',
  },
  {
    names: ['output'],
    kind: 'text',
    value: 'file',
    env: ['PVS_SIG_OUTPUT'],
    help: "write the signature here, too; '-' for standard output",
    complete: 'file',
  },
];

async function signer(pvr: Pvr, input: Input) {
  const { readCertificates, readPrivateKey } = await import('../signatures/keys.ts');
  const { defaultFile } = await import('../signatures/defaults.ts');
  const url = input.text('certs-url');
  const given = input.text('key');
  const key = readPrivateKey(pvr.path(given ?? (await defaultFile(pvr, 'key.default.pem', url))));
  const chain = input.text('x5c') ?? (given === undefined ? await defaultFile(pvr, 'x5c.default.pem', url) : 'no');
  return { key, certificates: chain === 'no' ? [] : readCertificates(pvr.path(chain)) };
}

/** What to verify with. @throws Failure `key-missing` */
export async function trustOf(pvr: Pvr, input: Input): Promise<Trust> {
  const { readCertificates, readPublicKeys } = await import('../signatures/keys.ts');
  const { defaultFile } = await import('../signatures/defaults.ts');
  const pubkey = input.text('pubkey');
  if (pubkey !== undefined) return { kind: 'keys', keys: readPublicKeys(pvr.path(pubkey)) };
  const cacerts = input.text('cacerts');
  if (cacerts === '_system_')
    throw new Failure(
      'key-invalid',
      'cannot verify with the authorities of the system: they sign no states; name a file with --cacerts',
    );
  return {
    kind: 'authorities',
    pool: readCertificates(
      pvr.path(cacerts ?? (await defaultFile(pvr, 'cacerts.default.pem', input.text('certs-url')))),
    ),
  };
}

async function writeSignature(
  pvr: Pvr,
  root: string,
  key: string,
  text: string,
  output: string | undefined,
): Promise<void> {
  const { mkdirSync, writeFileSync } = await import('node:fs');
  const { join, resolve } = await import('node:path');
  mkdirSync(join(root, '_sigs'), { recursive: true });
  writeFileSync(join(root, key), text);
  if (output === '-') pvr.terminal.stdout.write(text);
  else if (output !== undefined) writeFileSync(resolve(pvr.directory, output), text);
}

function withExitCode(error: unknown, exitCode: number): unknown {
  if (!(error instanceof Failure) || error.exitCode !== undefined) return error;
  return new Failure(error.code, error.message, {
    exitCode,
    cause: error,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
}

const add: Command = {
  names: ['add', 'a'],
  summary: 'sign a part of the committed state',
  about:
    'The signature is written to _sigs/<name>.json of the working tree: add and commit it. Sign what is committed, so commit first.',
  flags: [
    {
      names: ['part', 'p', 'parts'],
      kind: 'list',
      value: 'a,b',
      help: 'sign these parts, each with its configuration',
      complete: 'part',
    },
    { names: ['raw', 'r'], kind: 'text', value: 'name', help: 'sign exactly what --include and --exclude say' },
    {
      names: ['include', 'i'],
      kind: 'list',
      value: 'pattern',
      help: 'what to sign; ** spans directories',
      fallback: '**',
    },
    { names: ['exclude', 'e'], kind: 'list', value: 'pattern', help: 'what to leave out', fallback: 'src.json' },
    { names: ['noconfig', 'n'], kind: 'boolean', help: 'leave _config/<name> out' },
  ],
  examples: [
    ['pvr sig -k key.pem -x chain.pem add --part web && pvr add _sigs && pvr commit', 'sign one container'],
    [
      "pvr sig add --raw bsp --include 'bsp/**' --include device.json --include '#spec' --exclude bsp/src.json",
      'name every pattern',
    ],
  ],
  async run(pvr, input) {
    const raw = input.text('raw');
    const parts = input
      .list('part')
      .flatMap((names) => names.split(','))
      .filter((name) => name !== '');
    // Below `sig`, -p means the public key of the group before the command and the part behind it; both reach here apart.
    if ((parts.length === 0) === (raw === undefined))
      throw new Failure('usage', 'cannot sign: give exactly one of --part and --raw', { exitCode: 5 });
    const { signState } = await import('../signatures/sign.ts');
    const { checkKey } = await import('../repository/values.ts');
    const repository = pvr.repository();
    const made: { signature: string; include: readonly string[]; exclude: readonly string[] }[] = [];
    try {
      const { key, certificates } = await signer(pvr, input);
      for (const name of raw === undefined ? parts : [raw]) {
        checkKey(`_sigs/${name}.json`);
        const lists = raw === undefined ? partLists(name, input) : rawLists(input);
        const text = signState(repository.readState(), lists, key, certificates, input.on('with-payload'));
        await writeSignature(pvr, repository.root, `_sigs/${name}.json`, text, input.text('output'));
        made.push({ signature: `_sigs/${name}.json`, ...lists });
      }
    } catch (error) {
      throw withExitCode(error, 127);
    }
    // One signature is told as it always was; several as a list.
    return { text: '', json: made.length === 1 ? made[0] : made };
  },
};

function partLists(part: string, input: Input): MatchLists {
  const below = (pattern: string): string => `${part}/${pattern}`;
  return {
    include: [...input.list('include').map(below), ...(input.on('noconfig') ? [] : [`_config/${part}/**`])],
    exclude: [...input.list('exclude').map(below), `_sigs/${part}.json`],
  };
}

function rawLists(input: Input): MatchLists {
  // The original forgets the name here; its signatures carry it so, and devices have seen no other form.
  return { include: [...input.list('include')], exclude: [...input.list('exclude'), '_sigs/.json'] };
}

const update: Command = {
  names: ['update', 'up'],
  summary: 'sign again what signatures of the committed state speak of',
  arguments: [
    {
      name: 'name',
      optional: true,
      rest: true,
      help: 'name of a signature, or a pattern of paths; default: all',
      complete: 'signature',
    },
  ],
  async run(pvr, input) {
    const { readHeader } = await import('@pantavisor/state');
    const { existsSync, readFileSync } = await import('node:fs');
    const { basename, join } = await import('node:path');
    const { readSignature, signaturesOf } = await import('../signatures/verify.ts');
    const { signState } = await import('../signatures/sign.ts');
    const { globPattern } = await import('../repository/glob.ts');
    const repository = pvr.repository();
    const state = repository.readState();
    const wanted = (input.values.length === 0 ? ['_sigs/*.json'] : input.values.map(pathOfName)).map(globPattern);
    const done: string[] = [];
    try {
      const { key, certificates } = await signer(pvr, input);
      for (const [name, committed] of signaturesOf(state)) {
        if (!wanted.some((matches) => matches(name))) continue;
        const path = join(repository.root, name);
        const current = existsSync(path) ? readSignature(readFileSync(path, 'utf8')) : undefined;
        const header = readHeader((current ?? committed).protected);
        if (typeof header === 'string') throw new Failure('signature-invalid', `cannot sign ${name} again: ${header}`);
        const text = signState(state, header, key, certificates, input.on('with-payload'));
        const target = `_sigs/${basename(name)}`;
        await writeSignature(pvr, repository.root, target, text, input.text('output'));
        pvr.note(`Updating pvs signature @ ${name} [DONE]`);
        done.push(target);
      }
    } catch (error) {
      throw withExitCode(error, 126);
    }
    return { text: '', json: { updated: done } };
  },
};

const pathOfName = (word: string): string =>
  word.includes('/') || word.endsWith('.json') ? word : `_sigs/${word}.json`;

const list: Command = {
  names: ['ls', 'l'],
  summary: 'verify signatures and show what they cover',
  about: 'protected: signed; excluded: left out on purpose; notseen: no signature speaks of it.',
  arguments: [
    {
      name: 'name',
      optional: true,
      rest: true,
      help: 'name or path of a signature; default: all',
      complete: 'signature',
    },
  ],
  flags: [
    { names: ['with-sigs', 's', 'with-sig'], kind: 'boolean', help: 'print the signatures, too' },
    {
      names: ['part', 'p'],
      kind: 'list',
      value: 'name',
      help: 'name or path of a signature, as an argument',
      complete: 'signature',
    },
  ],
  async run(pvr, input) {
    const { signaturesOf, verifySignature } = await import('../signatures/verify.ts');
    const { payloadText } = await import('../signatures/sign.ts');
    const { prettyText } = await import('../repository/values.ts');
    const { canonicalValue } = await import('@pantavisor/state');
    const repository = pvr.repository();
    const state = repository.readState();
    const all = signaturesOf(state);
    const wanted = [...input.values, ...input.list('part')];
    const names = wanted.length === 0 ? [...all.keys()] : wanted.map(pathOfName);
    const covered = new Set<string>();
    const left = new Set<string>();
    const documents: unknown[] = [];
    const trust =
      names.length === 0
        ? undefined
        : await trustOf(pvr, input).catch((error) => Promise.reject(withExitCode(error, 13)));
    for (const name of names) {
      const document = all.get(name);
      if (!document)
        throw new Failure('signature-missing', `cannot find the signature ${name} in the committed state`, {
          exitCode: 125,
        });
      const verdict = verifySignature(state, document, trust!);
      if (typeof verdict === 'string')
        throw new Failure('signature-invalid', `cannot verify ${name}: ${verdict}`, { exitCode: 13 });
      for (const key of verdict.included) covered.add(key);
      for (const key of verdict.excluded) left.add(key);
      // The original writes the ordinary alphabet here, without padding.
      const payload = Buffer.from(payloadText(state, verdict.included)).toString('base64').replace(/=+$/, '');
      documents.push({ ...JSON.parse(document.text), ...(input.on('with-payload') ? { payload } : {}) });
    }
    const keys = ['#spec', ...state.values.keys()].sort();
    const report = {
      protected: keys.filter((key) => covered.has(key)),
      excluded: keys.filter((key) => left.has(key) && !covered.has(key)),
      notseen: keys.filter((key) => !left.has(key) && !covered.has(key)),
      sigs: input.on('with-sigs') ? documents : [],
    };
    const shown = Object.fromEntries(Object.entries(report).filter(([, value]) => value.length > 0));
    // Members stay in this order, as the original has them.
    const text = `{${Object.entries(shown)
      .map(
        ([name, value]) =>
          `\n    "${name}": ${prettyText(canonicalValue(value), '    ', true).replaceAll('\n', '\n    ')}`,
      )
      .join(',')}\n}\n`;
    return { text, json: shown };
  },
};

export const signatureCommands: readonly Command[] = [
  {
    names: ['sig'],
    summary: 'sign parts of the state and verify signatures',
    about:
      'RSA keys sign with RS256, keys on P-256, P-384 and P-521 with ES256, ES384 and ES512. Flags for keys stand before the command.',
    flags,
    commands: [add, update, list],
  },
];
