/** Commands that move states between repositories, exports, hubs and devices. */
import type { CommandSpec, Flag, Input } from '@pantavisor/cli';
import { Failure, requireWords } from '@pantavisor/cli';
import type { Pvr } from '../context.ts';
import type { Reference } from '../reference.ts';

type Command = CommandSpec<Pvr>;

const referenceHelp =
  'A repository is an address, <user>/<device>, the IP of a device in reach, unix:<control socket>, ssh://[user@]<host>,\na directory or an export. #a,b selects parts, #-c leaves one out.';

const objects: Flag = {
  names: ['objects', 'o', 'objects-dir'],
  kind: 'text',
  value: 'directory',
  env: ['PVR_OBJECTS_DIR'],
  help: 'where objects are kept; default: objects/ of the config directory',
  complete: 'file',
};
const spec: Flag = {
  names: ['spec', 's'],
  kind: 'text',
  value: 'spec',
  help: 'format of the state',
  fallback: 'pantavisor-service-system@1',
};
const force: Flag = {
  names: ['force', 'f'],
  kind: 'boolean',
  help: 'upload objects that the other side has already, too',
};
const postFlags: readonly Flag[] = [
  {
    names: ['envelope', 'e'],
    kind: 'text',
    value: 'json',
    help: 'JSON object that goes around the state',
    fallback: '{}',
  },
  { names: ['commit-msg', 'm'], kind: 'text', value: 'text', help: 'what the revision is about' },
  {
    names: ['rev'],
    kind: 'text',
    value: 'n',
    help: 'number of the revision, -1 for the next one; or the name of a local revision',
    fallback: '-1',
  },
  force,
];

function postOptions(input: Input) {
  return {
    envelope: input.text('envelope'),
    message: input.text('commit-msg'),
    revision: input.text('rev') ?? '-1',
    force: input.on('force'),
  };
}

/** The reference given, else one that the repository remembers. */
async function referenceOr(
  pvr: Pvr,
  given: string | undefined,
  remembered: string,
  command: string,
): Promise<Reference> {
  const { referenceOf } = await import('./options.ts');
  const text = given ?? remembered;
  if (text === '')
    throw new Failure('usage', `cannot run '${command}': no repository is given, and none is remembered`, {
      exitCode: 3,
    });
  return referenceOf(pvr, text);
}

function receiving(names: readonly string[], how: 'get' | 'merge', summary: string, about: string): Command {
  return {
    names,
    summary,
    about: `${about}\n${referenceHelp}`,
    arguments: [
      { name: 'repository', optional: true, help: 'default: the one used last', complete: 'reference' },
      {
        name: 'target',
        optional: true,
        help: 'directory of the repository that changes; default: the one here',
        complete: 'file',
      },
    ],
    examples: [
      [`pvr ${how} pantahub-ci/x64_initial_latest#bsp,-web`, 'the part bsp, without the part web'],
      [`pvr ${how} build/x64.pvrexport.tgz && pvr checkout`, 'all of an export, then into the working tree'],
    ],
    async run(pvr, input) {
      const { receive } = await import('../transfer/receive.ts');
      const { Repository } = await import('../repository/repository.ts');
      const { resolve } = await import('node:path');
      const target = input.values[1];
      const repository =
        target === undefined
          ? pvr.repository()
          : Repository.open(resolve(pvr.directory, target.replace(/\/\.pvr\/?$/, '')));
      const { DefaultGetUrl, DefaultPutUrl } = repository.config;
      const reference = await referenceOr(pvr, input.values[0], DefaultPutUrl || DefaultGetUrl, how);
      const received = await receive(pvr, repository, reference, how);
      const pool = repository.objects.directory;
      return {
        text: `\nImported ${received.fetched + received.known} objects to ${pool}\n\nRun pvr checkout to update the working tree\n`,
        json: received,
      };
    },
  };
}

const get = receiving(
  ['get', 'g'],
  'get',
  'replace the committed state, or parts of it',
  'With parts, the local files of these parts are replaced; without, the whole state is.',
);
const merge = receiving(
  ['merge', 'm'],
  'merge',
  'lay a state over the committed one',
  'Keys of both are replaced, JSON is merged member by member, other keys stay.',
);

