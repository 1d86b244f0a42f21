/**
 * What is said between the service and a process that runs the engine.
 */
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

/** A message that rules could not decide on. */
export interface RuleFailure {
  /** The rule that failed; undefined where the message is nothing that any rule could read. */
  readonly rule: string | undefined
  readonly revision: number | undefined
  /** For people. */
  readonly reason: string
}

/** What became of a message. */
export type RuleOutcome = { readonly data: Uint8Array } | { readonly failure: RuleFailure }

export type EngineAnswer = "ready" | ReadonlyArray<RuleOutcome>
