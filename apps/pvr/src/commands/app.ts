/** `pvr app`. */
import type { CommandSpec, Flag, Input } from '@pantavisor/cli';
import { Failure, requireWords } from '@pantavisor/cli';
import type { Pvr } from '../context.ts';

type Command = CommandSpec<Pvr>;

const text = (names: readonly string[], value: string, help: string, env?: string, complete?: string): Flag => ({
  names,
  kind: 'text',
  value,
  help,
  ...(env === undefined ? {} : { env: [env] }),
  ...(complete === undefined ? {} : { complete }),
});

const imageFlags: readonly Flag[] = [
  text(['username', 'u'], 'name', 'for the registry; default: what docker knows', 'PVR_REGISTRY_USERNAME'),
  text(['password', 'p'], 'word', 'for the registry', 'PVR_REGISTRY_PASSWORD'),
  text(['source'], 'places', "where to look for images, in this order; default: 'remote,local'", 'PVR_SOURCE'),
];
const platform = text(
  ['platform'],
  'os/arch[/variant]',
  'which image of a list; default: that of _hostconfig/pvr/docker.json',
  'PVR_PLATFORM',
);
const base = text(['base'], 'app', 'store only what differs from the image of this app', 'PVR_APP_ADD_BASE', 'app');
const type: Flag = {
  ...text(['type', 't'], 'kind', 'docker (default), rootfs or pvr', 'PVR_SOURCE_TYPE'),
  choices: ['docker', 'rootfs', 'pvr'],
};
const nameArgument = [{ name: 'app', optional: true as const, help: 'name of the app', complete: 'app' }];

const templateArguments: readonly (readonly [
  flag: string,
  argument: string,
  variable: string,
  help: string,
  choices?: readonly string[],
])[] = [
  ['group', 'PV_GROUP', 'PVR_GROUP', 'group of the container; default: the last one of the device'],
  ['runlevel', 'PV_RUNLEVEL', 'PVR_RUNLEVEL', 'run level, for old devices; excludes --group'],
  [
    'restart-policy',
    'PV_RESTART_POLICY',
    'PVR_RESTART_POLICY',
    'system or container: what a change of it restarts',
    ['system', 'container'],
  ],
  ['status-goal', 'PV_STATUS_GOAL', 'PVR_STATUS_GOAL', 'MOUNTED, STARTED or READY', ['MOUNTED', 'STARTED', 'READY']],
];