const clone: Command = {
  names: ['clone', 'c'],
  summary: 'make a repository with the state of another one',
  about: referenceHelp,
  arguments: [
    { name: 'repository', help: 'what to clone', complete: 'reference' },
    { name: 'directory', optional: true, help: 'default: the last name of the address', complete: 'file' },
  ],
  flags: [
    objects,
    {
      names: ['canonical', 'c'],
      kind: 'boolean',
      env: ['PVR_CANONICAL_JSON'],
      help: 'write .json files in canonical form',
    },
    spec,
  ],
  examples: [
    ['pvr clone https://pvr.pantahub.com/user/device my-checkout', 'a device of a hub'],
    ['pvr clone 192.168.1.122', 'a device in reach, through its local endpoint'],
    ['pvr clone unix:/run/pantavisor/pv/pv-ctrl local', 'the running revision of this machine'],
  ],
  async run(pvr, input) {
    const { clone: makeClone } = await import('../transfer/receive.ts');
    const { cloneDirectory } = await import('../reference.ts');
    const { objectsOption, referenceOf } = await import('./options.ts');
    const { resolve } = await import('node:path');
    const [text] = requireWords(input, 'pvr clone', ['repository']);
    const reference = referenceOf(pvr, text);
    const target = input.values[1] ?? (reference.location.kind === 'socket' ? 'device' : cloneDirectory(text));
    const options = {
      objectsDir: objectsOption(pvr, input),
      spec: input.text('spec')!,
      canonical: input.on('canonical'),
    };
    const received = await makeClone(pvr, reference, resolve(pvr.directory, target), options);
    return { text: '', json: { directory: target, ...received } };
  },
};

const post: Command = {
  names: ['post', 'po'],
  summary: 'make the committed state a new revision of a device',
  about: `Objects that the other side lacks are uploaded first, several at a time; a second run goes on where the first ended.\n${referenceHelp}`,
  arguments: [
    { name: 'repository', optional: true, help: 'default: the one cloned or posted to before', complete: 'reference' },
  ],
  flags: postFlags,
  examples: [
    ['pvr post -m "new web server"', 'to where the repository was cloned from'],
    ['pvr post 192.168.1.122', 'to a device in reach; makes a local revision and runs it'],
  ],
  async run(pvr, input) {
    const { post: makePost } = await import('../transfer/send.ts');
    const { replaceFile } = await import('../repository/durable.ts');
    const repository = pvr.repository();
    const reference = await referenceOr(pvr, input.values[0], repository.config.DefaultPostUrl, 'post');
    const posted = await makePost(pvr, repository, reference, postOptions(input));
    const { DefaultGetUrl, DefaultPutUrl } = repository.config;
    repository.setConfig({
      DefaultPostUrl: reference.text,
      ...(DefaultGetUrl === '' ? { DefaultGetUrl: reference.text } : {}),
      ...(DefaultPutUrl === '' ? { DefaultPutUrl: reference.text } : {}),
    });
    replaceFile(repository.own('device-state'), repository.readStateText());
    pvr.note(
      `Successfully posted Revision ${posted.revision} (${posted.stateSha.slice(0, 8)}) to device id ${posted.device}`,
    );
    return { text: '', json: posted };
  },
};

const put: Command = {
  names: ['put', 'p'],
  summary: 'replace the state behind an address, or write it to a directory',
  arguments: [{ name: 'repository', optional: true, help: 'default: the one used before', complete: 'reference' }],
  flags: [force],
  async run(pvr, input) {
    const { put: makePut } = await import('../transfer/send.ts');
    const repository = pvr.repository();
    const { resolve } = await import('node:path');
    const { mkdirSync } = await import('node:fs');
    const [given] = input.values;
    if (given !== undefined && /^[./]/.test(given)) mkdirSync(resolve(pvr.directory, given), { recursive: true });
    const reference = await referenceOr(pvr, given, repository.config.DefaultPutUrl, 'put');
    await makePut(pvr, repository, reference, input.on('force'));
    repository.setConfig({ DefaultPutUrl: reference.text });
    return { text: '', json: { target: reference.text } };
  },
};

const push: Command = {
  names: ['push'],
  summary: 'post to a device, or put to a directory',
  arguments: [
    { name: 'repository', optional: true, help: 'default: the one cloned or posted to before', complete: 'reference' },
  ],
  flags: postFlags,
  examples: [['pvr push /tmp/myrepo', 'keep the committed state in a directory']],
  async run(pvr, input) {
    const { existsSync } = await import('node:fs');
    const { resolve } = await import('node:path');
    const [given] = input.values;
    const isDirectory =
      given !== undefined && (/^[./]/.test(given) || existsSync(resolve(pvr.directory, given.split('#')[0]!)));
    return (isDirectory ? put : post).run!(pvr, input);
  },
};

const putObjects: Command = {
  names: ['putobjects'],
  summary: 'upload all objects of the committed state',
  arguments: [{ name: 'objects-endpoint', help: 'e.g. https://api.pantahub.com/objects' }],
  flags: [force],
  async run(pvr, input) {
    const { uploadObjects } = await import('../transfer/upload.ts');
    const { objectKeys } = await import('../transfer/send.ts');
    const [endpoint] = requireWords(input, 'pvr putobjects', ['objects-endpoint'], 1);
    const repository = pvr.repository();
    const uploaded = await uploadObjects(pvr, endpoint, objectKeys(repository.readState()), repository.objects, {
      force: input.on('force'),
    });
    return { text: '', json: uploaded };
  },
};

