/** `pv-xconnect` on Node: the service mesh. */
import { createNodeMesh } from './host/mesh-node.ts';
import { runMesh } from './xconnect/program.ts';

runMesh(createNodeMesh());
