import { Button } from '@mantine/core';
import type { FormEvent, ReactNode } from 'react';
import { Failure } from '../show/messages.tsx';
import { frameText } from '../text/index.ts';
import classes from './card.module.css';

/** The frame of screens that somebody sees without being logged in. */
export function Card({ title, children, below }: { title: string; children: ReactNode; below?: ReactNode }) {
  return (
    <main className={classes.screen}>
      <div className={classes.brand}>
        <img src="/console/icon.svg" alt="" width="32" height="32" />
        {frameText.product}
      </div>
      <section className={classes.card} aria-labelledby="card-title">
        <h1 id="card-title">{title}</h1>
        {children}
      </section>
      {below !== undefined && <div className={classes.below}>{below}</div>}
    </main>
  );
}

interface FormProps {
  onSubmit: () => void;
  pending: boolean;
  error: unknown;
  action: string;
  children: ReactNode;
}

/** A form with its failure above the button. */
export function CardForm({ onSubmit, pending, error, action, children }: FormProps) {
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onSubmit();
  };
  return (
    <form onSubmit={submit} className={classes.form}>
      {children}
      {error != null && <Failure error={error} />}
      <Button type="submit" loading={pending} fullWidth>
        {action}
      </Button>
    </form>
  );
}
