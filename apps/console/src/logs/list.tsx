import type { LogEntry } from '@pantavisor/hub-api';
import { type ReactNode, useEffect, useLayoutEffect, useRef, useState, useSyncExternalStore } from 'react';
import { logsText } from '../text/index.ts';
import type { LogBuffer } from './buffer.ts';
import { LogLine } from './line.tsx';
import classes from './logs.module.css';

/** Every line is as high as this (logs.module.css), so that no line is ever measured; pixels. */
const lineHeight = 20;
/** Lines before and behind the screen that exist, so that a quick scroll shows no gap. */
const overscan = 20;
const usualRows = 40;
/** Nearer to the end than this, the list counts as at the end; pixels. */
const nearEnd = 30;
/** Nearer to the beginning than this, older lines are fetched. */
const nearBeginning = 400;

interface ListProps {
  buffer: LogBuffer;
  following: boolean;
  /** the person scrolled away from the end, or back to it */
  onFollow: (following: boolean) => void;
  onOlder: () => void;
  marked: string | undefined;
  onSelect: (entry: LogEntry) => void;
  /** shown while there are no lines */
  empty?: ReactNode;
}

/** Lines of a log: only those on the screen exist. Stays at the end while it follows, and where it is when older ones come. */
export function LogList({ buffer, following, onFollow, onOlder, marked, onSelect, empty }: ListProps) {
  const version = useSyncExternalStore(buffer.subscribe, () => buffer.version);
  const box = useRef<HTMLDivElement>(null);
  const origin = useRef(buffer.origin);
  const [rows, setRows] = useState(usualRows);
  const [top, setTop] = useState(0);
  const count = buffer.length;
  const firstOnScreen = following ? count - rows : Math.min(top, count - rows);
  const begin = Math.max(0, firstOnScreen - overscan);
  const end = Math.min(count, Math.max(0, firstOnScreen) + rows + overscan);

  useLayoutEffect(() => {
    const element = box.current;
    if (element === null || version < 0) return;
    const moved = origin.current - buffer.origin;
    origin.current = buffer.origin;
    // More than there is to scroll is taken as the end, and asks the browser for no measure.
    if (following) element.scrollTop = buffer.length * lineHeight;
    else if (moved !== 0) element.scrollTop += moved * lineHeight;
  }, [version, following, buffer]);
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const watch = new ResizeObserver(() => setRows(Math.ceil(element.clientHeight / lineHeight) + 1));
    watch.observe(element);
    return () => watch.disconnect();
  }, []);
  const there = marked !== undefined && count > 0;
  useEffect(() => {
    const element = box.current;
    if (!there || element === null) return;
    const index = buffer.indexOf(marked);
    const from = Math.floor(element.scrollTop / lineHeight);
    const visible = Math.floor(element.clientHeight / lineHeight);
    if (index >= 0 && (index < from || index >= from + visible)) element.scrollTop = (index - visible / 2) * lineHeight;
    // Only when another line is asked for: afterwards the person scrolls.
  }, [marked, there, buffer]);

  const onScroll = () => {
    const element = box.current;
    if (element === null) return;
    const atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < nearEnd;
    if (atEnd !== following) onFollow(atEnd);
    setTop(Math.floor(element.scrollTop / lineHeight));
    if (element.scrollTop < nearBeginning) onOlder();
  };
  const lines: ReactNode[] = [];
  for (let index = begin; index < end; index += 1) {
    const entry = buffer.at(index);
    if (entry !== undefined)
      lines.push(<LogLine key={entry.id} entry={entry} marked={entry.id === marked} onSelect={onSelect} />);
  }
  return (
    <>
      <div
        ref={box}
        className={classes.list}
        onScroll={onScroll}
        role="log"
        aria-label={logsText.list}
        aria-live="off"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable with the keyboard (WCAG 2.1.1)
        tabIndex={0}
      >
        <div style={{ height: count * lineHeight, position: 'relative' }}>
          <div className={classes.place} style={{ transform: `translateY(${begin * lineHeight}px)` }}>
            {lines}
          </div>
        </div>
      </div>
      {count === 0 && empty}
    </>
  );
}

/** How many lines came since the person left the end, counted from when this is first shown. */
export function useUnseen(buffer: LogBuffer): number {
  useSyncExternalStore(buffer.subscribe, () => buffer.version);
  const [before] = useState(buffer.received);
  return Math.max(0, buffer.received - before);
}
