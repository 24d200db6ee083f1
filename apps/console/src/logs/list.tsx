import type { LogEntry } from '@pantavisor/hub-api';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useLayoutEffect, useRef } from 'react';
import { logsText } from '../text/index.ts';
import type { LogBuffer } from './buffer.ts';
import { LogLine } from './line.tsx';
import classes from './logs.module.css';

export const lineHeight = 20;
const overscan = 20;
/** Nearer to the end than this, the list counts as at the end; pixels. */
const nearEnd = 30;
/** Nearer to the beginning than this, older lines are fetched. */
const nearBeginning = 400;

interface ListProps {
  buffer: LogBuffer;
  version: number;
  following: boolean;
  /** the person scrolled away from the end, or back to it */
  onFollow: (following: boolean) => void;
  onOlder: () => void;
  marked: string | undefined;
  onSelect: (entry: LogEntry) => void;
}

/** Lines of a log: only those on the screen exist. Stays at the end while it follows, and where it is when older ones come. */
export function LogList({ buffer, version, following, onFollow, onOlder, marked, onSelect }: ListProps) {
  const box = useRef<HTMLDivElement>(null);
  const anchor = useRef<string | undefined>(undefined);
  const virtual = useVirtualizer({
    count: buffer.length,
    getScrollElement: () => box.current,
    estimateSize: () => lineHeight,
    overscan,
    // Where it begins does not change when lines come: keys are the lines' own.
    getItemKey: (index) => buffer.at(index)?.id ?? index,
  });
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null || version < 0) return;
    const before = anchor.current;
    anchor.current = buffer.first?.id;
    if (following) element.scrollTop = element.scrollHeight;
    else if (before !== undefined && before !== anchor.current) {
      const added = buffer.indexOf(before);
      if (added > 0) element.scrollTop += added * lineHeight;
    }
  }, [version, following, buffer]);
  useEffect(() => {
    if (marked === undefined) return;
    const index = buffer.indexOf(marked);
    if (index >= 0) virtual.scrollToIndex(index, { align: 'center' });
    // Only when another line is asked for: afterwards the person scrolls.
  }, [marked, buffer, virtual]);
  const onScroll = () => {
    const element = box.current;
    if (element === null) return;
    const atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < nearEnd;
    if (atEnd !== following) onFollow(atEnd);
    if (element.scrollTop < nearBeginning) onOlder();
  };
  return (
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
      <div style={{ height: virtual.getTotalSize(), position: 'relative' }}>
        {virtual.getVirtualItems().map((item) => {
          const entry = buffer.at(item.index);
          if (entry === undefined) return null;
          return (
            <div key={item.key} className={classes.place} style={{ transform: `translateY(${item.start}px)` }}>
              <LogLine entry={entry} marked={entry.id === marked} onSelect={onSelect} />
            </div>
          );
        })}
      </div>
    </div>
  );
}
