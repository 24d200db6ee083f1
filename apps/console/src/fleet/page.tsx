import { useParams } from '@tanstack/react-router';
import { useViewer } from '../hub/viewer.ts';
import { OwnFleet } from './own-fleet.tsx';
import { PublicFleet } from './public-fleet.tsx';

/** The devices of a person: all of them for their owner, the public ones for everybody else. */
export function FleetPage() {
  const { user } = useParams({ from: '/framed/u/$user/devices' });
  const { nick } = useViewer();
  return nick !== '' && user === nick ? <OwnFleet /> : <PublicFleet user={user} />;
}
