import { ActionIcon, Button, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { parseFleetQuery } from '@pantavisor/hub-api';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useState } from 'react';
import { useEvents } from '../hub/live.ts';
import { useViewer } from '../hub/viewer.ts';
import { Icon } from '../show/icon.tsx';
import { LinkButton } from '../show/link-button.tsx';
import { Announce, Empty } from '../show/messages.tsx';
import { CopyLine } from '../show/values.tsx';
import { fleetText } from '../text/index.ts';
import { Facets } from './facets.tsx';
import classes from './fleet.module.css';
import { facetsQuery } from './rows.ts';
import { emptySelection, type Selection, selectedCount } from './selection.ts';
import { FleetTable } from './table.tsx';

const BulkBar = lazy(() => import('./bulk/bar.tsx').then(({ BulkBar: component }) => ({ default: component })));

/** Typing waits so long before it becomes the query; milliseconds. */
const typingPause = 250;
/** A fleet may say a thousand things a second; the list asks again at most so often. */
const livePause = 3_000;

function QueryLine({ line, onChange }: { line: string; onChange: (line: string) => void }) {
  const [typed, setTyped] = useState(line);
  const change = useDebouncedCallback(onChange, typingPause);
  // Facets and the back button change the line too.
  useEffect(() => setTyped(line), [line]);
  const { problems } = parseFleetQuery(typed);
  return (
    <TextInput
      aria-label={fleetText.query}
      placeholder={fleetText.queryPlaceholder}
      description={problems.length === 0 ? fleetText.queryHelp : undefined}
      inputWrapperOrder={['label', 'input', 'description', 'error']}
      error={problems.length === 0 ? undefined : problems.join('; ')}
      value={typed}
      onChange={(event) => {
        const text = event.currentTarget.value;
        setTyped(text);
        if (parseFleetQuery(text).problems.length === 0) change(text);
      }}
      leftSection={<Icon name="search" />}
      rightSection={
        typed === '' ? undefined : (
          <ActionIcon variant="subtle" color="gray" aria-label={fleetText.clear} onClick={() => onChange('')}>
            <Icon name="close" />
          </ActionIcon>
        )
      }
    />
  );
}

function useLiveFleet(): void {
  const queryClient = useQueryClient();
  const [due, setDue] = useState(false);
  useEvents({ topics: 'step' }, () => setDue(true));
  useEffect(() => {
    if (!due) return;
    const timer = setTimeout(() => {
      setDue(false);
      void queryClient.invalidateQueries({ queryKey: ['fleet'] });
    }, livePause);
    return () => clearTimeout(timer);
  }, [due, queryClient]);
}

/** All devices of the viewer: query line, facets, table, and what can be done to many at once. */
export function OwnFleet() {
  const { q = '', sort = 'nick', source } = useSearch({ from: '/framed/u/$user/devices' });
  const { nick } = useViewer();
  const navigate = useNavigate({ from: '/u/$user/devices' });
  const facets = useQuery(facetsQuery(q));
  const [selection, setSelection] = useState<Selection>(emptySelection);
  const [facetsOpen, setFacetsOpen] = useState(false);
  const search = (change: { q?: string; sort?: string }) => {
    setSelection(emptySelection);
    void navigate({ search: (old) => ({ ...old, ...change }), replace: change.q !== undefined });
  };
  useLiveFleet();
  const total = facets.data?.total;
  const count = selectedCount(selection, total ?? 0);
  return (
    <>
      <div className={classes.heading}>
        <h1>{fleetText.title}</h1>
        {total !== undefined && <span className="soft">{fleetText.total(total)}</span>}
        <LinkButton to="/claim" size="compact-sm" variant="light" leftSection={<Icon name="claim" />}>
          {fleetText.emptyAction}
        </LinkButton>
      </div>
      <Announce>{total === undefined ? '' : fleetText.total(total)}</Announce>
      {source !== undefined && <p className={classes.choose}>{fleetText.choose(source.replace('@', ', '))}</p>}
      <QueryLine line={q} onChange={(text) => search({ q: text })} />
      <div className={classes.columns}>
        <aside className={classes.aside} data-open={facetsOpen} aria-label={fleetText.facets}>
          <Facets facets={facets.data} line={q} onChange={(text) => search({ q: text })} />
        </aside>
        <section className={classes.list} aria-label={fleetText.title}>
          <Button
            className={classes.facetsButton ?? ''}
            variant="default"
            size="compact-sm"
            leftSection={<Icon name="filter" />}
            aria-expanded={facetsOpen}
            onClick={() => setFacetsOpen(!facetsOpen)}
          >
            {fleetText.showFacets}
          </Button>
          {count > 0 && (
            <Suspense fallback={<div className={classes.barSpace} />}>
              <BulkBar
                selection={selection}
                count={count}
                query={q}
                source={source}
                onClear={() => setSelection(emptySelection)}
              />
            </Suspense>
          )}
          {total === 0 && q === '' ? (
            <Empty icon="devices" title={fleetText.emptyTitle}>
              <p>{fleetText.emptyHint}</p>
              <CopyLine what="command" value={fleetText.emptyCommand.replace('<hub>', location.origin)} />
              <LinkButton to="/claim">{fleetText.emptyAction}</LinkButton>
            </Empty>
          ) : (
            <FleetTable
              query={q}
              sort={sort}
              user={nick}
              onSort={(text) => search({ sort: text })}
              selection={selection}
              onSelect={setSelection}
            />
          )}
        </section>
      </div>
    </>
  );
}
