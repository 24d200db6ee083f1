import { ActionIcon, Button, Menu, useMantineColorScheme } from '@mantine/core';
import { sessionRoutes } from '@pantavisor/hub-api';
import { useQueryClient } from '@tanstack/react-query';
import { Link, Outlet, useNavigate, useRouterState } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useState } from 'react';
import { hub } from '../hub/client.ts';
import { useConnection } from '../hub/live.ts';
import { isLoggedIn, useViewer, viewerQuery } from '../hub/viewer.ts';
import { Icon, type IconName } from '../show/icon.tsx';
import { LinkButton } from '../show/link-button.tsx';
import { frameText } from '../text/index.ts';
import { useNotices } from './notices.tsx';
import classes from './shell.module.css';

const Palette = lazy(() => import('./palette.tsx').then(({ Palette: component }) => ({ default: component })));

interface Place {
  to: string;
  params?: Record<string, string>;
  icon: IconName;
  text: string;
  exact?: boolean;
}

function usePlaces(): Place[] {
  const { nick } = useViewer();
  return [
    { to: '/', icon: 'overview', text: frameText.overview, exact: true },
    { to: '/u/$user/devices', params: { user: nick }, icon: 'devices', text: frameText.devices },
    { to: '/market', icon: 'market', text: frameText.market },
    { to: '/account/tokens', icon: 'key', text: frameText.tokens },
    { to: '/settings/metadata', icon: 'settings', text: frameText.settings },
  ];
}

function Rail({ open, onNavigate }: { open: boolean; onNavigate: () => void }) {
  const places = usePlaces();
  return (
    <nav className={classes.rail} data-open={open} aria-label={frameText.navigation} id="rail">
      <ul>
        {places.map(({ to, params, icon, text, exact }) => (
          <li key={to}>
            <Link
              to={to as '/'}
              params={params as never}
              className={classes.place ?? ''}
              activeOptions={{ exact: exact === true }}
              activeProps={{ 'aria-current': 'page' }}
              onClick={onNavigate}
            >
              <Icon name={icon} />
              {text}
            </Link>
          </li>
        ))}
      </ul>
      <Link to="/claim" className={classes.add ?? ''} onClick={onNavigate}>
        <Icon name="claim" />
        {frameText.claim}
      </Link>
    </nav>
  );
}

const schemes = [
  ['light', frameText.light],
  ['dark', frameText.dark],
  ['auto', frameText.auto],
] as const;

function AccountMenu() {
  const viewer = useViewer();
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  const notices = useNotices();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const logOut = async () => {
    try {
      await hub.call(sessionRoutes.end);
      queryClient.clear();
      await queryClient.fetchQuery(viewerQuery);
      await navigate({ to: '/login' });
    } catch (error) {
      notices.failed(error);
    }
  };
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <Button variant="subtle" color="gray" leftSection={<Icon name="user" />} className={classes.account ?? ''}>
          {viewer['acting-for'] === '' ? viewer.nick : frameText.actingFor(viewer['acting-for'], viewer.nick)}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => navigate({ to: '/account/profile' })}>{frameText.profile}</Menu.Item>
        <Menu.Item onClick={() => navigate({ to: '/account/sessions' })}>{frameText.sessions}</Menu.Item>
        <Menu.Divider />
        <Menu.Label>{frameText.colours}</Menu.Label>
        {schemes.map(([scheme, text]) => (
          <Menu.Item
            key={scheme}
            onClick={() => setColorScheme(scheme)}
            rightSection={colorScheme === scheme ? <Icon name="check" /> : undefined}
          >
            {text}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item onClick={() => void logOut()}>{frameText.logOut}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

/** `/` and Ctrl-K open the search, unless somebody is typing. */
function useSearchKeys(open: () => void): void {
  useEffect(() => {
    const listener = (event: KeyboardEvent) => {
      const typing = (event.target as HTMLElement).closest?.('input, textarea, select, [contenteditable="true"]');
      const wanted =
        (event.key === 'k' && (event.ctrlKey || event.metaKey)) ||
        (event.key === '/' && !typing && !event.ctrlKey && !event.metaKey && !event.altKey);
      if (!wanted) return;
      event.preventDefault();
      open();
    };
    window.addEventListener('keydown', listener);
    return () => window.removeEventListener('keydown', listener);
  }, [open]);
}

function ConnectionState() {
  const state = useConnection();
  if (state === 'idle') return null;
  const text = { live: frameText.live, connecting: frameText.connecting, offline: frameText.offline }[state];
  return (
    <span className={classes.connection} data-state={state} title={text} role="status">
      <span className={classes.dot} />
      <span className={classes.connectionText}>{state === 'offline' ? frameText.offlineTitle : text}</span>
    </span>
  );
}

/** The frame of every screen: rail, search, connection, account; without a session only what public pages need. */
export function Shell() {
  const viewer = useViewer();
  const loggedIn = isLoggedIn(viewer);
  const [railOpen, setRailOpen] = useState(false);
  const [searching, setSearching] = useState(false);
  const path = useRouterState({ select: (state) => state.location.pathname });
  useSearchKeys(() => setSearching(loggedIn));
  useEffect(() => {
    if (path !== '') setRailOpen(false);
  }, [path]);
  return (
    <div className={classes.frame} data-rail={loggedIn}>
      <a href="#content" className={classes.skip}>
        {frameText.skip}
      </a>
      <header className={`${classes.top} top`}>
        {loggedIn && (
          <ActionIcon
            variant="subtle"
            color="gray"
            className={classes.burger ?? ''}
            onClick={() => setRailOpen(!railOpen)}
            aria-label={frameText.menu}
            aria-expanded={railOpen}
            aria-controls="rail"
          >
            <Icon name={railOpen ? 'close' : 'menu'} />
          </ActionIcon>
        )}
        <Link to="/" className={classes.brand ?? ''} aria-label={frameText.product}>
          <img src="/console/icon.svg" alt="" width="22" height="22" />
          <span>{frameText.product}</span>
        </Link>
        {loggedIn && (
          <button
            type="button"
            className={classes.search}
            onClick={() => setSearching(true)}
            aria-label={frameText.search}
          >
            <Icon name="search" />
            <span>{frameText.search}</span>
            <kbd>/</kbd>
          </button>
        )}
        <div className={classes.end}>
          <ConnectionState />
          {loggedIn ? (
            <AccountMenu />
          ) : (
            <LinkButton to="/login" variant="default">
              {frameText.logIn}
            </LinkButton>
          )}
        </div>
      </header>
      {loggedIn && <Rail open={railOpen} onNavigate={() => setRailOpen(false)} />}
      <main className={classes.content} id="content" tabIndex={-1}>
        <Outlet />
      </main>
      {searching && (
        <Suspense fallback={null}>
          <Palette onClose={() => setSearching(false)} />
        </Suspense>
      )}
    </div>
  );
}
