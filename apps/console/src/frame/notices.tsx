import { CloseButton } from '@mantine/core';
import { createContext, useCallback, useContext, useMemo, useState } from 'react';
import { refusalOf } from '../hub/client.ts';
import { frameText } from '../text/index.ts';
import classes from './notices.module.css';

interface Notice {
  id: number;
  kind: 'good' | 'failed';
  text: string;
}

interface Notices {
  /** Says that something was done; goes by itself. */
  done(text: string): void;
  /** Says why something was not done; stays until it is closed. */
  failed(error: unknown): void;
}

const Context = createContext<Notices | undefined>(undefined);
const lasting = 5_000;
const most = 4;

export function NoticeProvider({ children }: { children: React.ReactNode }) {
  const [notices, setNotices] = useState<Notice[]>([]);
  const close = useCallback((id: number) => setNotices((all) => all.filter((one) => one.id !== id)), []);
  const value = useMemo<Notices>(() => {
    let count = 0;
    const add = (kind: Notice['kind'], text: string) => {
      count += 1;
      const id = count;
      setNotices((all) => [...all.slice(1 - most), { id, kind, text }]);
      if (kind === 'good') setTimeout(() => close(id), lasting);
    };
    return {
      done: (text) => add('good', text),
      failed: (error) => {
        const { reason, message } = refusalOf(error);
        add('failed', reason === 'offline' ? `${frameText.offlineTitle}. ${frameText.offlineHint}` : message);
      },
    };
  }, [close]);
  return (
    <Context value={value}>
      {children}
      <div className={classes.notices} role="status" aria-live="polite">
        {notices.map(({ id, kind, text }) => (
          <div key={id} className={`${classes.notice} ${classes[kind]}`}>
            <span>{text}</span>
            <CloseButton size="sm" aria-label={frameText.close} onClick={() => close(id)} />
          </div>
        ))}
      </div>
    </Context>
  );
}

export function useNotices(): Notices {
  const notices = useContext(Context);
  if (notices === undefined) throw new Error('cannot show notices outside of their provider');
  return notices;
}
