import { classOfStatus } from '@pantavisor/hub-api';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { outlineQuery, stepQuery } from '../hub/device.ts';
import { aboutQuery } from '../hub/viewer.ts';
import layout from '../look/layout.module.css';
import { Empty } from '../show/messages.tsx';
import { Scroll } from '../show/scroll.tsx';
import { Status, StatusMark } from '../show/status.tsx';
import { Copy, CopyLine, Hash, When } from '../show/values.tsx';
import { deviceText } from '../text/index.ts';
import { useDevice } from './context.tsx';
import { readState, runningRevision } from './outline.ts';
import { UpdateProgress } from './progress.tsx';
import { containerStatuses, systemFacts } from './reported.ts';
import { Runs } from './runs.tsx';
import classes from './summary.module.css';

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
  const { device, user } = useDevice();
  const outline = useQuery(outlineQuery(device.id));
  const steps = outline.data?.page.slice(0, newestShown) ?? [];
  if (steps.length === 0) return null;
  const running = runningRevision(outline.data?.page ?? []);
  const params = { user, device: device.id };
  return (
    <section className={layout.card}>
      <h2>{deviceText.timeline}</h2>
      <ol className={classes.timeline}>
        {steps.map((step) => (
          <li key={step.rev} data-kind={classOfStatus(step.status)}>
            <span className={classes.step}>
              <StatusMark kind={classOfStatus(step.status)} />
            </span>
            <Link to="/u/$user/devices/$device/revisions" params={params} search={{ rev: String(step.rev) }}>
              {step.rev}
            </Link>
            <div className={classes.what}>
              <span>{step['commit-msg'] || <span className="soft">{deviceText.revisions.noMessage}</span>}</span>
              <span className={classes.became}>
                <Status status={step.status} mark={false} /> {step.rev === running && <Runs />}
              </span>
            </div>
            <When time={step['time-created']} />
          </li>
        ))}
      </ol>
      <p className={classes.more}>
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
        <table className={`${layout.table} ${layout.stacked}`}>
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
                    <td>
                      <strong>{container.name}</strong>
                    </td>
                    <td data-label={deviceText.container.group}>{container.group}</td>
                    <td data-label={deviceText.container.goal}>{container.statusGoal}</td>
                    {known && <td data-label={deviceText.container.status}>{statuses.get(container.name) ?? '–'}</td>}
                    <td data-label={deviceText.container.restart}>{container.restartPolicy}</td>
                    <td data-label={deviceText.container.roles}>{container.mgmt ? deviceText.mgmt : '–'}</td>
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
        <dl className={`${layout.facts} ${layout.wide}`}>
          {facts.map(({ name, value, part }) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                {value}
                {part !== undefined && (
                  <span className={classes.meter} data-full={part > 0.9} aria-hidden="true">
                    <span style={{ width: `${(100 * part).toFixed(1)}%` }} />
                  </span>
                )}
              </dd>
            </div>
          ))}
        </dl>
      )}
    </section>
  );
}

/** What a device is, does, did last, and is made of. */
export function SummaryPage() {
  const { own, summary, newest } = useDevice();
  return (
    <div className={layout.stack}>
      {summary !== undefined && newest !== undefined && newest > 0 && <UpdateProgress rev={newest} />}
      {newest === undefined && (
        <Empty icon="devices" title={deviceText.now.waitsForFactory}>
          <p>{deviceText.noRevision}</p>
          <p>{deviceText.noRevisionCheck}</p>
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
