/** Runs the conformance suite against a target, or its wire cases against a socket, inside a test of node:test. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import type { TestContext } from 'node:test';
import type { ContainerJson } from '@pantavisor/ctrl-api';
import { type Case, type Facts, fill, judge, type Target, whyNot } from './case.ts';
import { gatherFacts } from './facts.ts';
import { localCases } from './local-cases.ts';
import { routingCases } from './routing-cases.ts';
import { runningCases } from './running-cases.ts';
import { storageCases } from './storage-cases.ts';
import { wireCases } from './wire-cases.ts';

/** Every case, in the order in which they have to run: later ones of a kind build on earlier ones. */
export const allCases: readonly Case[] = [...routingCases, ...runningCases, ...storageCases, ...localCases];

/** Runs every case that the target can take, as a subtest each. @returns how many were run */
export async function runCases(t: TestContext, target: Target): Promise<number> {
  let run = 0;
  let facts = await gatherFacts(target);
  for (const testCase of allCases) {
    const reason = whyNot(testCase, target, facts);
    if (reason !== undefined) continue;
    run += 1;
    await t.test(testCase.name, { timeout: 20_000 }, async () => {
      const { caller = 'host', request, expect } = testCase;
      if (testCase.once) await waitForStatus(target, facts, testCase.once);
      const problems = judge(expect, await target.send(caller, fill(request, facts)));
      assert.deepEqual(problems, []);
    });
    if (testCase.effect === 'changes') facts = await gatherFacts(target);
  }
  return run;
}

/** Milliseconds that a container may take to get where the next case needs it. */
const patience = 15_000;

/** Looks at the list of containers again and again; the protocol has no way to be told. */
async function waitForStatus(target: Target, facts: Facts, statuses: readonly string[]): Promise<void> {
  for (const end = performance.now() + patience; performance.now() < end; ) {
    const answer = await target.send('host', { method: 'GET', target: '/containers' });
    const list: ContainerJson[] = JSON.parse(answer?.body ?? '[]');
    if (statuses.includes(list.find(({ name }) => name === facts.container)?.status ?? '')) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`${facts.container} did not become ${statuses.join(' or ')} within ${patience / 1000} s`);
}

/** Sends bytes and collects what comes until the server hangs up. */
export function talk(socketPath: string, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(socketPath);
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    // A server that hangs up on nonsense may do so while the rest is still being sent.
    socket.on('error', () => {});
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
    socket.write(bytes, 'latin1');
  });
}

/** Runs the cases about bytes against a socket. */
export async function runWireCases(t: TestContext, socketPath: string): Promise<void> {
  for (const { name, bytes, expect, responses = 1 } of wireCases) {
    await t.test(name, { timeout: 20_000 }, async () => {
      const text = (await talk(socketPath, bytes)).replace(/Date: [^\r]+/g, 'Date: now');
      assert.match(text, expect);
      assert.equal(text.match(/HTTP\/1\.[01] \d{3} /g)?.length, responses, text);
    });
  }
}
