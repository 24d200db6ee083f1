import { reapOrphans } from '@pantavisor/linux';
import { AwaitedChildren } from '../awaited-children.ts';

/** Children of this process; libuv awaits the programs that it started. */
export class Children extends AwaitedChildren {
  constructor() {
    super(reapOrphans);
  }
}
