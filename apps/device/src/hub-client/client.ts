/** The Hub client of a device: the engine's decisions carried out over ports, and its door for the rest of the device. */
import {
  type CommandOp,
  createHubClient,
  type Downloads,
  type HubClientModel,
  type HubEffect,
  type HubEventBody,
  type HubMode,
  type HubSettings,
  type HubUpdatePhase,
  type Progress,
  type ProgressStatus,
  progressText,
  stepHubClient,
  type UpdateModel,
} from '@pantavisor/engine';
import type { Ground } from '../boot/ground.ts';
import type { ConfigStore } from '../config/store.ts';
import type { HttpClient } from '../host/http-client.ts';
import type { Host } from '../host/ports.ts';
import type { MetadataRoom } from '../metadata/room.ts';
import type { WakeLocks } from '../power/wake-locks.ts';
import type { Rounds } from '../power/wake-windows.ts';
import { sentenceOf } from '../runtime/failure.ts';
import type { NewEvent } from '../runtime/loop.ts';
import { saveProgress } from '../storage/progress.ts';
import { isLocalRevision } from '../storage/revision-name.ts';
import { readSpace } from '../storage/space.ts';
import type { Remote } from '../updates/remote.ts';
import { userAgent } from './address.ts';
import { HubConnection } from './connection.ts';
import type { Credentials } from './credentials.ts';
import { Downloader } from './download.ts';
import { ExternalCredentials } from './external.ts';
import { FactoryUpload } from './factory.ts';
import { LogPush } from './log-push/push.ts';
import { MetadataSync } from './metadata-sync.ts';
import { Offers } from './offers.ts';
import { Push } from './push.ts';
import { createQuestions } from './questions.ts';

export interface HubClientParts {
  host: Host;
  client: HttpClient;
  ground: Ground;
  store: ConfigStore;
  credentials: Credentials;
  authorities: string | undefined;
  version: string;
  metadata: MetadataRoom;
  updates(): UpdateModel;
  /** Keeps the device awake while it talks to the Hub. */
  awake: Pick<WakeLocks, 'hold' | 'release'>;
  /** The device is logged in, or the Hub is out of reach. */
  online(isOnline: boolean): void;
  /** Makes room on the storage. */
  collect(): Promise<unknown>;
  post(event: NewEvent): void;
}

/** Longest that a reboot waits for reports, milliseconds. */
const longestHold = 30_000;

/** Where an update stands for the Hub client, by the status that was stored last. */
const phaseOf: Partial<Record<ProgressStatus, HubUpdatePhase>> = {
  QUEUED: 'metadata',
  DOWNLOADING: 'objects',
  INPROGRESS: 'installed',
  TESTING: 'installed',
};

export class HubClient implements Remote, Rounds {
  readonly #parts: HubClientParts;
  readonly #connection: HubConnection;
  readonly #questions: ReturnType<typeof createQuestions>;
  readonly #downloader: Downloader;
  readonly #sync: MetadataSync;
  readonly #push: Push;
  readonly #logs: LogPush;
  readonly #offers: Offers;
  readonly #timers = new Map<string, () => void>();
  readonly #unsubscribe: () => void;
  #model: HubClientModel = createHubClient();
  #challenge = '';
  /** Those who wait for the next answer to the question for steps. */
  #polls: ((isAnswered: boolean) => void)[] = [];
  #closed = false;

