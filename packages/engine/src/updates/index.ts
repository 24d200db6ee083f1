export {
  admissionTable,
  admitCommand,
  type CommandContext,
  type CommandOp,
  type CommandRefusal,
  type CommandVerdict,
  commandOps,
  parseOp,
} from './commands.ts';
export { type Failure, type FailureCode, failureTable } from './failures.ts';
export {
  type Journal,
  type JournalStage,
  journalText,
  parseJournal,
  revisionsToRead,
  revisionToRun,
  type TransitionMode,
} from './journal.ts';
export { defaultSettings, isUpdating, revisionsInUse, type UpdateModel } from './model.ts';
export {
  type Downloads,
  isFailed,
  isFinal,
  messagesOf,
  type Progress,
  type ProgressMessage,
  type ProgressStatus,
  parseProgress,
  progressMessage,
  progressMessages,
  progressNumbers,
  progressText,
} from './progress.ts';
export * from './protocol.ts';
export { decideResume, type Resume, type ResumeVerdict, resumeTable, resumeVerdicts } from './resume.ts';
