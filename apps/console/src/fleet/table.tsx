import { Checkbox, Skeleton } from '@mantine/core';
import type { FleetDevice } from '@pantavisor/hub-api';
import { Link } from '@tanstack/react-router';
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { useLayoutEffect, useRef, useState } from 'react';
import { Icon } from '../show/icon.tsx';
import { Failure } from '../show/messages.tsx';
import { Status } from '../show/status.tsx';
import { When } from '../show/values.tsx';
import { fleetText } from '../text/index.ts';
import classes from './fleet.module.css';
import { useFleetRows } from './rows.ts';
import { emptySelection, everything, isSelected, type Selection, toggle } from './selection.ts';

const rowHeight = 44;
const overscan = 12;
const columns = ['nick', 'status', 'revision', 'seen'] as const;

interface TableProps {
  query: string;
  sort: string;
  user: string;
  onSort: (sort: string) => void;
  selection: Selection;
  onSelect: (selection: Selection) => void;
}

function Heading({ name, sort, onSort }: { name: string; sort: string; onSort: (sort: string) => void }) {
  const title = fleetText.columns[name as keyof typeof fleetText.columns];
  const direction = sort === name ? 'ascending' : sort === `-${name}` ? 'descending' : undefined;
  return (
    <div role="columnheader" className={classes.cell} data-column={name} aria-sort={direction ?? 'none'}>
      <button
        type="button"
        onClick={() => onSort(direction === 'ascending' ? `-${name}` : name)}
        title={fleetText.sortBy(title)}
      >
        {title}
        {direction !== undefined && <Icon name={direction === 'ascending' ? 'up' : 'down'} size={12} />}
      </button>
    </div>
  );
}

function Row({
  device,
  user,
  selected,
  onToggle,
}: {
  device: FleetDevice;
  user: string;
  selected: boolean;
  onToggle: () => void;
}) {
  const { id, nick, status, revision, tags } = device;
  const message = device['status-msg'];
  const behind = revision !== device['progress-revision'] && revision >= 0;
  return (
    <>
      <div role="cell" className={classes.cell} data-column="select">
        <Checkbox size="xs" checked={selected} onChange={onToggle} aria-label={fleetText.select(nick)} />
      </div>
      <div role="cell" className={classes.cell} data-column="nick">
        <Link to="/u/$user/devices/$device" params={{ user, device: id }} className={classes.name ?? ''}>
          {nick}
        </Link>
        {device.public && (
          <span className="soft" title={fleetText.public}>
            <Icon name="globe" size={12} />
            <span className="visually-hidden">{fleetText.public}</span>
          </span>
        )}
        <span className={classes.tags}>
          {Object.entries(tags).map(([name, value]) => (
            <span key={name} className={classes.tag}>
              {name}={value}
            </span>
          ))}
        </span>
      </div>
      <div role="cell" className={classes.cell} data-column="status">
        <Status status={status} />
        {message !== '' && <span className={classes.message}>{message}</span>}
      </div>
      <div role="cell" className={classes.cell} data-column="revision">
        {revision < 0 ? <span className="soft">{fleetText.noRevision}</span> : revision}
        {behind && <span className="soft"> {fleetText.on(device['progress-revision'])}</span>}
      </div>
      <div role="cell" className={classes.cell} data-column="seen">
        <When time={device['last-seen']} />
      </div>
    </>
  );
}

/** The list of a fleet: only the rows on the screen exist, and only their pages are fetched. */
export function FleetTable({ query, sort, user, onSort, selection, onSelect }: TableProps) {
  const body = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [known, setKnown] = useState(0);
  useLayoutEffect(() => {
    const offset = body.current?.getBoundingClientRect().top ?? 0;
    setTop(offset + window.scrollY);
  }, []);
  const virtual = useWindowVirtualizer({ count: known, estimateSize: () => rowHeight, overscan, scrollMargin: top });
  const items = virtual.getVirtualItems();
  const { total, row, error, refetch, isPlaceholder } = useFleetRows(
    query,
    sort,
    items[0]?.index ?? 0,
    items.at(-1)?.index ?? 0,
  );
  const count = total ?? 0;
  useLayoutEffect(() => setKnown(count), [count]);
  if (error !== null) return <Failure error={error} onRetry={() => void refetch()} />;
  if (total === 0) return <p className="soft">{fleetText.noMatch}</p>;
  const all = selection.kind === 'all-but' && selection.ids.size === 0;
  return (
    <div
      role="table"
      aria-rowcount={count + 1}
      aria-label={fleetText.title}
      className={classes.table}
      aria-busy={isPlaceholder}
    >
      <div role="row" aria-rowindex={1} className={`${classes.row} ${classes.head}`}>
        <div role="columnheader" className={classes.cell} data-column="select">
          <Checkbox
            size="xs"
            aria-label={fleetText.selectAll}
            checked={all}
            indeterminate={!all && (selection.ids.size > 0 || selection.kind === 'all-but')}
            onChange={() => onSelect(all ? emptySelection : everything)}
          />
        </div>
        {columns.map((name) => (
          <Heading key={name} name={name} sort={sort} onSort={onSort} />
        ))}
      </div>
      <div
        role="rowgroup"
        ref={body}
        className={classes.body}
        style={{ height: total === undefined ? rowHeight * 8 : virtual.getTotalSize() }}
      >
        {total === undefined &&
          Array.from({ length: 8 }, (_, index) => index).map((index) => (
            <div key={index} className={classes.placeholder}>
              <Skeleton height={16} />
            </div>
          ))}
        {items.map((item) => {
          const device = row(item.index);
          return (
            <div
              key={item.key}
              role="row"
              aria-rowindex={item.index + 2}
              className={classes.row}
              style={{ transform: `translateY(${item.start - top}px)` }}
              data-selected={device !== undefined && isSelected(selection, device.id)}
            >
              {device === undefined ? (
                <div role="cell" className={classes.placeholder}>
                  <Skeleton height={16} />
                </div>
              ) : (
                <Row
                  device={device}
                  user={user}
                  selected={isSelected(selection, device.id)}
                  onToggle={() => onSelect(toggle(selection, device.id))}
                />
              )}
            </div>
          );
        })}
      </div>
    </div>
  );
}
