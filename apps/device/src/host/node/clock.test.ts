import { testClock } from '../testing/clock.ts';
import { createClock } from './clock.ts';

testClock('node', async () => ({ clock: createClock(), settle: (promise) => promise }));
