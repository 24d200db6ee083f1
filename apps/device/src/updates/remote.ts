/** What updates and commands ask of the Hub client. A device without a Hub has none. */
import type { CommandOp, Progress, UpdateStep } from '@pantavisor/engine';

export interface Remote {
  /** Remote mode is on. */
  readonly remote: boolean;
  /** Somebody owns the device. */
  readonly claimed: boolean;
  /** A progress was stored. @param body as it is stored, JSON text */
  progressed(revision: string, progress: Progress, body: string): void;
  /** No update is in hand any more. */
  ended(): void;
  /** Brings in what a revision needs. @throws StepError `space-short`, `download-retries` */
  download(step: Extract<UpdateStep, { type: 'revision.download' }> & { step: number }): Promise<void>;
  /** Carries out a command. @returns false when it does not concern the Hub */
  carryOut(op: CommandOp): Promise<boolean>;
}
