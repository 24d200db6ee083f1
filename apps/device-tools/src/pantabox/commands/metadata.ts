/** User metadata and, as one entry of it, the SSH keys that are let in. */
import { Failure } from '@pantavisor/cli/portable';
import type { BoxCommand, Context } from '../context.ts';
import { editText } from '../editor.ts';
import { compact, laidOut } from '../parts.ts';
import { type SshKey, sshKeyOf, sshKeysEntry, sshKeysOf, valueLimit, wrongLine } from '../ssh-keys.ts';

const keyPattern = /^[A-Za-z0-9_@+:-][A-Za-z0-9_.@+:-]*$/;

const shown = (value: string | object): string => (typeof value === 'string' ? value : JSON.stringify(value));

function checkKey(key: string): string | undefined {
  return keyPattern.test(key) ? undefined : `${JSON.stringify(key)} is no key: letters, digits and . _ - @ + :`;
}

function checkValue({ host }: Context, value: string): string | undefined {
  const { length } = host.transport.encode(value);
  return length > 0 && length <= valueLimit ? undefined : `a value has 1 to ${valueLimit} bytes, not ${length}`;
}

async function set(context: Context, key: string, value: string): Promise<void> {
  const wrong = checkKey(key) ?? checkValue(context, value);
  if (wrong !== undefined) throw new Failure('metadata', `cannot set ${key}: ${wrong}`);
  await context.device.client.setUserMetadata(key, value);
}

/** Said where it matters: the hub has the last word on a device that it manages. */
async function hubNote({ device }: Context): Promise<string> {
  const { isClaimed, mode } = await device.identity();
  return isClaimed && mode === 'remote'
    ? 'This device takes its user metadata from its hub: what is set here goes when it asks next.'
    : '';
}

