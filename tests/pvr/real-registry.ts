/** Debian's docker-registry as a child process, with images made by umoci and copied by skopeo; also with token log-in. */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { createSign, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';

/** Why the registry tests cannot run here, or false. */
export function skipWithoutRegistry(): false | string {
  const missing = ['docker-registry', 'skopeo', 'umoci', 'sqfstar'].filter(
    (name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0,
  );
  return missing.length === 0 ? false : `this machine lacks ${missing.join(', ')}`;
}

export function must(program: string, argv: readonly string[], cwd?: string): string {
  const { status, stdout, stderr, error } = spawnSync(program, argv, {
    encoding: 'utf8',
    timeout: 60_000,
    ...(cwd === undefined ? {} : { cwd }),
  });
  if (error || status !== 0) throw new Error(`${program} ${argv.join(' ')}: ${error?.message ?? stderr}`);
  return stdout;
}

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export interface Registry {
  /** E.g. `127.0.0.1:5000`. */
  host: string;
  directory: string;
  /** What clients must trust, PEM file; only with TLS. */
  certificate?: string;
  /** Copies an image of the layout into the registry. @param format `oci` or `v2s2` (docker) */
  push(image: string, name: string, format: 'oci' | 'v2s2', credentials?: string): Promise<void>;
}

/**
 * @param users with these, a token service logs in whoever is among them
 * @param secure speak TLS, with a certificate that nobody knows
 */
export async function startRegistry(
  context: TestContext,
  users?: Readonly<Record<string, string>>,
  secure = false,
): Promise<Registry> {
  const directory = mkdtempSync(join(tmpdir(), 'pvr-registry-'));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  const port = await freePort();
  const host = `127.0.0.1:${port}`;
  const auth = users === undefined ? '' : await startTokenService(context, directory, host, users);
  const [key, certificate] = [join(directory, 'tls.key'), join(directory, 'tls.crt')];
  if (secure) makeCertificate(key, certificate, '127.0.0.1', ['-addext', 'subjectAltName=IP:127.0.0.1']);
  const tls = secure ? `, tls: {certificate: ${certificate}, key: ${key}}` : '';
  writeFileSync(
    join(directory, 'config.yml'),
    `version: 0.1\nlog: {level: info}\nstorage:\n  filesystem: {rootdirectory: ${directory}/data}\nhttp: {addr: "${host}"${tls}}\n${auth}`,
  );
  const child: ChildProcess = spawn('docker-registry', ['serve', join(directory, 'config.yml')], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'exit');
  context.after(async () => {
    child.kill();
    await ended;
  });
  await new Promise<void>((resolve, reject) => {
    const said: string[] = [];
    for (const stream of [child.stdout!, child.stderr!])
      createInterface(stream).on('line', (line) => {
        said.push(line);
        if (/listening on/.test(line)) resolve();
      });
    void ended.then(() => reject(new Error(`docker-registry ended:\n${said.join('\n')}`)));
  });
  return {
    host,
    directory,
    ...(secure ? { certificate } : {}),
    push: async (image, name, format, credentials) => {
      const as = credentials === undefined ? [] : ['--dest-creds', credentials];
      const argv = ['copy', '--insecure-policy', '--dest-tls-verify=false', '--format', format, ...as];
      // Not synchronous: the token service runs in this process.
      await promisify(execFile)('skopeo', [...argv, `oci:${image}`, `docker://${host}/${name}`], { timeout: 60_000 });
    },
  };
}

function makeCertificate(key: string, certificate: string, name: string, more: readonly string[] = []): void {
  const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', certificate, '-days', '2'];
  must('openssl', [...made, '-subj', `/CN=${name}`, ...more]);
}

/** The registry's token specification: JSON web tokens, signed by a certificate that the registry trusts. */
async function startTokenService(
  context: TestContext,
  directory: string,
  host: string,
  users: Readonly<Record<string, string>>,
): Promise<string> {
  const [key, certificate] = [join(directory, 'token.key'), join(directory, 'token.crt')];
  makeCertificate(key, certificate, 'tokens');
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const x5c = [new X509Certificate(readFileSync(certificate)).raw.toString('base64')];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://x');
    const [user = '', password] = Buffer.from((request.headers.authorization ?? '').replace(/^Basic /, ''), 'base64')
      .toString()
      .split(':');
    if (users[user] === undefined || users[user] !== password) {
      response.writeHead(401).end('{"details":"who are you?"}');
      return;
    }
    const access = url.searchParams.getAll('scope').map((scope) => {
      const [type, ...rest] = scope.split(':');
      const actions = rest.pop()!.split(',');
      return { type, name: rest.join(':'), actions };
    });
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: 'tests',
      sub: user,
      aud: url.searchParams.get('service'),
      exp: now + 300,
      nbf: now - 10,
      iat: now,
      jti: String(now),
      access,
    };
    const text = `${encode({ typ: 'JWT', alg: 'RS256', x5c })}.${encode(claims)}`;
    const signature = createSign('RSA-SHA256').update(text).sign(readFileSync(key)).toString('base64url');
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ token: `${text}.${signature}` }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const realm = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
  return `auth:\n  token: {realm: "${realm}", service: "${host}", issuer: tests, rootcertbundle: ${certificate}}\n`;
}

/** An OCI layout with an image of three layers, one of which removes and replaces. @returns `<layout>:v1` */
export function makeImage(directory: string, name: string, greeting: string): string {
  const layout = join(directory, name);
  const [lower, upper, opaque] = ['lower', 'upper', 'opaque'].map((part) => join(directory, `${name}-${part}`)) as [
    string,
    string,
    string,
  ];
  mkdirSync(join(lower, 'bin'), { recursive: true });
  mkdirSync(join(lower, 'etc/conf.d'), { recursive: true });
  must('cp', ['/bin/busybox', join(lower, 'bin/busybox')]);
  symlinkSync('busybox', join(lower, 'bin/sh'));
  must('ln', [join(lower, 'bin/busybox'), join(lower, 'bin/hard')]);
  writeFileSync(join(lower, 'etc/removed'), 'x');
  writeFileSync(join(lower, 'etc/greeting'), 'old');
  writeFileSync(join(lower, 'etc/conf.d/low'), 'low');
  mkdirSync(join(upper, 'etc'), { recursive: true });
  writeFileSync(join(upper, 'etc/greeting'), greeting);
  writeFileSync(join(upper, 'etc/tool'), '#!/bin/sh\n');
  chmodSync(join(upper, 'etc/tool'), 0o755);
  mkdirSync(opaque, { recursive: true });
  writeFileSync(join(opaque, 'high'), 'high');
  must('umoci', ['init', '--layout', layout]);
  const image = `${layout}:v1`;
  must('umoci', ['new', '--image', image]);
  must('umoci', ['insert', '--image', image, lower, '/']);
  must('umoci', ['insert', '--image', image, upper, '/']);
  must('umoci', ['insert', '--image', image, '--whiteout', '/etc/removed']);
  must('umoci', ['insert', '--image', image, '--opaque', opaque, '/etc/conf.d']);
  must('umoci', [
    'config',
    '--image',
    image,
    '--config.entrypoint',
    '/bin/sh',
    '--config.cmd',
    '-c',
    '--config.cmd',
    'sleep 1000',
    '--config.env',
    'GREETING=1',
    '--config.volume',
    '/var/lib/x',
    '--config.workingdir',
    '/etc',
  ]);
  return image;
}
