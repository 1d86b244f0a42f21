/**
 * What is said between the service and a process that runs the engine.
 */
import type { RuleFailure } from "@bulkhead/records"
import type { RuleResult } from "../RuleSet.ts"

/** A rule for the engine; `key` names its tenant, name and revision, so that what was compiled is used again. */
export interface EngineRule {
  readonly key: string
  readonly rule: string
  readonly revision: number
  readonly result: RuleResult
  /** Absent where the process has compiled it already. */
  readonly content?: string
}

export interface EngineTask {
  /** Whether to forget all that was compiled before. */
  readonly forget: boolean
  readonly rules: ReadonlyArray<EngineRule>
  readonly messages: ReadonlyArray<Uint8Array>
}

/** What became of a message. */
export type RuleOutcome = { readonly data: Uint8Array } | { readonly failure: RuleFailure }

export type EngineAnswer = "ready" | ReadonlyArray<RuleOutcome>
