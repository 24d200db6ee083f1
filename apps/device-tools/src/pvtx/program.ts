/** pvtx from its arguments to its exit code (pvtx.md §2). */
import type { ToolHost } from '../host/ports.ts';
import { deploy } from './deploy.ts';
import { exits, PvtxFailure, reasonOf } from './failure.ts';
import { help } from './help.ts';
import { Queue } from './queue.ts';
import { Transaction } from './transaction.ts';

type Value = string | undefined;
/** What a command does with its arguments; a text is printed. */
type Run = (transaction: Transaction, first: Value, second: Value, third: Value) => Promise<string> | Promise<void>;

const actions: Readonly<Record<string, Run>> = {
  begin: (transaction, base, objects) => transaction.begin(base, objects),
  add: async (transaction, file) => {
    await transaction.active('addInactive');
    await transaction.add(await openFile(transaction.host, file));
  },
  remove: (transaction, part) => transaction.remove(part),
  show: (transaction) => transaction.show(),
  commit: (transaction, name) => transaction.commit(name),
  deploy: (transaction, folder) => deploy(transaction, folder),
  abort: (transaction) => transaction.abort(),
};

const queueActions: Readonly<Record<string, Run>> = {
  new: (transaction, folder, objects) => new Queue(transaction).begin(folder, objects),
  remove: (transaction, part) => new Queue(transaction).remove(part),
  unpack: async (transaction, file = '') => {
    const pieces = await openFile(transaction.host, file);
    await new Queue(transaction).unpack(pieces, file[0] === '-' ? 'package' : file.slice(file.lastIndexOf('/') + 1));
  },
  process: async (transaction, base, folder, objects) => {
    const queue = new Queue(transaction);
    if (folder) await queue.begin(folder, objects);
    if (base) await transaction.begin(base);
    await queue.process();
  },
};

/** Arguments that begin with the name of a command are that command, as scripts of the original may have it. */
const chosen = (table: Readonly<Record<string, Run>>, word: string): string | undefined =>
  Object.keys(table).find((name) => word.startsWith(name));

async function openFile(host: ToolHost, file: Value): Promise<AsyncIterable<Uint8Array>> {
  if (!file) throw new PvtxFailure('name the package, or - for standard input');
  if (file[0] === '-') return host.stdin();
  try {
    return (await host.files.open(file)).pieces;
  } catch (error) {
    throw new PvtxFailure(`cannot read ${file}: ${reasonOf(error)}`);
  }
}

/** Folder of the transaction (pvtx.md §1). */
export function transactionFolder({ environment, isRoot }: ToolHost): string {
  if (environment.PVTXDIR) return environment.PVTXDIR;
  return isRoot ? `${environment.PREFIX ?? ''}/var/cache/pvtx` : `${environment.HOME ?? ''}/.local/share/pvtx`;
}

/**
 * Runs pvtx.
 * @param argv arguments without the program's name
 * @returns the exit code (`failure.ts`)
 */
export async function runPvtx(argv: readonly string[], host: ToolHost): Promise<number> {
  const [word = '', ...values] = argv;
  if (word === '__complete') return complete(values, host);
  if (word === 'completion') {
    const { completionScript } = await import('../pvcontrol/completion.ts');
    return say(
      host,
      'stdout',
      completionScript(values[0] === 'zsh' || values[0] === 'fish' ? values[0] : 'bash', 'pvtx'),
      0,
    );
  }
  if (word === 'help' || argv.includes('--help') || word === '-h') return say(host, 'stdout', help, 0);
  if (word === '') return say(host, 'stderr', help, exits.failed);
  const isQueue = 'queue'.startsWith(word) || word.startsWith('queue');
  const [table, given, rest] = isQueue ? [queueActions, values[0] ?? '', values.slice(1)] : [actions, word, values];
  const name = chosen(table, given);
  try {
    if (name === undefined)
      throw new PvtxFailure("there is no such command; 'pvtx help' lists them", isQueue ? 'addInactive' : 'failed');
    const text = await table[name]!(new Transaction(host, transactionFolder(host)), rest[0], rest[1], rest[2]);
    return say(host, 'stdout', text ? `${text}\n` : '', exits.success);
  } catch (error) {
    const code = exits[error instanceof PvtxFailure ? error.exit : 'failed'];
    return say(host, 'stderr', `ERROR: ${isQueue ? 'queue ' : ''}${name ?? given}: ${reasonOf(error)}\n`, code);
  }
}

function say(host: ToolHost, stream: 'stdout' | 'stderr', text: string, code: number): number {
  host[stream].write(text);
  return code;
}

/** Candidates for the last word: commands, and parts of the state. */
async function complete(words: readonly string[], host: ToolHost): Promise<number> {
  const current = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const path = before.map((each) => `${each} `).join('');
  const lines = [...help.matchAll(/^ {2}((?:queue )?[a-z]+)\b.*? {2,}(.*)/gm)] as unknown as [string, string, string][];
  // Of the commands of the queue, the first word is one candidate.
  const next = lines.flatMap(([, name, about]) =>
    name.startsWith(path) ? [[name.slice(path.length).split(' ')[0]!, about] as const] : [],
  );
  let found = [...new Map(next)];
  if (before.at(-1) === 'remove') {
    const text = await new Transaction(host, transactionFolder(host), { attempts: 1 }).show().catch(() => '{}');
    const parts = Object.keys(JSON.parse(text)).flatMap((key) => /^(?:_config\/)?[^/#]+(?=\/)/.exec(key)?.[0] ?? []);
    found = [...new Set(parts)].map((part) => [part, 'part']);
  }
  const shown = found.filter(([name]) => name.startsWith(current)).map(([name, about]) => `${name}\t${about}\n`);
  return say(host, 'stdout', shown.join(''), 0);
}
