import { useQuery } from '@tanstack/react-query';
import { LoadFailure, Loading } from '../frame/states.tsx';
import { objectsQuery, stepQuery } from '../hub/device.ts';
import layout from '../look/layout.module.css';
import { Empty } from '../show/messages.tsx';
import { Scroll } from '../show/scroll.tsx';
import { Size } from '../show/values.tsx';
import { deviceText, diffText } from '../text/index.ts';
import { useDevice } from './context.tsx';
import { listApps, readState } from './outline.ts';
import { Problems } from './problems.tsx';

/** The apps of a revision: where they come from, how large they are, how they run. */
export function AppsPage() {
  const { device, rev } = useDevice();
  const step = useQuery({ ...stepQuery(device.id, rev ?? 0), enabled: rev !== undefined });
  const objects = useQuery({ ...objectsQuery(device.id, rev ?? 0), enabled: rev !== undefined });
  if (rev === undefined) return <Empty icon="market" title={deviceText.noRevision} />;
  if (step.isError) return <LoadFailure error={step.error} onRetry={() => void step.refetch()} />;
  if (step.data === undefined) return <Loading />;
  const apps = listApps(step.data.state, objects.data);
  const { state, problems } = readState(step.data.state);
  const containers = new Map(state?.containers.map((container) => [container.directory, container]));
  if (apps.length === 0) return <Empty icon="market" title={deviceText.noApps} />;
  return (
    <div className={layout.stack}>
      <section className={layout.card}>
        <Scroll label={deviceText.tabs.apps}>
          <table className={`${layout.table} ${layout.stacked}`}>
            <thead>
              <tr>
                <th>{deviceText.container.name}</th>
                <th>{deviceText.container.source}</th>
                <th>{deviceText.container.version}</th>
                <th>{deviceText.container.group}</th>
                <th>{deviceText.container.goal}</th>
                <th>{deviceText.container.roles}</th>
                <th className={layout.number}>{deviceText.container.size}</th>
              </tr>
            </thead>
            <tbody>
              {apps.map((app) => {
                const container = containers.get(app.name);
                return (
                  <tr key={app.name}>
                    <td>
                      <strong>{app.name}</strong>
                      {app.kind !== 'container' && <span className="soft"> ({diffText.kinds[app.kind]})</span>}
                    </td>
                    <td className={layout.long} data-label={deviceText.container.source}>
                      {app.source || <span className="soft">–</span>}
                    </td>
                    <td className="mono" data-label={deviceText.container.version}>
                      {app.version || '–'}
                    </td>
                    <td data-label={deviceText.container.group}>{container?.group ?? '–'}</td>
                    <td data-label={deviceText.container.goal}>{container?.statusGoal ?? '–'}</td>
                    <td data-label={deviceText.container.roles}>{container?.mgmt === true ? deviceText.mgmt : '–'}</td>
                    <td className={layout.number} data-label={deviceText.container.size}>
                      {objects.data === undefined ? '…' : <Size bytes={app.size} />}
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </Scroll>
      </section>
      {problems.length > 0 && <Problems problems={problems} title={deviceText.problems} />}
    </div>
  );
}
