/**
 * Runs the rules on one message, one after the other, each on what the one before made of it.
 */

import type { RuleFailure, RuleFailureReason } from "@bulkhead/records"
import type { ZenDecision } from "@gorules/zen-engine"
import type { RuleResult } from "../RuleSet.ts"
import { guardValue } from "./guardValue.ts"
import { isFields, overlay } from "./overlay.ts"
import type { RuleOutcome } from "./protocol.ts"

/** A rule that can run, or why it cannot. */
export interface ReadyRule {
  readonly rule: string
  readonly revision: number
  readonly result: RuleResult
  readonly decision: ZenDecision | string
}

class Undecided extends Error {
  readonly failure: RuleFailure
  constructor(failure: RuleFailure) {
    super(failure.detail)
    this.failure = failure
  }
}

/** The engine's reasons quote the whole model now and then. */
const DETAIL_LENGTH_MAX = 500

const detailOf = (error: unknown): string => {
  const text = error instanceof Error ? error.message : String(error)
  return text.length > DETAIL_LENGTH_MAX ? `${text.slice(0, DETAIL_LENGTH_MAX)}…` : text || "no reason given"
}

const apply = async (step: ReadyRule, value: unknown): Promise<unknown> => {
  const fail = (reason: RuleFailureReason, detail: string) =>
    new Undecided({ rule: step.rule, revision: step.revision, reason, detail })
  if (typeof step.decision === "string") throw fail("rule_invalid", step.decision)
  const answer = await step.decision.evaluate(value).catch((error: unknown) => {
    throw fail("rule_failed", detailOf(error))
  })
  const { result } = answer
  const problem = guardValue(result)
  if (problem !== undefined) throw fail("rule_result_unusable", problem)
  if (step.result === "replace") return result
  if (!isFields(result)) {
    throw fail("rule_result_unusable", "its result is no object, so that it cannot be laid over the message")
  }
  return isFields(value) ? overlay(value, result) : result
}

const decideOne = async (rules: ReadonlyArray<ReadyRule>, record: unknown): Promise<unknown> => {
  let value = record
  for (const step of rules) value = await apply(step, value)
  return value
}

const unreadable = (detail: string) =>
  new Undecided({ rule: undefined, revision: undefined, reason: "rule_input_unusable", detail })

const parse = (data: Uint8Array): unknown => {
  try {
    return JSON.parse(decoder.decode(data))
  } catch (error) {
    throw unreadable(`it is no JSON: ${detailOf(error)}`)
  }
}

const decoder = new TextDecoder("utf-8", { fatal: true })
const encoder = new TextEncoder()

/** An array is decided on record by record. */
export const decide = async (rules: ReadonlyArray<ReadyRule>, data: Uint8Array): Promise<RuleOutcome> => {
  try {
    const value = parse(data)
    const problem = guardValue(value)
    if (problem !== undefined) throw unreadable(problem)
    const result = Array.isArray(value)
      ? await Promise.all(value.map((record) => decideOne(rules, record)))
      : await decideOne(rules, value)
    return { data: encoder.encode(JSON.stringify(result)) }
  } catch (error) {
    if (error instanceof Undecided) return { failure: error.failure }
    return { failure: unreadable(detailOf(error)).failure }
  }
}
