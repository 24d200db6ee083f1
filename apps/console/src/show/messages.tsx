import { Alert, Button } from '@mantine/core';
import { refusalOf } from '../hub/client.ts';
import { frameText } from '../text/index.ts';
import { Icon, type IconName } from './icon.tsx';
import classes from './messages.module.css';

/** What a person can do about a refusal. */
function hintFor(reason: string, status: number): string | undefined {
  if (reason === 'offline') return frameText.offlineHint;
  if (reason === 'overloaded' || reason === 'stopping' || status === 429) return frameText.overloadedHint;
  return undefined;
}

/** A failure with everything known about it: what, why, what now. */
export function Failure({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { reason, status, message, requestId } = refusalOf(error);
  const hint = hintFor(reason, status);
  return (
    <Alert
      color="red"
      variant="light"
      role="alert"
      title={reason === 'offline' ? frameText.offlineTitle : frameText.failedTitle}
      icon={<Icon name="warning" />}
      className={classes.failure ?? ''}
    >
      {message !== '' && <p>{message}</p>}
      {hint !== undefined && <p>{hint}</p>}
      {requestId !== '' && <p className="soft mono">{frameText.requestId(requestId)}</p>}
      {onRetry !== undefined && (
        <Button size="compact-sm" variant="default" onClick={onRetry}>
          {frameText.tryAgain}
        </Button>
      )}
    </Alert>
  );
}

/** A place where nothing is yet, with the next step. */
export function Empty({ icon, title, children }: { icon: IconName; title: string; children?: React.ReactNode }) {
  return (
    <div className={classes.empty}>
      <Icon name={icon} size={28} />
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** Says aloud, to those who listen to the page, what changed by itself. */
export function Announce({ children }: { children: React.ReactNode }) {
  return (
    <div className="visually-hidden" role="status" aria-live="polite">
      {children}
    </div>
  );
}
