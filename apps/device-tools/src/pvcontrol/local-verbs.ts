/** Verbs about the machine: drivers of the calling container, and what keeps the device awake. The original has neither. */
import type { DriverJson, WakeLocksJson } from '@pantavisor/ctrl-api';
import type { Table } from './session.ts';
import type { Argument, Verb, VerbGroup } from './verb.ts';

const driver: Argument = { name: 'name', optional: true, kind: 'text', help: 'one driver; default: every manual one' };

function driverAction(action: 'load' | 'unload', summary: string): Verb {
  return {
    names: [action],
    arguments: [driver],
    summary,
    examples: [[`pvcontrol drivers ${action} wifi`, `${action}s the modules of the driver wifi`]],
    run: async (session, [name]) => {
      const path = name === undefined ? `/drivers/${action}` : `/drivers/${name}/${action}`;
      await session.printDone(await session.text('PUT', path), `${name ?? 'manual drivers'}: ${action}ed`);
    },
  };
}

const drivers: VerbGroup = {
  names: ['drivers', 'driver'],
  summary: 'list, load and unload drivers of the calling container',
  verbs: [
    {
      names: ['ls', 'list'],
      summary: 'list the drivers that the calling container names',
      examples: [['pvcontrol drivers ls', 'drivers with their kind and status']],
      run: async (session) =>
        session.printList(
          await session.text('GET', '/drivers'),
          // Whoever has no drivers gets an empty object.
          (entries: DriverJson[] | Record<string, never>): Table => ({
            headings: ['NAME', 'TYPE', 'STATUS'],
            empty: 'no drivers; they are those of the container that asks',
            rows: (Array.isArray(entries) ? entries : []).map(({ name, type, status }) => [
              { text: name },
              { text: type },
              { text: status },
            ]),
          }),
        ),
    },
    driverAction('load', 'load manual drivers'),
    driverAction('unload', 'unload manual drivers'),
  ],
};

const yesOrNo = (value: boolean) => (value ? 'yes' : 'no');

const wakeLocks: VerbGroup = {
  names: ['wakelocks', 'wakelock'],
  summary: 'show what keeps the device awake',
  verbs: [
    {
      names: ['ls', 'list'],
      summary: 'show the power mode and who holds the wake lock',
      examples: [['pvcontrol wakelocks ls', 'the power mode, and who holds the lock']],
      run: async (session) =>
        session.printList(
          await session.text('GET', '/wakelocks'),
          (status: WakeLocksJson): Table => ({
            headings: ['WHAT', 'VALUE'],
            rows: [
              ['mode', status.mode],
              [
                'held by',
                Object.entries(status.held)
                  .flatMap(([scope, isHeld]) => (isHeld ? [scope] : []))
                  .join(', ') || 'nobody',
              ],
              ['kernel has wake locks', status.mode === 'disabled' ? '-' : yesOrNo(!status.degraded)],
              ['may sleep by itself', yesOrNo(status.autosleep)],
              ['settling', yesOrNo(status.settling)],
              ['polling', yesOrNo(status.polling)],
              ['run window', yesOrNo(status.run_window)],
            ].map((cells) => cells.map((cell) => ({ text: cell }))),
          }),
        ),
    },
  ],
};

export const localVerbs: readonly VerbGroup[] = [drivers, wakeLocks];
