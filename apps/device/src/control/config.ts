/** `/config` and `/config2` (control.md §5). Secrets are shown in clear only to root on the host. */
import type { ConfigStore } from '../config/store.ts';
import { type Call, type Handler, jsonAnswer } from './call.ts';

const mayReveal = ({ caller, request }: Call) => caller.kind === 'engine' && request.peer.uid === 0;

/** Handlers of the endpoints that show the configuration. */
export function configHandlers(store: Pick<ConfigStore, 'list' | 'legacyList'>) {
  const legacyConfig: Handler = async (call) => jsonAnswer(store.legacyList({ reveal: mayReveal(call) }));
  const config: Handler = async (call) => jsonAnswer(store.list({ reveal: mayReveal(call) }));
  return { legacyConfig, config };
}
