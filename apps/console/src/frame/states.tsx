import { Button, Loader } from '@mantine/core';
import { refusalOf } from '../hub/client.ts';
import { LinkButton } from '../show/link-button.tsx';
import { Empty, Failure } from '../show/messages.tsx';
import { frameText } from '../text/index.ts';
import classes from './states.module.css';

export function Loading() {
  return (
    <div className={classes.loading} role="status">
      <Loader size="sm" />
      {frameText.loading}
    </div>
  );
}

export function NotFound() {
  return (
    <Empty icon="search" title={frameText.notFoundTitle}>
      <p>{frameText.notFoundHint}</p>
      <LinkButton to="/" variant="default">
        {frameText.overview}
      </LinkButton>
    </Empty>
  );
}

/** A screen whose data cannot be had: not there, not yours, or broken. */
export function LoadFailure({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { status, reason, message } = refusalOf(error);
  if (status === 401 || (status === 403 && reason === 'insufficient-scope'))
    return (
      <Empty icon="lock" title={frameText.loginNeeded}>
        <Button component="a" href={`/login?next=${encodeURIComponent(location.pathname + location.search)}`}>
          {frameText.logIn}
        </Button>
      </Empty>
    );
  if (status === 403 || reason === 'not-permitted')
    return (
      <Empty icon="lock" title={frameText.notYours}>
        <p>{message}</p>
      </Empty>
    );
  if (reason === 'not-found')
    return (
      <Empty icon="search" title={frameText.notFoundTitle}>
        <p>{message}</p>
      </Empty>
    );
  return (
    <div className={classes.failure}>
      <Failure error={error} {...(onRetry === undefined ? {} : { onRetry })} />
    </div>
  );
}