  constructor(parts: HubClientParts) {
    this.#parts = parts;
    const { host, client, ground, store, credentials, authorities, version, metadata, awake, collect } = parts;
    const { files, clock } = host;
    const { layout, context, config, objects, log } = ground;
    const external = new ExternalCredentials(host, store);
    this.#connection = new HubConnection({
      client,
      text: host.text,
      store,
      credentials,
      external,
      userAgent: userAgent(host.system.machine, version),
      authorities,
      answered: (server) => this.#attempt('show where the Hub is', metadata.device.report('pantahub.address', server)),
    });
    const connection = this.#connection;
    this.#questions = createQuestions({
      connection,
      credentials,
      external,
      store,
      factory: new FactoryUpload({ files, client, connection, layout, context }),
      onChallenge: (challenge) => this.#say(challenge),
    });
    const space = () => readSpace(files, layout, config.PV_STORAGE_GC_RESERVED);
    this.#downloader = new Downloader({
      files,
      clock,
      client,
      connection,
      layout,
      objects,
      config,
      rate: () => store.snapshot().PH_UPDATER_TRANSFER_MAX_RATE,
      context,
      space,
      collect,
      log,
    });
    this.#offers = new Offers({
      files,
      text: host.text,
      layout,
      updates: parts.updates,
      post: parts.post,
      report: (revision, body) => this.#send({ type: 'progress', report: { revision, status: 'DONE', body } }),
      refused: (reason) => log('ERROR', 'hub', sentenceOf(reason)),
    });
    const deviceId = () => credentials.id;
    const random = () => this.#random();
    this.#sync = new MetadataSync({ connection, deviceId, config, clock, metadata, random, awake, log });
    this.#push = new Push({
      connection,
      opened: (id) => {
        this.#sync.setListening(true);
        this.#send({ type: 'listening', id });
      },
      ended: (id, outcome) => {
        this.#sync.setListening(false);
        this.#send({ type: 'listen-ended', id, outcome });
      },
      news: (news) => {
        if (news === 'steps') this.#send({ type: 'nudge' });
        else this.#sync.fetch();
      },
    });
    this.#logs = new LogPush({
      host,
      connection,
      directory: ground.places.logs,
      outputs: ground.logs,
      isWanted: () => store.snapshot().PV_LOG_PUSH,
      running: () => ground.logs.revision,
      withLocals: () => store.snapshot().PV_CONTROL_REMOTE_ALWAYS,
      random,
      log,
    });
    this.#unsubscribe = store.subscribe(() => {
      this.#send({ type: 'settings', settings: this.#settings() });
      this.#logs.follow();
    });
  }

  /** Begins with the revision that is about to run. */
  start(revision: string): void {
    const { registered, claimed } = this.#parts.credentials;
    const remote = this.#isRemote(revision);
    this.#logs.follow();
    this.#send({ type: 'start', settings: this.#settings(), registered, claimed, remote });
  }

  /** Remote mode is on. */
  get remote(): boolean {
    return this.#model.remote;
  }

  get claimed(): boolean {
    return this.#model.claimed;
  }

  get hasHub(): boolean {
    return this.#model.remote && this.#model.claimed;
  }

  get isOnline(): boolean {
    return this.#model.toldMode === 'online';
  }

  async round(): Promise<boolean> {
    if (!this.isOnline) return false;
    const results = await Promise.all([this.#pollSteps(), this.#sync.round()]);
    return results.every(Boolean);
  }

  /** Another revision runs from now on: one of the device's own does without the Hub, unless configured otherwise. */
  follow(revision: string): void {
    this.#send({ type: 'remote', on: this.#isRemote(revision) });
    this.#show();
  }

  /** A progress was stored. @param body as it is stored, JSON text */
  progressed(revision: string, { status }: Progress, body: string): void {
    const phase = phaseOf[status];
    if (phase !== undefined) this.#send({ type: 'update', phase });
    this.#send({ type: 'progress', report: { revision, status, body } });
  }

  /** No update is in hand any more. */
  ended(): void {
    this.#send({ type: 'update', phase: 'none' });
  }

  /** The step `revision.download` of an update. @throws StepError */
  async download(step: { step: number; revision: string; retries: number }): Promise<void> {
    const { host, ground, post } = this.#parts;
    const { revision, retries } = step;
    const note = async (progress: Progress, downloads?: Downloads) => {
      const details = downloads === undefined ? {} : { downloads };
      await saveProgress(host.files, ground.layout, revision, progress, details);
      post({ type: 'update.downloading', step: step.step, progress });
      this.progressed(revision, progress, progressText(progress, details));
    };
    await this.#downloader.run({ revision, retries, note });
  }

  /** Carries out a command that concerns the Hub. @returns false when it is another one */
  async carryOut(op: CommandOp): Promise<boolean> {
    if (op === 'GO_REMOTE') {
      this.#send({ type: 'remote', on: true });
      return true;
    }
    if (op !== 'UNCLAIM') return false;
    await this.#parts.credentials.forget();
    this.#connection.dropToken();
    await this.#parts.metadata.device.delete('pantahub.claimed');
    this.#send({ type: 'unclaimed' });
    return true;
  }

  /** Ends everything that waits. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#unsubscribe();
    this.#downloader.close();
    this.#push.close();
    this.#sync.close();
    this.#answerPolls(false);
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    await this.#logs.close();
  }

  #isRemote(revision: string): boolean {
    const { PV_CONTROL_REMOTE: allowed, PV_CONTROL_REMOTE_ALWAYS: always } = this.#parts.store.snapshot();
    return allowed && (always || !isLocalRevision(revision));
  }

  #settings(): HubSettings {
    const config = this.#parts.store.snapshot();
    return {
      pollMs: Math.max(1, config.PH_UPDATER_INTERVAL) * 1000,
      tolerated: config.PH_ONLINE_REQUEST_THRESHOLD,
    };
  }

  #random(): number {
    return Number.parseInt(this.#parts.host.system.randomHex(4), 16) / 2 ** 32;
  }

  #send(event: HubEventBody): void {
    if (this.#closed) return;
    const { state } = this.#model;
    const { model, effects, reasons } = stepHubClient(this.#model, { ...event, random: this.#random() });
    this.#model = model;
    if (model.state !== state) this.#show();
    for (const reason of reasons) this.#parts.ground.log('INFO', 'hub', sentenceOf(reason));
    for (const effect of effects) this.#execute(effect);
  }

  #execute(effect: HubEffect): void {
    const { post, credentials, metadata } = this.#parts;
    switch (effect.type) {
      case 'ask':
        void this.#ask(effect);
        break;
      case 'report':
        void this.#questions
          .report(effect.report)
          .then((outcome) => this.#send({ type: 'reported', id: effect.id, outcome }));
        break;
      case 'listen':
        this.#push.open(effect.id);
        break;
      case 'unlisten':
        this.#push.close();
        this.#sync.setListening(false);
        break;
      case 'arm':
        this.#arm(effect.timer, effect.ms);
        break;
      case 'cancel':
        this.#timers.get(effect.timer)?.();
        this.#timers.delete(effect.timer);
        break;
      case 'offer':
        this.#attempt('take the step of the Hub', this.#offers.take(effect.step));
        break;
      case 'mode':
        this.#tellMode(effect.mode);
        break;
      case 'pending':
        if (effect.waiting) post({ type: 'restart.block', by: 'progress-report', ms: longestHold });
        else post({ type: 'restart.unblock', by: 'progress-report' });
        break;
      case 'forget':
        this.#attempt('forget the registration', credentials.forget());
        break;
      case 'claimed':
        // The token was made for a device without an owner.
        this.#connection.dropToken();
        this.#attempt('keep the credentials', credentials.claim());
        this.#attempt('show that the device is claimed', metadata.device.report('pantahub.claimed', '1'));
    }
  }

  async #ask({ id, request }: Extract<HubEffect, { type: 'ask' }>): Promise<void> {
    const { awake } = this.#parts;
    const isPoll = request === 'poll-steps';
    if (isPoll) awake.hold('update_check');
    const outcome = await this.#questions.ask(request);
    this.#send({ type: 'answered', id, outcome });
    if (!isPoll) return;
    // Not before: what the Hub offered may be an update by now, which keeps the device awake itself.
    awake.release('update_check');
    this.#answerPolls(!('reason' in outcome));
  }

  /** Asks for steps at once. While an update is in hand there is nothing to ask. */
  #pollSteps(): Promise<boolean> {
    if (this.#model.state !== 'idle') return Promise.resolve(true);
    return new Promise((resolve) => {
      this.#polls.push(resolve);
      this.#send({ type: 'nudge' });
    });
  }

  #answerPolls(isAnswered: boolean): void {
    for (const poll of this.#polls.splice(0)) poll(isAnswered);
  }

  #arm(timer: string, ms: number): void {
    const cancel = this.#parts.host.clock.after(ms, () => {
      this.#timers.delete(timer);
      this.#send({ type: 'timer', timer });
    });
    this.#timers.set(timer, cancel);
  }

  #tellMode(mode: HubMode): void {
    this.#parts.post({ type: 'hub.state', mode });
    this.#sync.setOnline(mode === 'online');
    this.#logs.setOnline(mode === 'online');
    this.#parts.online(mode === 'online');
    // The client has other questions than for steps now.
    if (mode !== 'online') this.#answerPolls(false);
    this.#show();
  }

  /** In metadata (metadata.md §4); without a value where there is no Hub to be in a state with. */
  #show(): void {
    const { state, toldMode } = this.#model;
    const { device } = this.#parts.metadata;
    const shown = Promise.all([
      device.report('pantahub.online', toldMode === 'online' ? '1' : '0'),
      device.report('pantavisor.mode', toldMode === 'off' ? 'local' : 'remote'),
      device.report('pantahub.state', state === 'off' ? '' : state.replaceAll('-', ' ')),
    ]);
    this.#attempt('show where the Hub client stands', shown);
  }

  /** Tells the person at the device how to claim it, once for each challenge. */
  #say(challenge: string): void {
    if (challenge === this.#challenge) return;
    this.#challenge = challenge;
    const { credentials, ground } = this.#parts;
    if (challenge !== '') ground.log('INFO', 'hub', `claim device ${credentials.id} with challenge ${challenge}`);
  }

  #attempt(doing: string, work: Promise<unknown>): void {
    work.catch((error) => {
      this.#parts.ground.log('ERROR', 'hub', `cannot ${doing}: ${error instanceof Error ? error.message : error}`);
    });
  }
}
