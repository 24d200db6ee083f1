import { Button, Modal, Skeleton, TextInput } from '@mantine/core';
import { type Device, deviceRoutes, profileRoutes, trailRoutes } from '@pantavisor/hub-api';
import { useMutation, useQueries, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback, useMemo, useState } from 'react';
import { type AppOutline, listApps } from '../device/outline.ts';
import type { Side } from '../diff/compare.ts';
import type { FetchText } from '../diff/content.tsx';
import { useFetchText, useSide } from '../diff/sides.ts';
import { DiffView } from '../diff/view.tsx';
import { withApp } from '../editor/draft.ts';
import { useNotices } from '../frame/notices.tsx';
import { Loading } from '../frame/states.tsx';
import { callPage, hub } from '../hub/client.ts';
import { findDeviceByText, objectsQuery, outlineQuery, stepQuery } from '../hub/device.ts';
import { useViewer } from '../hub/viewer.ts';
import layout from '../look/layout.module.css';
import { Icon } from '../show/icon.tsx';
import { Empty, Failure } from '../show/messages.tsx';
import { Size } from '../show/values.tsx';
import { deviceText, diffText, fleetText, marketText } from '../text/index.ts';
import classes from './market.module.css';

const mostPeople = '50';
const mostDevices = '50';

/** Who shares devices, and what each is a source of. */
function People() {
  const { nick } = useViewer();
  const people = useQuery({
    queryKey: ['profiles'],
    queryFn: () => hub.call(profileRoutes.list, { query: { limit: mostPeople } }),
  });
  const nicks = people.data === undefined ? [] : [...new Set([...people.data.map((one) => one.nick), nick])];
  const shared = useQueries({
    queries: nicks.map((one) => ({
      queryKey: ['public', one],
      queryFn: () =>
        callPage<Device>(deviceRoutes.list, {
          query: { 'owner-nick': one, public: 'true', sort: 'nick', 'page[size]': mostDevices },
        }),
    })),
  });
  if (people.isError) return <Failure error={people.error} onRetry={() => void people.refetch()} />;
  if (people.data === undefined || shared.some(({ isPending }) => isPending)) return <Skeleton height={120} />;
  const sources = nicks
    .map((one, index) => ({ owner: one, devices: shared[index]?.data?.page ?? [] }))
    .filter(({ devices }) => devices.length > 0);
  if (sources.length === 0)
    return (
      <Empty icon="market" title={marketText.noPeopleTitle}>
        <p>{marketText.noPeople}</p>
      </Empty>
    );
  return (
    <div className={layout.grid}>
      {sources.map(({ owner, devices }) => (
        <section key={owner} className={layout.card}>
          <h2>{marketText.devicesOf(owner)}</h2>
          <ul className={classes.sources}>
            {devices.map((device) => (
              <li key={device.id}>
                <Link
                  to="/market"
                  search={{ source: `${owner}/${device.nick}` }}
                  className={classes.source ?? ''}
                  aria-label={marketText.apps(device.nick)}
                >
                  <Icon name="market" />
                  {device.nick}
                </Link>
                <Link
                  to="/u/$user/devices/$device"
                  params={{ user: owner, device: device.id }}
                  aria-label={marketText.deviceOf(device.nick)}
                >
                  {marketText.device}
                </Link>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}

interface InstallProps {
  app: AppOutline;
  sourceName: string;
  source: Side;
  fetchSource: FetchText;
  onClose: () => void;
}

/** Puts an app of another device into a revision of one's own, after showing what that means. */
function Install({ app, sourceName, source, fetchSource, onClose }: InstallProps) {
  const { nick } = useViewer();
  const [text, setText] = useState('');
  const [target, setTarget] = useState<Device>();
  const [message, setMessage] = useState<string>(marketText.message(app.name, sourceName));
  const outline = useQuery({ ...outlineQuery(target?.id ?? '', 1), enabled: target !== undefined });
  const rev = outline.data?.page[0]?.rev;
  const before = useSide(target === undefined || rev === undefined ? undefined : { id: target.id, rev });
  const fetchOwn = useFetchText(before.objects, before.objects);
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  const notices = useNotices();
  const find = useMutation({ mutationFn: () => findDeviceByText(text, nick), onSuccess: setTarget });
  const after = useMemo((): Side | undefined => {
    if (before.side === undefined) return undefined;
    return {
      state: withApp(before.side.state, app.name, source.state),
      sizes: new Map([...before.side.sizes, ...source.sizes]),
    };
  }, [before.side, app.name, source]);
  const fetchText = useCallback<FetchText>(
    (side, key) => (side === 'after' && app.keys.includes(key) ? fetchSource('before', key) : fetchOwn(side, key)),
    [app.keys, fetchSource, fetchOwn],
  );
  const deploy = useMutation({
    mutationFn: () =>
      hub.call(trailRoutes.post, {
        params: { id: target?.id ?? '' },
        body: { rev: -1, 'commit-msg': message, state: after?.state ?? {} },
      }),
    onSuccess: async (step) => {
      notices.done(deviceText.deploy.done(step.rev));
      await queryClient.invalidateQueries({ queryKey: ['trail'] });
      await navigate({ to: '/u/$user/devices/$device', params: { user: nick, device: target?.id ?? '' } });
    },
  });
  const same = after !== undefined && JSON.stringify(after.state) === JSON.stringify(before.side?.state);
  return (
    <Modal opened onClose={onClose} title={`${marketText.install.replace('…', '')}: ${app.name}`} size="xl">
      <div className={layout.form}>
        <form
          className={layout.row}
          onSubmit={(event) => {
            event.preventDefault();
            find.mutate();
          }}
        >
          <TextInput
            className={layout.grow ?? ''}
            label={marketText.target}
            placeholder={marketText.targetHint}
            required
            data-autofocus
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
          />
          <Button type="submit" variant="default" loading={find.isPending}>
            {marketText.review}
          </Button>
        </form>
        {find.isError && <Failure error={find.error} />}
        {target !== undefined && outline.data?.total === 0 && <p>{deviceText.noRevision}</p>}
        {target !== undefined && rev !== undefined && (before.side === undefined || after === undefined) && <Loading />}
        {before.side !== undefined && after !== undefined && (
          <>
            <p>
              {same
                ? marketText.same
                : Object.keys(before.side.state).some((key) => key.startsWith(`${app.name}/`))
                  ? marketText.willUpdate(app.name)
                  : marketText.willAdd(app.name)}
            </p>
            {!same && <DiffView before={before.side} after={after} fetchText={fetchText} />}
            <TextInput
              label={fleetText.deployMessage}
              value={message}
              onChange={(event) => setMessage(event.currentTarget.value)}
            />
            {deploy.isError && <Failure error={deploy.error} />}
            <Button disabled={same} loading={deploy.isPending} onClick={() => deploy.mutate()}>
              {marketText.action}
            </Button>
          </>
        )}
      </div>
    </Modal>
  );
}

function Source({ name }: { name: string }) {
  const { nick } = useViewer();
  const found = useQuery({
    queryKey: ['device', 'source', name],
    queryFn: () => findDeviceByText(name, nick),
    retry: false,
  });
  const device = found.data;
  const summary = useQuery({
    queryKey: ['trail', device?.id, 'newest'],
    queryFn: () => hub.call(trailRoutes.summary, { params: { id: device?.id ?? '' } }),
    enabled: device !== undefined,
    retry: false,
  });
  const rev = summary.data?.revision;
  const enabled = device !== undefined && rev !== undefined;
  const step = useQuery({ ...stepQuery(device?.id ?? '', rev ?? 0), enabled });
  const objects = useQuery({ ...objectsQuery(device?.id ?? '', rev ?? 0), enabled });
  const side = useSide(enabled ? { id: device.id, rev } : undefined);
  const fetchText = useFetchText(side.objects, side.objects);
  const [installing, setInstalling] = useState<AppOutline>();
  const error = found.error ?? summary.error ?? step.error;
  if (error != null) return <Failure error={error} />;
  if (step.data === undefined) return <Skeleton height={120} />;
  const apps = listApps(step.data.state, objects.data).filter(({ kind }) => kind === 'container');
  if (apps.length === 0) return <Empty icon="market" title={deviceText.noApps} />;
  return (
    <section className={layout.card}>
      <h2>{marketText.apps(name)}</h2>
      <ul className={classes.apps}>
        {apps.map((app) => (
          <li key={app.name}>
            <div className={classes.app}>
              <strong>{app.name}</strong>
              <span className="soft">{app.source}</span>
            </div>
            <span className={`soft ${classes.measure}`}>
              {diffText.files(app.keys.length)}, <Size bytes={app.size} />
            </span>
            <Button
              size="compact-sm"
              variant="default"
              onClick={() => setInstalling(app)}
              disabled={side.side === undefined}
            >
              {marketText.install}
            </Button>
          </li>
        ))}
      </ul>
      {installing !== undefined && side.side !== undefined && (
        <Install
          app={installing}
          sourceName={name}
          source={side.side}
          fetchSource={fetchText}
          onClose={() => setInstalling(undefined)}
        />
      )}
    </section>
  );
}

/** Apps that others share, and the way of one into a device of one's own. */
export function MarketPage() {
  const { source } = useSearch({ from: '/framed/personal/market' });
  const navigate = useNavigate({ from: '/market' });
  const [text, setText] = useState(source ?? '');
  return (
    <>
      <div className={layout.heading}>
        <h1>{marketText.title}</h1>
      </div>
      <p className={layout.hint}>{marketText.hint}</p>
      <div className={layout.stack}>
        <form
          className={layout.row}
          onSubmit={(event) => {
            event.preventDefault();
            void navigate({ search: { source: text } });
          }}
        >
          <TextInput
            className={layout.grow ?? ''}
            label={marketText.source}
            placeholder={marketText.sourceHint}
            required
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
          />
          <Button type="submit">{marketText.show}</Button>
        </form>
        {source === undefined ? <People /> : <Source key={source} name={source} />}
      </div>
    </>
  );
}
