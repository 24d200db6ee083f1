import { ActionIcon, Button, Checkbox, Menu } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { lazy, Suspense, useState } from 'react';
import { LoadFailure, Loading } from '../frame/states.tsx';
import { outlineQuery, outlineSize } from '../hub/device.ts';
import layout from '../look/layout.module.css';
import { Icon } from '../show/icon.tsx';
import { Empty } from '../show/messages.tsx';
import { Scroll } from '../show/scroll.tsx';
import { Status } from '../show/status.tsx';
import { Hash, When } from '../show/values.tsx';
import { deviceText } from '../text/index.ts';
import { useDevice } from './context.tsx';
import { runningRevision } from './outline.ts';
import { UpdateProgress } from './progress.tsx';
import classes from './revisions.module.css';
import { Runs } from './runs.tsx';

const Deploy = lazy(() => import('./deploy.tsx').then(({ DeployDialog }) => ({ default: DeployDialog })));
const words = deviceText.revisions;
const base = '/u/$user/devices/$device';

/** All revisions of a device: what became of each, compare any two, deploy one again. */
export function RevisionsPage() {
  const { device, user, own } = useDevice();
  const search = useSearch({ strict: false }) as { rev?: string };
  const navigate = useNavigate();
  const [size, setSize] = useState(outlineSize);
  const [chosen, setChosen] = useState<number[]>([]);
  const [deploying, setDeploying] = useState<number>();
  const outline = useQuery({ ...outlineQuery(device.id, size), placeholderData: (before) => before });
  if (outline.isError) return <LoadFailure error={outline.error} onRetry={() => void outline.refetch()} />;
  if (outline.data === undefined) return <Loading />;
  const { page, total } = outline.data;
  const running = runningRevision(page);
  if (total === 0) return <Empty icon="undo" title={deviceText.noRevision} />;
  const params = { user, device: device.id };
  const choose = (rev: number) =>
    setChosen((old) => (old.includes(rev) ? old.filter((one) => one !== rev) : [...old, rev].slice(-2)));
  const [from, to] = chosen.toSorted((a, b) => a - b);
  const shown = search.rev === undefined ? undefined : Number(search.rev);
  return (
    <div className={layout.stack}>
      {shown !== undefined && shown > 0 && shown <= (page[0]?.rev ?? 0) && <UpdateProgress rev={shown} />}
      <section className={layout.card}>
        <div className={layout.heading}>
          <span className="soft">{words.compareHint}</span>
          <Button
            className={layout.end ?? ''}
            size="compact-sm"
            leftSection={<Icon name="diff" />}
            disabled={chosen.length < 2}
            onClick={() => navigate({ to: `${base}/diff`, params, search: { from: String(from), to: String(to) } })}
          >
            {words.compare}
          </Button>
        </div>
        <Scroll label={deviceText.tabs.revisions}>
          <table className={`${layout.table} ${layout.stacked}`}>
            <thead>
              <tr>
                <th>
                  <span className="visually-hidden">{words.compare}</span>
                </th>
                <th>{words.rev}</th>
                <th>{words.status}</th>
                <th>{words.message}</th>
                <th>{words.posted}</th>
                <th>{words.state}</th>
                <th>
                  <span className="visually-hidden">{deviceText.actions}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {page.map((step) => (
                <tr key={step.rev} aria-current={shown === step.rev ? 'true' : undefined}>
                  <td className={classes.choose}>
                    <Checkbox
                      size="xs"
                      checked={chosen.includes(step.rev)}
                      onChange={() => choose(step.rev)}
                      aria-label={words.select(step.rev)}
                    />
                  </td>
                  <td className={classes.rev}>
                    <Link to={`${base}/revisions`} params={params} search={{ rev: String(step.rev) }}>
                      {step.rev}
                    </Link>
                  </td>
                  <td>
                    <Status status={step.status} /> {step.rev === running && <Runs />}
                    {step['status-msg'] !== '' && <div className="soft">{step['status-msg']}</div>}
                  </td>
                  <td className={layout.long}>
                    {step['commit-msg'] || <span className="soft">{words.noMessage}</span>}
                  </td>
                  <td data-label={words.posted}>
                    <When time={step['time-created']} />
                  </td>
                  <td data-label={words.state}>
                    <span>
                      <Hash value={step['state-sha']} />
                    </span>
                  </td>
                  <td className={`${layout.number} ${layout.corner}`}>
                    <Menu position="bottom-end">
                      <Menu.Target>
                        <ActionIcon variant="subtle" size="sm" aria-label={words.actions(step.rev)}>
                          <Icon name="more" />
                        </ActionIcon>
                      </Menu.Target>
                      <Menu.Dropdown>
                        <Menu.Item
                          onClick={() => navigate({ to: `${base}/apps`, params, search: { rev: String(step.rev) } })}
                        >
                          {words.show}
                        </Menu.Item>
                        <Menu.Item
                          component="a"
                          href={`/exports/${user}/${device.nick}/${step.rev}/${device.nick}-${step.rev}.tar.gz`}
                          download
                        >
                          {words.exportIt}
                        </Menu.Item>
                        {own && <Menu.Item onClick={() => setDeploying(step.rev)}>{words.deploy}</Menu.Item>}
                        {own && (
                          <Menu.Item
                            onClick={() =>
                              navigate({
                                to: '/u/$user/devices',
                                params: { user },
                                search: { source: `${device.id}@${step.rev}` },
                              })
                            }
                          >
                            {words.deployOthers}
                          </Menu.Item>
                        )}
                      </Menu.Dropdown>
                    </Menu>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
        {page.length < total && (
          <Button variant="default" onClick={() => setSize(size + 200)} loading={outline.isPlaceholderData}>
            {words.more}
          </Button>
        )}
      </section>
      {deploying !== undefined && (
        <Suspense fallback={null}>
          <Deploy rev={deploying} onClose={() => setDeploying(undefined)} />
        </Suspense>
      )}
    </div>
  );
}
