/** State documents: reading, checking, comparing, writing, and verifying their signatures. */
export { diffStates, type KeyChange, type StateDiff } from './diff.ts';
export { canonicalJson, canonicalValue, compareCodePoints, prettyJson } from './json/canonical.ts';
export type * from './json/nodes.ts';
export { findMember, pointerTo } from './json/nodes.ts';
export { type Position, positionsOf } from './json/position.ts';
export { type JsonDocument, type ReadOptions, readJson, type SyntaxProblem } from './json/reader.ts';
export type * from './model.ts';
export { bspFiles } from './parse/files.ts';
export { builtInGroups } from './parse/groups.ts';
export { defaultLogs } from './parse/logs.ts';
export { type MissingService, missingServices } from './parse/mesh.ts';
export { ipv4Prefix, ipv4Value } from './parse/network.ts';
export { noRecovery } from './parse/recovery.ts';
export { isToolKey } from './parse/root.ts';
export { listParts, type Part } from './parts.ts';
export { utf8Length, whyNotName, whyNotRelativePath } from './paths.ts';
export { formatProblem } from './report.ts';
export { type Rule, type RuleCode, rules } from './rules.ts';
export { type ProtectedHeader, readHeader, type SignatureAlgorithm, signatureAlgorithms } from './signatures/header.ts';
export type * from './signatures/port.ts';
export { keyPattern, payloadOf, type Selection, selectMembers } from './signatures/selection.ts';
export {
  type CheckedSignature,
  type SecureBootMode,
  type SignatureOptions,
  type SignatureReason,
  type SignatureVerdict,
  signatureMessages,
  verifySignatures,
} from './signatures/verify.ts';
export { parseState } from './state.ts';
export { planTransition, type Transition, type TransitionReason, type TransitionRule } from './transition.ts';
