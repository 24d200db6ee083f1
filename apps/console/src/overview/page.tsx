import { Progress, Skeleton } from '@mantine/core';
import { classOfStatus, type FleetFacets, fleetRoutes, planRoutes, type StatusClass } from '@pantavisor/hub-api';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { facetsQuery } from '../fleet/rows.ts';
import { hub } from '../hub/client.ts';
import { useViewer } from '../hub/viewer.ts';
import layout from '../look/layout.module.css';
import { LinkButton } from '../show/link-button.tsx';
import { Empty, Failure } from '../show/messages.tsx';
import { Status, StatusMark } from '../show/status.tsx';
import { CopyLine, When } from '../show/values.tsx';
import { fleetText, number, overviewText, statusText } from '../text/index.ts';
import classes from './overview.module.css';

const countOf = (list: readonly { value: string; count: number }[], fits: (value: string) => boolean): number =>
  list.filter(({ value }) => fits(value)).reduce((sum, { count }) => sum + count, 0);

function Tile({ count, text, query, kind }: { count: number; text: string; query: string; kind: StatusClass }) {
  const { nick } = useViewer();
  return (
    <Link
      to="/u/$user/devices"
      params={{ user: nick }}
      search={{ q: query }}
      className={classes.tile ?? ''}
      data-kind={count === 0 ? 'unknown' : kind}
    >
      <span className={classes.count}>{number(count)}</span>
      <span className={classes.text}>
        <StatusMark kind={count === 0 ? 'unknown' : kind} /> {text}
      </span>
    </Link>
  );
}

function Tiles({ facets }: { facets: FleetFacets }) {
  const ofClass = (kind: StatusClass) => countOf(facets.statuses, (value) => classOfStatus(value) === kind);
  const seen = (...names: string[]) => countOf(facets.seen, (value) => names.includes(value));
  return (
    <div className={classes.tiles}>
      <Tile count={seen('<15m')} text={overviewText.online} query="seen:<15m" kind="good" />
      <Tile
        count={ofClass('moving') + ofClass('waiting')}
        text={overviewText.updating}
        query="status:moving status:waiting"
        kind="moving"
      />
      <Tile count={ofClass('failed')} text={overviewText.failing} query="status:failed" kind="failed" />
      <Tile count={seen('<7d', '>7d', 'never')} text={overviewText.silent} query="seen:>1d" kind="waiting" />
    </div>
  );
}

function Bars({
  title,
  rows,
  query,
}: {
  title: string;
  rows: { value: string; count: number; label: React.ReactNode }[];
  query: (value: string) => string;
}) {
  const { nick } = useViewer();
  const most = Math.max(1, ...rows.map(({ count }) => count));
  return (
    <section className={layout.card}>
      <h2>{title}</h2>
      <ul className={layout.list}>
        {rows.map(({ value, count, label }) => (
          <li key={value} className={classes.bar}>
            <Link to="/u/$user/devices" params={{ user: nick }} search={{ q: query(value) }}>
              {label}
            </Link>
            <span className={classes.track} aria-hidden="true">
              <span className={classes.fill} style={{ width: `${(100 * count) / most}%` }} />
            </span>
            <span>{number(count)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Recent() {
  const { nick } = useViewer();
  const devices = useQuery({
    queryKey: ['fleet', 'recent'],
    queryFn: () => hub.call(fleetRoutes.devices, { query: { sort: '-modified', 'page[size]': '8' } }),
  });
  return (
    <section className={`${layout.card} ${classes.recents}`}>
      <h2>{overviewText.recent}</h2>
      {devices.isPending && <Skeleton height={8 * 32} />}
      {devices.data?.devices.length === 0 && <p className="soft">{overviewText.none}</p>}
      <ul className={`${layout.list} ${classes.changes}`}>
        {devices.data?.devices.map((device) => (
          <li key={device.id} className={classes.recent}>
            <Link to="/u/$user/devices/$device" params={{ user: nick, device: device.id }} title={device.nick}>
              {device.nick}
            </Link>
            <Status status={device.status} />
            <span className="soft">{device.revision < 0 ? '' : overviewText.revisionOf(device.revision)}</span>
            <When time={device['time-modified']} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Quotas() {
  const dash = useQuery({ queryKey: ['dash'], queryFn: () => hub.call(planRoutes.dash) });
  if (dash.isError) return <Failure error={dash.error} />;
  if (dash.data === undefined) return <Skeleton height={140} />;
  const { 'quota-stats': stats, 'plan-id': plan } = dash.data.subscription;
  return (
    <section className={layout.card}>
      <div className={layout.heading}>
        <h2>{overviewText.quotas}</h2>
        <span className="soft">{overviewText.plan(plan)}</span>
      </div>
      {Object.values(stats).map(({ Name, Actual, Max, Unit }) => (
        <div key={Name} className={classes.quota}>
          <span>{overviewText.quota[Name] ?? Name}</span>
          <span className="soft">{overviewText.of(Actual, Max, Unit)}</span>
          <Progress
            value={Max === 0 ? 100 : Math.min(100, (100 * Actual) / Max)}
            size="sm"
            aria-label={overviewText.quota[Name] ?? Name}
            color={Actual > 0.9 * Max ? 'red' : 'petrol'}
          />
        </div>
      ))}
    </section>
  );
}

/** The fleet at a glance: what is online, updating, failing; what changed; what is used. */
export function OverviewPage() {
  const facets = useQuery({ ...facetsQuery(''), refetchInterval: 15_000 });
  const { data } = facets;
  return (
    <div className={layout.stack}>
      <div className={layout.heading}>
        <h1>{overviewText.title}</h1>
        {data !== undefined && <span className="soft">{overviewText.devices(data.total)}</span>}
      </div>
      {facets.isError && <Failure error={facets.error} onRetry={() => void facets.refetch()} />}
      {data === undefined && !facets.isError && <Skeleton height={92} />}
      {data?.total === 0 && (
        <Empty icon="devices" title={fleetText.emptyTitle}>
          <p>{fleetText.emptyHint}</p>
          <CopyLine what="command" value={fleetText.emptyCommand.replace('<hub>', location.origin)} />
          <LinkButton to="/claim">{fleetText.emptyAction}</LinkButton>
        </Empty>
      )}
      {data !== undefined && data.total > 0 && <Tiles facets={data} />}
      <div className={classes.columns}>
        {data !== undefined && data.total > 0 && (
          <>
            <Bars
              title={overviewText.perStatus}
              rows={data.statuses.map(({ value, count }) => ({
                value,
                count,
                label: (
                  <>
                    <StatusMark kind={classOfStatus(value)} /> {statusText.names[value] ?? value}
                  </>
                ),
              }))}
              query={(value) => `status:${value === '' ? 'unknown' : value}`}
            />
            <Bars
              title={overviewText.perRevision}
              rows={data.revisions
                .filter(({ value }) => value !== '-1')
                .slice(0, 10)
                .map((one) => ({ ...one, label: one.value }))}
              query={(value) => `rev:${value}`}
            />
          </>
        )}
        <Recent />
        <Quotas />
      </div>
    </div>
  );
}
