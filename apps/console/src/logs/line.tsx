import type { LogEntry } from '@pantavisor/hub-api';
import { memo } from 'react';
import { type Piece, readAnsi } from './ansi.ts';
import classes from './logs.module.css';

/** Class of a piece: colours of terminals are named, so that both schemes can have legible ones. */
function classOf({ colour, background, bold, dim, italic, underline }: Piece): string {
  return [
    colour === undefined ? '' : classes[`fg${colour}`],
    background === undefined ? '' : classes[`bg${background}`],
    bold === true ? classes.bold : '',
    dim === true ? classes.dim : '',
    italic === true ? classes.italic : '',
    underline === true ? classes.underline : '',
  ].join(' ');
}

/** A message with its terminal colours, as text. */
export function Message({ text }: { text: string }) {
  const pieces = readAnsi(text);
  return pieces.map((piece, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: pieces of a line have nothing but their place
    <span key={index} className={classOf(piece)}>
      {piece.text}
    </span>
  ));
}

const clock = (entry: LogEntry): string => {
  const milliseconds =
    entry.tsec === undefined
      ? Date.parse(entry['time-created'])
      : entry.tsec * 1000 + Math.floor((entry.tnano ?? 0) / 1e6);
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime()) ? '' : date.toISOString().slice(11, 23);
};

const kindOf = (level: string): string =>
  /^(FATAL|ERROR|CRIT|ALERT|EMERG)/i.test(level)
    ? 'failed'
    : /^WARN/i.test(level)
      ? 'waiting'
      : /^(DEBUG|TRACE|ALL)/i.test(level)
        ? 'quiet'
        : '';

/** One line of a log. */
export const LogLine = memo(function LogLine({
  entry,
  marked,
  onSelect,
}: {
  entry: LogEntry;
  marked: boolean;
  onSelect: (entry: LogEntry) => void;
}) {
  const level = entry.lvl ?? '';
  return (
    <div className={classes.line} data-marked={marked} data-kind={kindOf(level)} id={`line-${entry.id}`}>
      <button type="button" className={classes.time} onClick={() => onSelect(entry)} tabIndex={-1}>
        {clock(entry)}
      </button>
      <span className={classes.level}>{level}</span>
      <span className={classes.from}>{entry.plat ?? ''}</span>
      <span className={classes.message}>
        <Message text={entry.msg ?? ''} />
      </span>
    </div>
  );
});
