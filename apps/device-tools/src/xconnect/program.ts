/**
 * `pv-xconnect [--no-identity] [SOCKET]`: the service mesh. Asks the runtime at the control socket who needs what of whom, and connects
 * them (xconnect.md). It is one process that sleeps until somebody connects, or five seconds have gone.
 */
import { codeOf, type MeshHost } from '../host/mesh-ports.ts';
import { requestGraph } from './graph-request.ts';
import { Mesh } from './mesh.ts';

/** How often the graph is asked for when nobody says that it has changed. */
export const pollInterval = 5_000;
const defaultSocket = '/run/pantavisor/pv/pv-ctrl';

/** Runs until SIGTERM. SIGWINCH, which does no harm before it is listened to, asks for the graph at once. */
export function runMesh(host: MeshHost): void {
  const options = host.arguments.filter((word) => word.startsWith('-'));
  const socketPath = host.arguments.find((word) => !word.startsWith('-')) ?? defaultSocket;
  const unknown = options.find((word) => word !== '--no-identity');
  if (unknown !== undefined) {
    host.print('stderr', `pv-xconnect: unknown option ${unknown}\nusage: pv-xconnect [--no-identity] [SOCKET]\n`);
    host.exit(64);
  }
  const mesh = new Mesh(host, { restIdentity: !options.includes('--no-identity') });
  let failure = '';
  let isAsking = false;
  let isAskedAgain = false;
  let cancel = () => {};
  const look = async (): Promise<void> => {
    if (isAsking) {
      isAskedAgain = true;
      return;
    }
    isAsking = true;
    cancel();
    try {
      mesh.follow(await requestGraph(host, socketPath));
      failure = '';
    } catch (error) {
      const why = `cannot get the graph from ${socketPath}: ${codeOf(error)}`;
      if (why !== failure) host.print('stderr', `${why}\n`);
      failure = why;
    }
    isAsking = false;
    cancel = host.after(isAskedAgain ? 0 : pollInterval, () => void look());
    isAskedAgain = false;
  };
  host.onSignal('SIGWINCH', () => void look());
  host.onSignal('SIGTERM', () => {
    mesh.close();
    host.exit(0);
  });
  void look();
}
