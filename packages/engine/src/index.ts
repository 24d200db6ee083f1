export { createDevice, type DeviceModel, stepDevice } from './device.ts';
export { containerGoal, type GoalState, goalStates, pendingStability, trialGoal } from './goals.ts';
export { stopTimes } from './halting.ts';
export * from './hub-client/index.ts';
export { type ContainerRecord, createModel, type Model } from './model.ts';
export * from './protocol.ts';
export { recoveryLimits } from './recovery.ts';
export { requestTable } from './requests.ts';
export { type StatusTrigger, statusDiagram, statusTable, statusTriggers } from './status.ts';
export { step } from './step.ts';
export { type EngineTables, engineTables } from './tables.ts';
export * from './updates/index.ts';
export {
  type ContainerView,
  containerViews,
  type GroupView,
  groupViews,
  type RecoveryView,
  type RevisionView,
  revisionView,
} from './views.ts';
