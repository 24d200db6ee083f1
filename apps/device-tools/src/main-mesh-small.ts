/** `pv-xconnect` in the executable of the small host: the service mesh, a program of its own there so that it takes little memory. */
import { createSmallMesh } from './host/mesh-small.ts';
import { runMesh } from './xconnect/program.ts';

runMesh(createSmallMesh());
