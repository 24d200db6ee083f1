import { testHttp } from '../testing/http.ts';
import { serveBehaviour } from '../testing/http-behaviours.ts';
import { createClock } from './clock.ts';
import { createHttp } from './http.ts';

testHttp('node', (request) => serveBehaviour({ http: createHttp(), clock: createClock() }, request));
