import { ActionIcon, CopyButton, Tooltip } from '@mantine/core';
import { useSyncExternalStore } from 'react';
import { ago, frameText, moment, size } from '../text/index.ts';
import { Icon } from './icon.tsx';
import classes from './values.module.css';

/** Relative times move on: one clock for the whole page, once a few seconds. */
const clock = {
  now: Date.now(),
  listeners: new Set<() => void>(),
  timer: undefined as ReturnType<typeof setInterval> | undefined,
};
const everySoOften = 5_000;

function subscribe(listener: () => void): () => void {
  clock.listeners.add(listener);
  clock.timer ??= setInterval(() => {
    clock.now = Date.now();
    for (const one of clock.listeners) one();
  }, everySoOften);
  return () => {
    clock.listeners.delete(listener);
    if (clock.listeners.size > 0) return;
    clearInterval(clock.timer);
    clock.timer = undefined;
  };
}

export const useNow = (): number => useSyncExternalStore(subscribe, () => clock.now);

/** Year one and the epoch mean "never" on the wire. */
const isNever = (time: number) => !(time > 0);

/** A time relative to now, with the exact one on hover. @param time RFC 3339 */
export function When({ time }: { time: string }) {
  const now = useNow();
  const then = Date.parse(time);
  if (isNever(then)) return <span className="soft">{frameText.never}</span>;
  return (
    <time dateTime={time} title={moment(then)} className={classes.when}>
      {ago(then, Math.max(now, Date.now()))}
    </time>
  );
}

export function Size({ bytes }: { bytes: number }) {
  return <span title={`${bytes.toLocaleString('en')} B`}>{size(bytes)}</span>;
}

/** The first characters of a hash; a click copies all of it. */
export function Hash({ value, what = 'hash' }: { value: string; what?: string }) {
  if (value === '') return <span className="soft">–</span>;
  return (
    <CopyButton value={value}>
      {({ copied, copy }) => (
        <button
          type="button"
          className={classes.hash}
          onClick={copy}
          title={value}
          aria-label={copied ? frameText.copied : frameText.copyWhat(`${what} ${value.slice(0, 8)}`)}
        >
          {copied ? frameText.copied : value.slice(0, 8)}
        </button>
      )}
    </CopyButton>
  );
}

export function Copy({ value, what }: { value: string; what: string }) {
  return (
    <CopyButton value={value}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? frameText.copied : frameText.copy} withArrow>
          <ActionIcon variant="subtle" size="sm" onClick={copy} aria-label={frameText.copyWhat(what)}>
            <Icon name={copied ? 'check' : 'copy'} />
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  );
}

/** A line to be copied into a terminal or elsewhere. */
export function CopyLine({ value, what }: { value: string; what: string }) {
  return (
    <span className={classes.line}>
      <code>{value}</code>
      <Copy value={value} what={what} />
    </span>
  );
}
