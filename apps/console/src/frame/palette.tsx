import { Modal } from '@mantine/core';
import { deviceRoutes, fleetRoutes, formatFleetQuery } from '@pantavisor/hub-api';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useDeferredValue, useState } from 'react';
import { hub } from '../hub/client.ts';
import { useViewer } from '../hub/viewer.ts';
import { Icon, type IconName } from '../show/icon.tsx';
import { Status } from '../show/status.tsx';
import { frameText } from '../text/index.ts';
import classes from './palette.module.css';

interface Hit {
  key: string;
  icon: IconName;
  text: string;
  status?: string;
  to: string;
  params?: Record<string, string>;
}

const mostDevices = '8';

function useHits(line: string): Hit[] {
  const { nick } = useViewer();
  const places: Hit[] = [
    { key: 'overview', icon: 'overview', text: frameText.overview, to: '/' },
    { key: 'devices', icon: 'devices', text: frameText.devices, to: '/u/$user/devices', params: { user: nick } },
    { key: 'claim', icon: 'claim', text: frameText.claim, to: '/claim' },
    { key: 'market', icon: 'market', text: frameText.market, to: '/market' },
    { key: 'tokens', icon: 'key', text: frameText.tokens, to: '/account/tokens' },
    { key: 'profile', icon: 'user', text: frameText.profile, to: '/account/profile' },
    { key: 'sessions', icon: 'lock', text: frameText.sessions, to: '/account/sessions' },
    { key: 'apps', icon: 'link', text: frameText.oauthApps, to: '/account/apps' },
    { key: 'meta', icon: 'settings', text: frameText.globalMetadata, to: '/settings/metadata' },
  ];
  const words = line.trim().toLowerCase();
  const q = formatFleetQuery(
    words
      .split(/\s+/)
      .filter((word) => word !== '')
      .map((value) => ({ field: 'text', value, negative: false })),
  );
  const found = useQuery({
    queryKey: ['palette', q],
    queryFn: () => hub.call(fleetRoutes.devices, { query: { q, 'page[size]': mostDevices } }),
    placeholderData: (before) => before,
    enabled: words !== '',
  });
  // `user/device` names a public device of somebody else.
  const [user, device, ...rest] = words.split('/');
  const foreign = useQuery({
    queryKey: ['palette', 'public', words],
    queryFn: () =>
      hub.call(deviceRoutes.byNames, { params: { usernick: user ?? '', devicenick: device ?? '' } }).catch(() => null),
    enabled: user !== '' && (device ?? '') !== '' && rest.length === 0,
  });
  const devices = words === '' ? [] : (found.data?.devices ?? []);
  return [
    ...(foreign.data == null
      ? []
      : [
          {
            key: foreign.data.id,
            icon: 'globe' as const,
            text: words,
            to: '/u/$user/devices/$device',
            params: { user: user ?? '', device: foreign.data.id },
          },
        ]),
    ...devices.map((one) => ({
      key: one.id,
      icon: 'devices' as const,
      text: one.nick,
      status: one.status,
      to: '/u/$user/devices/$device',
      params: { user: nick, device: one.id },
    })),
    ...places.filter(({ text }) => text.toLowerCase().includes(words)),
  ];
}

/** Finds devices, screens and actions by a few letters (`/` or Ctrl-K). A combobox with a list (WAI-ARIA 1.2 §5.3). */
export function Palette({ onClose }: { onClose: () => void }) {
  const [line, setLine] = useState('');
  const [chosen, setChosen] = useState(0);
  const hits = useHits(useDeferredValue(line));
  const navigate = useNavigate();
  const at = Math.min(chosen, hits.length - 1);
  const open = (hit: Hit | undefined) => {
    if (hit === undefined) return;
    onClose();
    void navigate({ to: hit.to as '/', params: hit.params as never });
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (move !== undefined) {
      event.preventDefault();
      setChosen((at + move + hits.length) % Math.max(1, hits.length));
    } else if (event.key === 'Enter') open(hits[at]);
  };
  return (
    <Modal.Root opened onClose={onClose} padding={0} size="lg" yOffset="10vh" centered={false}>
      <Modal.Overlay />
      <Modal.Content aria-label={frameText.searchEverything}>
        <div className={classes.line}>
          <Icon name="search" />
          <input
            data-autofocus
            role="combobox"
            aria-expanded="true"
            aria-controls="palette-hits"
            aria-activedescendant={hits[at] === undefined ? undefined : `hit-${hits[at].key}`}
            aria-label={frameText.searchEverything}
            placeholder={frameText.searchHint}
            value={line}
            onChange={(event) => {
              setLine(event.currentTarget.value);
              setChosen(0);
            }}
            onKeyDown={onKeyDown}
          />
        </div>
        <div role="listbox" id="palette-hits" className={classes.hits} aria-label={frameText.searchEverything}>
          {hits.map((hit, index) => (
            <div
              key={hit.key}
              id={`hit-${hit.key}`}
              role="option"
              tabIndex={-1}
              aria-selected={index === at}
              className={classes.hit}
              onMouseMove={() => setChosen(index)}
              onClick={() => open(hit)}
              onKeyDown={onKeyDown}
            >
              <Icon name={hit.icon} />
              <span className={classes.text}>{hit.text}</span>
              {hit.status !== undefined && <Status status={hit.status} />}
            </div>
          ))}
        </div>
        {hits.length === 0 && <p className={classes.nothing}>{frameText.searchNothing}</p>}
        <p className={classes.hint}>{frameText.searchOpen}</p>
      </Modal.Content>
    </Modal.Root>
  );
}
