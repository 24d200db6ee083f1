export { createHubClient, type HubClientModel } from './model.ts';
export { outboxLimit } from './outbox.ts';
export type {
  HubEffect,
  HubEvent,
  HubEventBody,
  HubOutcome,
  HubReport,
  HubRequest,
  HubSettings,
  HubUpdatePhase,
  OfferedStep,
} from './protocol.ts';
export { type HubState, hubStateNames, hubStateTable } from './states.ts';
export { stepHubClient } from './step.ts';
export { spendTokens, type TokenBucket } from './token-bucket.ts';
export { waitingLimits, waitMs } from './waiting.ts';