const inspect: Command = {
  names: ['inspect'],
  summary: 'print the state of a repository, an export or a device',
  about: referenceHelp,
  arguments: [{ name: 'repository', optional: true, help: 'default: the committed state here', complete: 'reference' }],
  flags: [{ names: ['canonical', 'c'], kind: 'boolean', help: 'in canonical form, on one line' }],
  async run(pvr, input) {
    const { prettyText, writeStateDocument } = await import('../repository/values.ts');
    const { inspectState } = await import('../transfer/inspect.ts');
    const { referenceOf } = await import('./options.ts');
    const [given] = input.values;
    const state = given === undefined ? pvr.repository().readState() : await inspectState(pvr, referenceOf(pvr, given));
    const text = writeStateDocument(state);
    return { text: `${input.on('canonical') ? text : prettyText(text, '\t')}\n`, json: { raw: text } };
  },
};

function remoteDocument(names: readonly string[], summary: string, pick: 'info' | 'step'): Command {
  return {
    names,
    summary,
    arguments: [{ name: 'repository', optional: true, help: 'default: the one used before', complete: 'reference' }],
    flags: [{ names: ['canonical', 'c'], kind: 'boolean', help: 'in canonical form, on one line' }],
    async run(pvr, input) {
      const { remoteText } = await import('../transfer/inspect.ts');
      const { canonicalJson } = await import('@pantavisor/state');
      const { nodeOf, prettyText } = await import('../repository/values.ts');
      const remembered = input.values[0] === undefined ? pvr.repository().config.DefaultGetUrl : '';
      const reference = await referenceOr(pvr, input.values[0], remembered, names[0]!);
      const text = canonicalJson(nodeOf(await remoteText(pvr, reference, pick)));
      return { text: `${input.on('canonical') ? text : prettyText(text, '\t')}\n`, json: { raw: text } };
    },
  };
}

const deploy: Command = {
  names: ['deploy'],
  summary: 'make a directory that a device can boot from',
  about:
    'Files are hard links of objects; .pv/ gets links under the names that boot loaders look for. Other files are removed.',
  arguments: [
    { name: 'directory', help: 'made when it is missing', complete: 'file' },
    {
      name: 'repository',
      optional: true,
      rest: true,
      help: 'default: the committed state here',
      complete: 'reference',
    },
  ],
  flags: [{ names: ['nomerge', 'n'], kind: 'boolean', help: 'replace parts instead of merging them' }, objects],
  async run(pvr, input) {
    const { deploy: makeDeploy } = await import('../transfer/deploy.ts');
    const { objectsOption, referenceOf } = await import('./options.ts');
    const { resolve } = await import('node:path');
    const [directory] = requireWords(input, 'pvr deploy', ['directory'], 101);
    const given = input.values.slice(1);
    const local = given.length === 0 ? pvr.repository() : undefined;
    const references = local ? [referenceOf(pvr, local.root)] : given.map((text) => referenceOf(pvr, text));
    const how = input.on('nomerge') ? 'get' : 'merge';
    const objectsDir = local?.objects.directory ?? objectsOption(pvr, input);
    const outcome = await makeDeploy(pvr, resolve(pvr.directory, directory), references, how, {
      spec: local?.readState().spec ?? '',
      objectsDir,
    });
    return { text: outcome.links.map((link) => `${link}\n`).join(''), json: outcome };
  },
};

const fastcopy: Command = {
  names: ['fastcopy', 'fcp'],
  summary: 'copy parts from one device to another within a hub',
  about:
    'Nothing passes through this machine: the hub links the objects. Parts of the destination may have other names, in the same\norder; without parts, everything is replaced.',
  arguments: [
    { name: 'source', help: 'address, with #parts', complete: 'reference' },
    { name: 'destination', help: 'address, with #parts when they get other names', complete: 'reference' },
  ],
  flags: [...postFlags, { names: ['merge'], kind: 'boolean', help: 'keep what the destination has below its parts' }],
  examples: [['pvr fastcopy -m "web for all" ci/web_latest#web me/device#web', 'one container']],
  async run(pvr, input) {
    const { fastcopy: copy } = await import('../transfer/fastcopy.ts');
    const { referenceOf } = await import('./options.ts');
    const [source, destination] = requireWords(input, 'pvr fastcopy', ['source', 'destination']);
    const posted = await copy(
      pvr,
      referenceOf(pvr, source),
      referenceOf(pvr, destination),
      postOptions(input),
      input.on('merge'),
    );
    pvr.note(
      `Successfully posted Revision ${posted.revision} (${posted.stateSha.slice(0, 8)}) to device id ${posted.device}`,
    );
    return { text: '', json: posted };
  },
};

export const transferCommands: readonly Command[] = [
  clone,
  get,
  merge,
  post,
  push,
  put,
  putObjects,
  inspect,
  remoteDocument(['remote-info', 'remoteinfo', 'ri'], 'print where a remote has its state and objects', 'info'),
  remoteDocument(['step-info', 'stepinfo'], 'print the revision behind an address', 'step'),
  deploy,
  fastcopy,
];
