import { ActionIcon, CopyButton, Tooltip } from '@mantine/core';
import { useSyncExternalStore } from 'react';
import { ago, frameText, moment } from '../text/index.ts';
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