async function list({ device }: Context): Promise<[string, string][]> {
  const meta = await device.client.userMetadata();
  return Object.entries(meta)
    .map(([key, value]): [string, string] => [key, shown(value)])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

async function editValue(context: Context, key: string, value: string): Promise<void> {
  const isLong = value.includes('\n') || value.length > 60;
  if (isLong || /^[[{]/.test(value)) {
    const isJson = /^[[{]/.test(value);
    const text = await editText(context, isJson ? `${key}.json` : key, isJson ? laidOut(value) : value);
    if (text === undefined) return;
    await set(context, key, isJson ? compact(text) : text.replace(/\n$/, ''));
    return;
  }
  const values = await context.fill({
    title: key,
    fields: [{ label: 'Value', value }],
    check: ([text = '']) => checkValue(context, text),
  });
  if (values) await set(context, key, values[0]!);
}

async function addValue(context: Context): Promise<void> {
  const values = await context.fill({
    title: 'New user metadata',
    about:
      'A container sees an entry NAME.key as the file key, one with the role mgmt sees all of them, below /pantavisor/user-meta.',
    fields: [{ label: 'Key, e.g. web.colour' }, { label: 'Value' }],
    check: ([key = '', value = '']) => checkKey(key) ?? checkValue(context, value),
  });
  if (values) await set(context, values[0]!, values[1]!);
}

export const editUsermeta: BoxCommand = {
  names: ['edit-usermeta'],
  summary: 'list and change user metadata',
  about: `User metadata is what somebody wants of the device: a configuration key takes effect at once, a container finds files below
/pantavisor/user-meta. Without arguments and on a terminal it is edited on screens.`,
  arguments: [{ name: 'key=value', optional: true, rest: true, help: 'entries to be set' }],
  flags: [{ names: ['remove'], kind: 'list', value: 'key', help: 'remove an entry', complete: 'usermeta' }],
  examples: [
    ['pantabox edit-usermeta web.colour=green', 'sets an entry and prints all of them'],
    ['pantabox edit-usermeta --remove web.colour', 'removes it'],
    ['pantabox edit-usermeta --json', 'for scripts'],
  ],
  async run(context, input) {
    const removed = input.list('remove');
    if (input.values.length === 0 && removed.length === 0 && context.ui && !input.on('json'))
      return context.ask(editUsermeta, 'what to do');
    for (const word of input.values) {
      const [, key, value = ''] = /^([^=]*)=(.*)$/s.exec(word) ?? [];
      if (key === undefined)
        throw new Failure('usage', `cannot use ${word}: it is not KEY=VALUE`, {
          hint: '--remove KEY removes an entry',
        });
      await set(context, key, value);
    }
    for (const key of removed) await context.device.client.removeUserMetadata(key);
    if (input.values.length + removed.length > 0) {
      const note = await hubNote(context);
      if (note !== '') context.say(note);
    }
    const entries = await list(context);
    return {
      text: entries.map(([key, value]) => `${key}: ${value}\n`).join('') || 'no user metadata\n',
      json: await context.device.client.userMetadata(),
    };
  },
  async screen(context) {
    type Choice = { key: string; what: 'edit' | 'remove' } | { what: 'add' };
    const note = await hubNote(context);
    for (let at = 0; ; ) {
      const entries = await list(context);
      const choice = await context.choose<Choice>({
        title: 'User metadata',
        ...(note === '' ? {} : { about: note }),
        items: entries.map(([key, value]) => ({
          value: { key, what: 'edit' },
          cells: [key, value.replaceAll('\n', ' ')],
          styles: ['bold', undefined],
        })),
        letters: {
          a: { hint: 'add', choose: () => ({ what: 'add' }) },
          ...(entries.length > 0
            ? {
                d: {
                  hint: 'delete',
                  choose: (each: Choice | undefined) => each && ({ ...each, what: 'remove' } as Choice),
                },
              }
            : {}),
        },
        empty: 'there is none: a adds an entry',
        chosen: at,
      });
      if (!choice) return;
      try {
        if (choice.what === 'add') await addValue(context);
        else {
          at = entries.findIndex(([key]) => key === choice.key);
          if (choice.what === 'edit') await editValue(context, choice.key, entries[at]![1]);
          else if (await context.confirm('Delete it?', choice.key, { yes: 'Delete' }))
            await context.device.client.removeUserMetadata(choice.key);
        }
      } catch (error) {
        await context.tellFailure(error);
      }
    }
  },
};

async function keysText({ device }: Context): Promise<string> {
  const value = (await device.client.userMetadata())[sshKeysEntry];
  return value === undefined ? '' : shown(value);
}

/** Puts the lines back; no lines are no entry, since there are no empty ones. */
async function saveKeys(context: Context, lines: readonly string[]): Promise<void> {
  const text = lines.filter((line) => line.trim() !== '').join('\n');
  const wrong = wrongLine(text) ?? (text === '' ? undefined : checkValue(context, text));
  if (wrong !== undefined) throw new Failure('ssh-key', `cannot save the keys: ${wrong}`);
  if (text !== '') await context.device.client.setUserMetadata(sshKeysEntry, `${text}\n`.slice(0, valueLimit));
  else if ((await keysText(context)) !== '') await context.device.client.removeUserMetadata(sshKeysEntry);
}

const linesOf = (text: string): string[] => text.split('\n').filter((line) => line.trim() !== '');

/** Lines without a key, which is named by its line, its comment or its number. */
function without(lines: readonly string[], name: string): string[] {
  const keys = lines.map((line) => sshKeyOf(line));
  const numbers = keys.flatMap((key, index) => (key ? [index] : []));
  const isIt = (key: SshKey | undefined, index: number) =>
    key !== undefined && (key.line === name || key.comment === name || String(numbers.indexOf(index) + 1) === name);
  const kept = lines.filter((_, index) => !isIt(keys[index], index));
  if (kept.length < lines.length) return kept;
  const known = keys.flatMap((key) => (key?.comment ? [key.comment] : []));
  throw new Failure('ssh-key', `cannot find a key ${JSON.stringify(name)}`, {
    hint: known.length > 0 ? `there is ${known.join(', ')}` : 'pantabox edit-sshkeys lists them with their numbers',
  });
}

/** A key as it was given: its line, a file with some, or - for standard input. */
async function keyLines(context: Context, given: string): Promise<string[]> {
  if (sshKeyOf(given)) return [given.trim()];
  const { host } = context;
  let text = '';
  if (given === '-') for await (const piece of host.stdin()) text += host.transport.decode(piece);
  else
    text = await host.files.readText(given).catch((error: Error) => {
      throw new Failure(
        'ssh-key',
        `cannot use ${given}: it is neither a public key nor a file that can be read (${error.message})`,
      );
    });
  const wrong = wrongLine(text);
  if (wrong !== undefined) throw new Failure('ssh-key', `cannot use ${given}: ${wrong}`);
  return linesOf(text);
}

const keyRow = ({ type, short, comment }: SshKey): string[] => [comment || '(no comment)', type, short];

export const editSshkeys: BoxCommand = {
  names: ['edit-sshkeys', 'edit-ssh'],
  summary: 'list and change the SSH keys that are let in',
  about: `Public keys, one a line, are the user metadata ${sshKeysEntry}: the device's SSH server and containers with one of their own
read them there.`,
  flags: [
    { names: ['add'], kind: 'list', value: 'key', help: 'a public key, a file with some, or -', complete: 'file' },
    { names: ['remove'], kind: 'list', value: 'key', help: 'a key by its comment, its number or its line' },
  ],
  examples: [
    ['pantabox edit-sshkeys --add id_ed25519.pub', 'lets one more key in'],
    ['pantabox edit-sshkeys --remove me@laptop', 'and not any more'],
  ],
  async run(context, input) {
    const [added, removed] = [input.list('add'), input.list('remove')];
    if (added.length + removed.length === 0 && context.ui && !input.on('json'))
      return context.ask(editSshkeys, 'what to do');
    let lines = linesOf(await keysText(context));
    for (const name of removed) lines = without(lines, name);
    for (const given of added)
      for (const line of await keyLines(context, given)) if (!lines.includes(line)) lines.push(line);
    if (added.length + removed.length > 0) await saveKeys(context, lines);
    const keys = lines.flatMap((line) => sshKeyOf(line) ?? []);
    return {
      text: keys.map((key, index) => `${index + 1}  ${keyRow(key).join('  ')}\n`).join('') || 'no keys\n',
      json: keys,
    };
  },
  async screen(context) {
    type Choice = { what: 'look'; key: SshKey } | { what: 'remove'; key: SshKey } | { what: 'add' } | { what: 'all' };
    for (;;) {
      const text = await keysText(context);
      const choice = await context.choose<Choice>({
        title: 'SSH keys',
        headings: ['COMMENT', 'TYPE', 'KEY'],
        items: sshKeysOf(text).map((key) => ({
          value: { what: 'look', key },
          cells: keyRow(key),
          styles: ['bold', undefined, 'dim'],
        })),
        letters: {
          a: { hint: 'add', choose: () => ({ what: 'add' }) },
          d: { hint: 'delete', choose: (each: Choice | undefined) => each && ({ ...each, what: 'remove' } as Choice) },
          e: { hint: 'edit all', choose: () => ({ what: 'all' }) },
        },
        empty: 'nobody is let in by a key: a adds one',
      });
      if (!choice) return;
      try {
        if (choice.what === 'add') await addKey(context, text);
        else if (choice.what === 'all') {
          const after = await editText(context, 'authorized_keys', text);
          if (after !== undefined) await saveKeys(context, linesOf(after));
        } else if (choice.what === 'look') await context.read('Key', choice.key.line);
        else if (await context.confirm('Delete this key?', keyRow(choice.key).join('  '), { yes: 'Delete' }))
          await saveKeys(context, without(linesOf(text), choice.key.line));
      } catch (error) {
        await context.tellFailure(error);
      }
    }
  },
};

async function addKey(context: Context, text: string): Promise<void> {
  const values = await context.fill({
    title: 'New SSH key',
    about: 'The line of a file that ends with .pub, pasted or typed.',
    fields: [{ label: 'Public key' }],
    check: ([line = '']) => (sshKeyOf(line) ? undefined : (wrongLine(line) ?? 'paste the key, or Esc')),
  });
  if (values) await saveKeys(context, [...linesOf(text), values[0]!.trim()]);
}
