import { Button, Menu } from '@mantine/core';
import { classOfStatus } from '@pantavisor/hub-api';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, Outlet, useLocation, useParams, useSearch } from '@tanstack/react-router';
import { useLayoutEffect, useMemo, useRef, useState } from 'react';
import { LoadFailure, Loading } from '../frame/states.tsx';
import { deviceQuery, summaryQuery } from '../hub/device.ts';
import { useEvents } from '../hub/live.ts';
import { useViewer } from '../hub/viewer.ts';
import { Icon } from '../show/icon.tsx';
import { LinkButton } from '../show/link-button.tsx';
import { Status } from '../show/status.tsx';
import { When } from '../show/values.tsx';
import { deviceText } from '../text/index.ts';
import { DeviceActions } from './actions.tsx';
import { DeviceContext, type ShownDevice } from './context.tsx';
import classes from './layout.module.css';

const base = '/u/$user/devices/$device';
const tabs = [
  { to: base, text: deviceText.tabs.summary, exact: true },
  { to: `${base}/apps`, text: deviceText.tabs.apps },
  { to: `${base}/files`, text: deviceText.tabs.files },
  { to: `${base}/state`, text: deviceText.tabs.state },
  { to: `${base}/metadata`, text: deviceText.tabs.metadata, own: true },
  { to: `${base}/revisions`, text: deviceText.tabs.revisions },
  { to: `${base}/logs`, text: deviceText.tabs.logs, own: true },
] as const;

/** One line: what the device is doing now. */
function nowLine({ summary, newest }: ShownDevice): string {
  if (summary === undefined || newest === undefined) return deviceText.now.waitsForFactory;
  const reported = summary['progress-revision'];
  if (newest > reported) return deviceText.now.waiting(newest);
  const kind = classOfStatus(summary.status);
  if (kind === 'good') return deviceText.now.inOrder(reported);
  if (kind === 'moving') return deviceText.now.moving(reported, summary.status);
  if (summary.status === 'WONTGO') return deviceText.now.refused(reported);
  if (kind === 'failed') return deviceText.now.failed(reported);
  return kind === 'waiting' ? deviceText.now.waiting(reported) : deviceText.now.unknown;
}

function useLiveDevice(id: string | undefined, own: boolean): void {
  const queryClient = useQueryClient();
  useEvents(id !== undefined && own ? { topics: 'device,step', device: id } : undefined, (event) => {
    if (event.type === 'step') {
      void queryClient.invalidateQueries({ queryKey: ['trail', id] });
      if (event.what === 'progress' && event.progress !== undefined)
        queryClient.setQueryData(['trail', id, 'live', event.rev], event.progress);
    } else void queryClient.invalidateQueries({ queryKey: ['device'] });
    if (event.type === 'lost') void queryClient.invalidateQueries({ queryKey: ['trail', id] });
  });
}

interface TabsProps {
  own: boolean;
  params: { user: string; device: string };
  rev: string | undefined;
}

function Tabs({ own, params, rev }: TabsProps) {
  const bar = useRef<HTMLElement>(null);
  const path = useLocation({ select: ({ pathname }) => pathname });
  // On a narrow screen the tab that is open may lie beyond the edge.
  useLayoutEffect(() => {
    const open = bar.current?.querySelector<HTMLElement>('[aria-current="page"]');
    if (path !== '' && bar.current != null && open != null)
      bar.current.scrollLeft =
        open.offsetLeft - bar.current.offsetLeft - (bar.current.clientWidth - open.clientWidth) / 2;
  }, [path]);
  return (
    <nav ref={bar} className={classes.tabs} aria-label={deviceText.tabsLabel}>
      {tabs
        .filter((tab) => own || !('own' in tab))
        .map((tab) => (
          <Link
            key={tab.to}
            to={tab.to}
            params={params}
            search={rev === undefined ? {} : { rev }}
            className={classes.tab ?? ''}
            activeOptions={{ exact: 'exact' in tab, includeSearch: false }}
            activeProps={{ 'aria-current': 'page' }}
          >
            {tab.text}
          </Link>
        ))}
    </nav>
  );
}

/** The frame of all screens of one device: what it is, what it does, and the tabs. */
export function DeviceLayout() {
  const { user, device: name } = useParams({ from: '/framed/u/$user/devices/$device' });
  const search = useSearch({ strict: false }) as { rev?: string };
  const viewer = useViewer();
  const found = useQuery(deviceQuery(user, name));
  const device = found.data;
  const own = device !== undefined && viewer.prn !== '' && device.owner === viewer.prn;
  const summary = useQuery({ ...summaryQuery(device?.id ?? ''), enabled: device !== undefined });
  const [menuOpen, setMenuOpen] = useState(false);
  useLiveDevice(device?.id, own);
  const shown = useMemo((): ShownDevice | undefined => {
    if (device === undefined) return undefined;
    const newest = summary.data?.revision;
    const asked = search.rev !== undefined && /^\d+$/.test(search.rev) ? Number(search.rev) : undefined;
    return {
      device,
      user,
      own,
      summary: summary.data ?? undefined,
      newest,
      rev: newest === undefined ? undefined : (asked ?? newest),
    };
  }, [device, user, own, summary.data, search.rev]);
  if (found.isError) return <LoadFailure error={found.error} onRetry={() => void found.refetch()} />;
  if (shown === undefined || summary.isPending) return <Loading />;
  const { newest, rev } = shown;
  const status =
    newest === undefined
      ? ''
      : newest > (summary.data?.['progress-revision'] ?? -1)
        ? 'NEW'
        : (summary.data?.status ?? '');
  const params = { user, device: name };
  return (
    <DeviceContext value={shown}>
      <div className={classes.header}>
        <div className={classes.title}>
          <h1>{shown.device.nick}</h1>
          <Status status={status} strong />
          {shown.device.public && (
            <span className={classes.public}>
              <Icon name="globe" size={13} /> {deviceText.public}
            </span>
          )}
          <div className={classes.actions}>
            {own && newest !== undefined && (
              <LinkButton
                to={`${base}/edit`}
                params={params}
                search={search.rev === undefined ? {} : { rev: search.rev }}
                variant="default"
                size="compact-md"
                leftSection={<Icon name="edit" />}
              >
                {deviceText.edit}
              </LinkButton>
            )}
            {own && (
              <Menu opened={menuOpen} onChange={setMenuOpen} position="bottom-end">
                <Menu.Target>
                  <Button variant="default" size="compact-md" rightSection={<Icon name="down" />}>
                    {deviceText.actions}
                  </Button>
                </Menu.Target>
                <DeviceActions />
              </Menu>
            )}
          </div>
        </div>
        <p className={classes.now}>
          <span>{nowLine(shown)}</span>
          {own && (
            <span className="soft">
              {deviceText.facts.seen}: <When time={summary.data?.timestamp ?? ''} />
            </span>
          )}
        </p>
        {rev !== undefined && newest !== undefined && rev !== newest && (
          <p className={classes.old}>
            {deviceText.showing(rev, newest)}{' '}
            <Link to="." search={(old: object) => ({ ...old, rev: undefined }) as never}>
              {deviceText.toNewest}
            </Link>
          </p>
        )}
        <Tabs own={own} params={params} rev={search.rev} />
      </div>
      <Outlet />
    </DeviceContext>
  );
}
