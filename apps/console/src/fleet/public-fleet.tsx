import { Skeleton } from '@mantine/core';
import { type Device, deviceRoutes } from '@pantavisor/hub-api';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { LoadFailure } from '../frame/states.tsx';
import { callPage } from '../hub/client.ts';
import { Empty } from '../show/messages.tsx';
import { When } from '../show/values.tsx';
import { fleetText } from '../text/index.ts';
import classes from './public-fleet.module.css';

const most = '500';

/** What somebody else shares. */
export function PublicFleet({ user }: { user: string }) {
  const devices = useQuery({
    queryKey: ['public', user],
    queryFn: () =>
      callPage<Device>(deviceRoutes.list, {
        query: { 'owner-nick': user, public: 'true', sort: 'nick', 'page[size]': most },
      }),
    retry: false,
  });
  if (devices.isError) return <LoadFailure error={devices.error} onRetry={() => void devices.refetch()} />;
  return (
    <>
      <h1 className={classes.title}>{fleetText.titleOf(user)}</h1>
      {devices.isPending && <Skeleton height={120} />}
      {devices.data?.page.length === 0 && <Empty icon="globe" title={fleetText.noPublic} />}
      <ul className={classes.list}>
        {devices.data?.page.map(({ id, nick, 'time-modified': modified }) => (
          <li key={id}>
            <Link to="/u/$user/devices/$device" params={{ user, device: id }}>
              {nick}
            </Link>
            <When time={modified} />
          </li>
        ))}
      </ul>
    </>
  );
}