const add: Command = {
  names: ['add', 'aa'],
  summary: 'make an app from a docker image, a root file system or another device',
  about:
    'Images come from a registry, from docker or podman on this machine, or from oci:<folder>[:tag], oci-archive:<file> and\ndocker-archive:<file>. With --type rootfs, from a folder, a tar or the address of one; with --type pvr, from a part of another\nrepository. The same source always gives the same files. Neither root nor docker is needed. Nothing is added or committed.\nThe image is compressed with zstd; for kernels without it: --format-options "-comp xz".',
  arguments: nameArgument,
  flags: [
    text(['from'], 'source', 'where the app comes from', 'PVR_FROM', 'file'),
    type,
    ...imageFlags,
    platform,
    ...templateArguments.map(([name, , env, help, choices]) => ({
      ...text([name], name, help, env),
      ...(choices === undefined ? {} : { choices }),
    })),
    base,
    text(['config-json'], 'file', 'image configuration that goes over that of the image', 'PVR_CONFIG_JSON', 'file'),
    {
      names: ['arg'],
      kind: 'list',
      value: 'key=value',
      env: ['PVR_TEMPLATE_ARG'],
      help: 'argument of the template, e.g. PV_LXC_EXTRA_CONF',
    },
    text(['arg-json'], 'file', 'JSON object with arguments of the template that are no text', undefined, 'file'),
    {
      names: ['volume'],
      kind: 'list',
      value: 'path:persistence',
      env: ['PVR_PERSISTENCE_VOLUME'],
      help: 'permanent, revision or boot; ovl:<path>:<persistence> for an overlay',
    },
    text(['format-options', 'o'], 'options', "options of mksquashfs; default: '-comp zstd'", 'PVR_FORMAT_OPTIONS'),
    { names: ['force'], kind: 'boolean', help: 'build anew over an existing app' },
  ],
  examples: [
    ['pvr app add --from nginx:alpine web', 'from a registry'],
    [
      'pvr app add --from web.tar.gz --type rootfs --volume /var/lib:permanent web',
      'from a root file system, with a volume',
    ],
    ['pvr app add --from me/device#web,_sigs/web.json --type pvr web', 'from another device, with its signature'],
  ],
  async run(pvr, input) {
    const { addApp } = await import('../apps/apps.ts');
    const [name] = requireWords(input, 'pvr app add', ['app'], 2);
    const from = input.text('from');
    if (!from)
      throw new Failure('usage', 'cannot add an app: --from is missing', {
        exitCode: 4,
        hint: "'pvr app add --help' shows how",
      });
    if (input.text('runlevel') && input.text('group'))
      throw new Failure('usage', 'cannot use --runlevel and --group together: the run level is an old kind of group', {
        exitCode: 5,
      });
    await addApp(pvr, pvr.repository(), name, {
      from,
      type: typeOption(input) ?? 'docker',
      args: await templateOptions(pvr, input),
      volumes: volumeOptions(input.list('volume')),
      base: input.text('base'),
      formatOptions: input.text('format-options'),
      config: await jsonFile(pvr, input.text('config-json')),
      force: input.on('force'),
      ...imageOptions(input),
    });
    return { text: 'Application added\n', json: { app: name, done: 'added' } };
  },
};

const install: Command = {
  names: ['install', 'ai'],
  summary: 'make the files of an app again from its src.json',
  arguments: nameArgument,
  flags: [...imageFlags, type, base, { ...text(['runlevel'], 'level', 'for compatibility') }],
  async run(pvr, input) {
    const { installApp } = await import('../apps/apps.ts');
    const [name] = requireWords(input, 'pvr app install', ['app'], 2);
    const repository = pvr.repository();
    await installApp(pvr, repository, name, imageOptions(input));
    await applyVerity(pvr, name);
    return { text: 'Application installed\n', json: { app: name, done: 'installed' } };
  },
};

const update: Command = {
  names: ['update', 'au'],
  summary: 'fetch the newest content of the source of an app',
  arguments: nameArgument,
  flags: [
    ...imageFlags,
    type,
    platform,
    text(['from'], 'source', 'another source from now on', 'PVR_APP_FROM', 'file'),
    {
      names: ['patch'],
      kind: 'boolean',
      env: ['PVR_APP_UPDATE_PATCH'],
      help: 'keep the image and store what differs in an overlay',
    },
    {
      names: ['newbase'],
      kind: 'boolean',
      env: ['PVR_APP_UPDATE_PATCH_CLEAN'],
      help: 'replace image and overlay by one new image',
    },
    base,
  ],
  async run(pvr, input) {
    const { updateApp } = await import('../apps/apps.ts');
    const [name] = requireWords(input, 'pvr app update', ['app'], 2);
    const isNew = await updateApp(pvr, pvr.repository(), name, {
      from: input.text('from'),
      patch: input.on('patch'),
      newBase: input.on('newbase'),
      base: input.text('base'),
      ...imageOptions(input),
    });
    await applyVerity(pvr, name);
    return { text: 'Application updated\n', json: { app: name, done: 'updated', changed: isNew } };
  },
};

const list: Command = {
  names: ['ls', 'l'],
  summary: 'list the apps',
  async run(pvr) {
    const { listApps } = await import('../apps/apps.ts');
    const apps = listApps(pvr.repository().root);
    return { text: apps.map((name) => `${name}\n`).join(''), json: apps };
  },
};

