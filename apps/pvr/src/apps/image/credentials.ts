/** Names and passwords for registries: given, or those of docker's and podman's own configuration. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '@pantavisor/cli';

export interface Credentials {
  username: string;
  password: string;
  /** A token that stands for both at the place where tokens are made. */
  identityToken?: string;
}

interface DockerConfig {
  auths?: Record<string, { auth?: string; username?: string; password?: string; identitytoken?: string }>;
  credsStore?: string;
  credHelpers?: Record<string, string>;
}

/** What docker knows about a registry; undefined when it knows nothing. @throws Failure `credentials-invalid` */
export function findCredentials(
  registry: string,
  environment: Readonly<Record<string, string | undefined>>,
): Credentials | undefined {
  const home = environment.HOME ?? '/root';
  const files = [
    join(environment.DOCKER_CONFIG ?? join(home, '.docker'), 'config.json'),
    environment.REGISTRY_AUTH_FILE,
    environment.XDG_RUNTIME_DIR === undefined
      ? undefined
      : join(environment.XDG_RUNTIME_DIR, 'containers', 'auth.json'),
  ].filter((path) => path !== undefined);
  for (const path of files) {
    if (!existsSync(path)) continue;
    let config: DockerConfig;
    try {
      config = JSON.parse(readFileSync(path, 'utf8')) as DockerConfig;
    } catch (cause) {
      throw new Failure('credentials-invalid', `cannot read ${path}: ${(cause as Error).message}`, {
        cause,
        exitCode: 3,
      });
    }
    const found = fromConfig(registry, config, environment);
    if (found) return found;
  }
  return undefined;
}

function fromConfig(
  registry: string,
  { auths = {}, credsStore, credHelpers = {} }: DockerConfig,
  environment: Readonly<Record<string, string | undefined>>,
): Credentials | undefined {
  const names =
    registry === 'docker.io'
      ? ['https://index.docker.io/v1/', 'index.docker.io', 'docker.io', 'registry-1.docker.io']
      : [registry, `https://${registry}`, `http://${registry}`, `https://${registry}/v1/`, `https://${registry}/v2/`];
  for (const name of names) {
    const helper = credHelpers[name] ?? credsStore;
    if (helper !== undefined) {
      const found = askHelper(helper, name, environment);
      if (found) return found;
    }
    const entry = auths[name];
    if (!entry) continue;
    const [username = '', ...rest] =
      entry.auth === undefined ? [] : Buffer.from(entry.auth, 'base64').toString('utf8').split(':');
    const credentials = { username: entry.username ?? username, password: entry.password ?? rest.join(':') };
    if (entry.identitytoken) return { ...credentials, identityToken: entry.identitytoken };
    if (credentials.username !== '') return credentials;
  }
  return undefined;
}

/** Docker's protocol: the helper reads the server's name and writes JSON. One that knows nothing fails. */
function askHelper(
  helper: string,
  server: string,
  environment: Readonly<Record<string, string | undefined>>,
): Credentials | undefined {
  if (!/^[\w.-]+$/.test(helper))
    throw new Failure('credentials-invalid', `cannot run the credential helper ${JSON.stringify(helper)}`, {
      exitCode: 3,
    });
  const { status, stdout } = spawnSync(`docker-credential-${helper}`, ['get'], {
    input: server,
    encoding: 'utf8',
    timeout: 30_000,
    env: environment as NodeJS.ProcessEnv,
  });
  if (status !== 0) return undefined;
  try {
    const { Username, Secret } = JSON.parse(stdout) as { Username?: string; Secret?: string };
    if (!Secret) return undefined;
    return Username === '<token>'
      ? { username: '', password: '', identityToken: Secret }
      : { username: Username ?? '', password: Secret };
  } catch {
    return undefined;
  }
}
