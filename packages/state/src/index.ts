export type { Position } from './json/position.ts';
export type * from './model.ts';
export { builtInGroups } from './parse/groups.ts';
export { defaultLogs } from './parse/logs.ts';
export { ipv4Prefix, ipv4Value } from './parse/network.ts';
export { noRecovery } from './parse/recovery.ts';
export { formatProblem } from './report.ts';
export { type Rule, type RuleCode, rules } from './rules.ts';
export { parseState } from './state.ts';
