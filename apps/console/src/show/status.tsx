import { classOfStatus, type StatusClass } from '@pantavisor/hub-api';
import { statusText } from '../text/index.ts';
import classes from './status.module.css';

/** One shape a class, so that colour never tells alone. */
const shapes: Record<StatusClass, React.ReactNode> = {
  good: (
    <>
      <circle cx="8" cy="8" r="7" fill="currentColor" />
      <path d="M4.8 8.2l2.2 2.3 4.2-4.7" fill="none" stroke="var(--paper)" strokeWidth="1.8" />
    </>
  ),
  moving: (
    <>
      <circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" strokeWidth="2" opacity="0.35" />
      <path d="M8 2a6 6 0 0 1 6 6" fill="none" stroke="currentColor" strokeWidth="2" />
      <path d="M5 8h6M8.5 5.5 11 8l-2.5 2.5" fill="none" stroke="currentColor" strokeWidth="1.6" />
    </>
  ),
  waiting: (
    <>
      <circle cx="8" cy="8" r="6.2" fill="none" stroke="currentColor" strokeWidth="1.6" />
      <path d="M8 4.5V8l2.5 1.6" fill="none" stroke="currentColor" strokeWidth="1.6" />
    </>
  ),
  failed: (
    <>
      <path d="M8 .8 15.4 14.4H.6z" fill="currentColor" />
      <path d="M8 5.5v4.2M8 11.2v1.4" fill="none" stroke="var(--paper)" strokeWidth="1.7" />
    </>
  ),
  unknown: (
    <circle cx="8" cy="8" r="6.2" fill="none" stroke="currentColor" strokeWidth="1.6" strokeDasharray="2.4 2.4" />
  ),
};

/** The shape and colour of a class of statuses, without a word: only beside one. */
export function StatusMark({ kind }: { kind: StatusClass }) {
  return (
    <svg className={`${classes.mark} ${classes[kind]}`} viewBox="0 0 16 16" aria-hidden="true">
      {shapes[kind]}
    </svg>
  );
}

interface StatusProps {
  status: string;
  /** on a ground of its colour */
  strong?: boolean;
  /** false where its shape stands beside it already */
  mark?: boolean;
}

/** A status as it looks everywhere: shape, colour and word; what it means on hover. */
export function Status({ status, strong = false, mark = true }: StatusProps) {
  const kind = classOfStatus(status);
  const word = statusText.names[status] ?? status;
  return (
    <span
      className={`${classes.status} ${classes[kind]} ${strong ? classes.strong : ''}`}
      title={statusText.meaning[status] ?? ''}
      data-status={status}
    >
      {mark && <StatusMark kind={kind} />}
      {word}
    </span>
  );
}
