/** `pvr check`. */
import { type CommandSpec, Failure, formatBytes, painter } from '@pantavisor/cli';
import type { CheckReport } from '../check/check.ts';
import type { Pvr } from '../context.ts';
import { trustOf } from './signature.ts';

const check: CommandSpec<Pvr> = {
  names: ['check'],
  summary: 'say what a device would do with the working tree, before it is posted',
  about:
    'Reads every manifest as a device does and lists all problems; tells whether the device reboots and which containers restart,\nwhat is not signed, and how much is to be transferred. Compared with the state that the device had when it was last cloned or\nposted to. Exit code 20 when a device would refuse the state.',
  flags: [
    {
      names: ['against'],
      kind: 'text',
      value: 'repository',
      help: 'compare with this one instead, e.g. the device itself',
      complete: 'reference',
    },
    {
      names: ['init-mode'],
      kind: 'text',
      value: 'mode',
      help: 'how the device runs: embedded, standalone or appengine',
      fallback: 'embedded',
      choices: ['embedded', 'standalone', 'appengine'],
    },
    { names: ['strict'], kind: 'boolean', help: 'the device demands that everything is signed' },
    {
      names: ['pubkey', 'p'],
      kind: 'text',
      value: 'file',
      env: ['PVR_SIG_PUBKEY'],
      help: 'public key of the device',
      complete: 'file',
    },
    {
      names: ['cacerts'],
      kind: 'text',
      value: 'file',
      env: ['PVR_SIG_CACERTS'],
      help: 'authorities of the device',
      complete: 'file',
    },
  ],
  examples: [
    ['pvr check', 'the working tree'],
    ['pvr check --against 192.168.1.122 --strict', 'compared with what a device runs now'],
  ],
  async run(pvr, input) {
    const { checkTree } = await import('../check/check.ts');
    const initMode = input.text('init-mode');
    if (initMode !== 'embedded' && initMode !== 'standalone' && initMode !== 'appengine')
      throw new Failure(
        'usage',
        `cannot check for the mode ${JSON.stringify(initMode)}: there is embedded, standalone and appengine`,
        { exitCode: 3 },
      );
    const given = input.text('against');
    const named = input.text('pubkey') !== undefined || input.text('cacerts') !== undefined;
    const trust = named ? await trustOf(pvr, input) : await trustOf(pvr, input).catch(() => undefined);
    const against = given === undefined ? undefined : await inspect(pvr, given);
    const report = await checkTree(pvr.repository(), {
      initMode,
      mode: input.on('strict') ? 'strict' : 'lenient',
      ...(trust ? { trust } : {}),
      ...(against ? { against } : {}),
    });
    if (report.ok && report.missing.length === 0) return { text: describe(report, pvr), json: report };
    pvr.terminal.stdout.write(pvr.json ? `${JSON.stringify(report)}\n` : describe(report, pvr));
    const errors = report.problems.filter(({ severity }) => severity === 'error').length;
    const why =
      errors > 0
        ? `${errors} error${errors === 1 ? '' : 's'}`
        : report.ok
          ? `${report.missing.length} objects are missing`
          : report.signatures.message;
    throw new Failure('state-refused', `cannot recommend this state: ${why}`, { exitCode: 20 });
  },
};

async function inspect(pvr: Pvr, text: string) {
  const { inspectState } = await import('../transfer/inspect.ts');
  const { referenceOf } = await import('./options.ts');
  return inspectState(pvr, referenceOf(pvr, text));
}

function describe(report: CheckReport, pvr: Pvr): string {
  const { stdout, environment } = pvr.terminal;
  const paint = painter(stdout, environment);
  const lines: string[] = [];
  for (const { severity, path, message, hint } of report.problems)
    lines.push(
      `${severity === 'error' ? paint('red', 'error') : paint('yellow', severity)} ${path === '' ? '/' : path}: ${message}${hint === undefined ? '' : `; ${hint}`}`,
    );
  for (const { code, message } of report.signatures.reasons)
    if (code !== 'key-uncovered') lines.push(`${paint('red', 'signature')} ${message}`);
  const { transition, transfer } = report;
  const against = {
    device: 'the state the device was last known to have',
    committed: 'the committed state',
    reference: 'the given state',
  }[report.against];
  lines.push(`Compared with ${against}:`);
  if (transition) {
    const kinds = { none: 'nothing changes', 'non-reboot': 'no reboot', reboot: paint('yellow', 'the device reboots') };
    lines.push(`  ${kinds[transition.kind]}`);
    const containers: [string, readonly string[]][] = [
      ['restarted', transition.restart],
      ['new', transition.start],
      ['removed', transition.remove],
    ];
    for (const [what, names] of containers) if (names.length > 0) lines.push(`  ${what}: ${names.join(', ')}`);
    const reasons = transition.reasons.slice(0, 8);
    for (const { message } of reasons) lines.push(paint('dim', `    ${message}`));
    if (transition.reasons.length > reasons.length)
      lines.push(paint('dim', `    and ${transition.reasons.length - reasons.length} more`));
  }
  lines.push(`  to transfer: ${transfer.objects} objects, ${formatBytes(transfer.bytes)}`);
  if (report.unsignedParts.length > 0)
    lines.push(
      `Not signed: ${report.unsignedParts.map((part) => (part === '' ? 'files at the root' : part)).join(', ')}`,
    );
  for (const key of report.missing) lines.push(`${paint('red', 'missing')} the object of ${key}`);
  if (report.uncommitted.length > 0)
    lines.push(
      `Not committed yet: ${report.uncommitted.length} files; 'pvr commit' first, or post sends the old state`,
    );
  if (report.untracked.length > 0) lines.push(`Not added: ${report.untracked.length} files`);
  return `${lines.join('\n')}\n`;
}

export const checkCommands: readonly CommandSpec<Pvr>[] = [check];
