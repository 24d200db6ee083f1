import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { outlineQuery, stepQuery } from '../hub/device.ts';
import { aboutQuery } from '../hub/viewer.ts';
import layout from '../look/layout.module.css';
import { LinkButton } from '../show/link-button.tsx';
import { Empty } from '../show/messages.tsx';
import { Scroll } from '../show/scroll.tsx';
import { Status } from '../show/status.tsx';
import { Copy, CopyLine, Hash, When } from '../show/values.tsx';
import { deviceText } from '../text/index.ts';
import { useDevice } from './context.tsx';
import { readState } from './outline.ts';
import { UpdateProgress } from './progress.tsx';
import { containerStatuses, systemFacts } from './reported.ts';

const newestShown = 6;

function Facts() {
  const { device, user, summary } = useDevice();
  const about = useQuery(aboutQuery).data;
  const clone = `${about?.['clone-url'] ?? location.origin}/${user}/${device.nick}`;
  const share = `${location.origin}/u/${user}/devices/${device.id}`;
  return (
    <section className={layout.card} aria-label={deviceText.tabs.summary}>
      <dl className={layout.facts}>
        <dt>{deviceText.facts.id}</dt>
        <dd>
          <span className="mono">{device.id}</span> <Copy value={device.id} what={deviceText.facts.id} />
        </dd>
        <dt>{deviceText.facts.clone}</dt>
        <dd>
          <CopyLine value={`pvr clone ${clone}`} what={deviceText.facts.clone} />
        </dd>
        <dt>{deviceText.facts.share}</dt>
        <dd>
          <CopyLine value={share} what={deviceText.facts.share} />
        </dd>
        {summary !== undefined && (
          <>
            <dt>{deviceText.facts.commit}</dt>
            <dd>
              <Hash value={summary['state-sha']} /> ({deviceText.revisionOf(summary.revision)})
            </dd>
            {summary['status-msg'] !== '' && (
              <>
                <dt>{deviceText.facts.message}</dt>
                <dd>{summary['status-msg']}</dd>
              </>
            )}
            <dt>{deviceText.facts.seen}</dt>
            <dd>
              <When time={summary.timestamp} />
            </dd>
            <dt>{deviceText.facts.modified}</dt>
            <dd>
              <When time={summary['trail-touched-time']} />
            </dd>
            {summary['real-ip'] !== '' && (
              <>
                <dt>{deviceText.facts.address}</dt>
                <dd>{summary['real-ip']}</dd>
              </>
            )}
          </>
        )}
        <dt>{deviceText.facts.created}</dt>
        <dd>
          <When time={device['time-created']} />
        </dd>
      </dl>
    </section>
  );
}

function Timeline() {
  const { device, user, summary } = useDevice();
  const outline = useQuery(outlineQuery(device.id));
  const steps = outline.data?.page.slice(0, newestShown) ?? [];
  if (steps.length === 0) return null;
  const params = { user, device: device.id };
  return (
    <section className={layout.card}>
      <h2>{deviceText.timeline}</h2>
      <ul className={layout.list}>
        {steps.map((step) => (
          <li key={step.rev} className={layout.row}>
            <Link to="/u/$user/devices/$device/revisions" params={params} search={{ rev: String(step.rev) }}>
              {step.rev}
            </Link>
            <Status status={step.status} />
            <span className={layout.grow}>
              {step['commit-msg'] || <span className="soft">{deviceText.revisions.noMessage}</span>}
              {step.rev === summary?.['progress-revision'] && step.status !== 'ERROR' && step.status !== 'WONTGO' && (
                <span className="soft"> ({deviceText.revisions.running})</span>
              )}
            </span>
            <When time={step['time-created']} />
          </li>
        ))}
      </ul>
      <p>
        <Link to="/u/$user/devices/$device/revisions" params={params}>
          {deviceText.allRevisions}
        </Link>
      </p>
    </section>
  );
}

function Containers() {
  const { device, rev } = useDevice();
  const step = useQuery({ ...stepQuery(device.id, rev ?? 0), enabled: rev !== undefined });
  if (step.data === undefined) return null;
  const { state } = readState(step.data.state);
  const statuses = containerStatuses(device['device-meta']);
  if (state === undefined || state.containers.length === 0) return null;
  const known = statuses.size > 0;
  return (
    <section className={layout.card}>
      <h2>{deviceText.containers}</h2>
      <Scroll label={deviceText.containers}>
        <table className={layout.table}>
          <thead>
            <tr>
              <th>{deviceText.container.name}</th>
              <th>{deviceText.container.group}</th>
              <th>{deviceText.container.goal}</th>
              {known && <th title={deviceText.statusKnown}>{deviceText.container.status}</th>}
              <th>{deviceText.container.restart}</th>
              <th>{deviceText.container.roles}</th>
            </tr>
          </thead>
          <tbody>
            {state.groups.flatMap((group) =>
              state.containers
                .filter((container) => container.group === group.name)
                .map((container) => (
                  <tr key={container.name}>
                    <td>{container.name}</td>
                    <td>{container.group}</td>
                    <td>{container.statusGoal}</td>
                    {known && <td>{statuses.get(container.name) ?? '–'}</td>}
                    <td>{container.restartPolicy}</td>
                    <td>{container.mgmt ? deviceText.mgmt : '–'}</td>
                  </tr>
                )),
            )}
          </tbody>
        </table>
      </Scroll>
    </section>
  );
}

function System() {
  const { device } = useDevice();
  const facts = systemFacts(device['device-meta']);
  return (
    <section className={layout.card}>
      <h2>{deviceText.system}</h2>
      {facts.length === 0 ? (
        <p className={layout.hint}>{deviceText.noSystem}</p>
      ) : (
        <dl className={layout.facts}>
          {facts.map(({ name, value }) => (
            <div key={name} style={{ display: 'contents' }}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      )}
    </section>
  );
}

/** What a device is, does, did last, and is made of. */
export function SummaryPage() {
  const { own, summary, newest, device, user } = useDevice();
  return (
    <div className={layout.stack}>
      {summary !== undefined && newest !== undefined && newest > 0 && <UpdateProgress rev={newest} />}
      {newest === undefined && (
        <Empty icon="devices" title={deviceText.now.unknown}>
          <p>{deviceText.noRevision}</p>
          {own && (
            <LinkButton to="/u/$user/devices/$device/logs" params={{ user, device: device.id }} variant="default">
              {deviceText.tabs.logs}
            </LinkButton>
          )}
        </Empty>
      )}
      <div className={layout.grid}>
        <Facts />
        <Timeline />
      </div>
      <Containers />
      {own && <System />}
    </div>
  );
}
