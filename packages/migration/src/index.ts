export { checkRoom } from "./checkRoom.ts"
export type { Comparison, SubjectComparison } from "./compareCopies.ts"
export type { PlanText, StepText } from "./describePlan.ts"
export { describePlan } from "./describePlan.ts"
export type { AccountFacts, ConsumerFacts, ConsumerPosition, Inspection, StreamFacts } from "./Inspection.ts"
export { inspect } from "./inspect.ts"
export { JetStreamAdmin } from "./internal/JetStreamAdmin.ts"
export type { Holder, Journal } from "./Journal.ts"
export { beginJournal, JOURNAL_BUCKET, JournalEntry, openJournal, readJournal } from "./Journal.ts"
export { ConsumerFate, EMPTY_MAPPING, Mapping, parseMapping } from "./Mapping.ts"
export type { MigrationReason } from "./MigrationError.ts"
export {
  CopyDiffers,
  MigrationBusy,
  MigrationError,
  OperatorNeeded,
  PlanRefused,
  ServerRefused,
  ServerUnavailable,
  WrongState
} from "./MigrationError.ts"
export { Goal, MigrationPlan, Step, stepId } from "./MigrationPlan.ts"
export type { PlanOptions, PlanResult } from "./planMigration.ts"
export { planMigration } from "./planMigration.ts"
export type { MigrationEvent, Phase, RollbackOptions, RunOptions } from "./runMigration.ts"
export { cleanUp, phaseOf, runBack, runForward } from "./runMigration.ts"
export { verifyMigration } from "./verifyMigration.ts"