const info: Command = {
  names: ['info', 'i'],
  summary: 'show the src.json of an app',
  arguments: nameArgument,
  async run(pvr, input) {
    const { readSourceManifest, appName } = await import('../apps/manifest.ts');
    const { prettyText } = await import('../repository/values.ts');
    const [name] = requireWords(input, 'pvr app info', ['app'], 2);
    const manifest = JSON.stringify(readSourceManifest(pvr.repository().root, appName(name)));
    return { text: `${prettyText(manifest, '    ', true)}\n`, json: { raw: manifest } };
  },
};

const remove: Command = {
  names: ['rm', 'r'],
  summary: 'remove the directory of an app',
  about: 'Its configuration below _config/ and its signature stay.',
  arguments: nameArgument,
  async run(pvr, input) {
    const { removeApp } = await import('../apps/apps.ts');
    const [name] = requireWords(input, 'pvr app rm', ['app'], 2);
    removeApp(pvr.repository().root, name);
    return { text: '', json: { app: name, done: 'removed' } };
  },
};

/** Images that changed get new hash trees when the app uses dm-verity. */
async function applyVerity(pvr: Pvr, name: string): Promise<void> {
  const { readSourceManifest, appName } = await import('../apps/manifest.ts');
  const repository = pvr.repository();
  const app = appName(name);
  if (Object.keys(readSourceManifest(repository.root, app).dm_enabled ?? {}).length === 0) return;
  const { applyVerity: apply } = await import('../verity/verity.ts');
  await apply(repository, `${app}/`);
}

function imageOptions(input: Input) {
  return {
    source: input.text('source'),
    platform: input.text('platform'),
    username: input.text('username'),
    password: input.text('password'),
  };
}

function typeOption(input: Input): 'docker' | 'rootfs' | 'pvr' | undefined {
  const given = input.text('type');
  if (given === undefined || given === 'docker' || given === 'rootfs' || given === 'pvr') return given;
  throw new Failure(
    'usage',
    `cannot use sources of the type ${JSON.stringify(given)}: there is docker, rootfs and pvr`,
    { exitCode: 3 },
  );
}

async function templateOptions(pvr: Pvr, input: Input): Promise<Record<string, unknown>> {
  const args: Record<string, unknown> = {};
  for (const [flag, name] of templateArguments) {
    const value = input.text(flag);
    if (value) args[name] = value;
  }
  for (const item of input.list('arg')) {
    const [key = '', ...rest] = item.split('=');
    args[key] = rest.join('=');
  }
  return { ...args, ...(await jsonFile(pvr, input.text('arg-json'))) };
}

/** `path:persistence`, or `ovl:path:persistence`. */
function volumeOptions(items: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    items.map((item) => {
      const fields = item.split(':');
      const [key, persistence] = fields[0] === 'ovl' && fields.length > 2 ? [`ovl:${fields[1]}`, fields[2]] : fields;
      if (!key || !persistence)
        throw new Failure('usage', `cannot understand the volume ${JSON.stringify(item)}: invalid volume format`, {
          exitCode: 3,
          hint: 'write <path>:<permanent|revision|boot>',
        });
      return [key, persistence];
    }),
  );
}

async function jsonFile(pvr: Pvr, path: string | undefined): Promise<Record<string, unknown> | undefined> {
  if (!path) return undefined;
  const { readFileSync } = await import('node:fs');
  const { resolve } = await import('node:path');
  try {
    const value: unknown = JSON.parse(readFileSync(resolve(pvr.directory, path), 'utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
    throw new Error('it is no JSON object');
  } catch (cause) {
    throw new Failure('json-invalid', `cannot read ${path}: ${(cause as Error).message}`, { cause, exitCode: 3 });
  }
}

export const appCommands: readonly Command[] = [
  { names: ['app', 'ap'], summary: 'make and keep containers', commands: [add, install, update, list, info, remove] },
];
