/**
 * Runs the rules on one message, one after the other, each on what the one before made of it.
 */
import type { ZenDecision } from "@gorules/zen-engine"
import type { RuleResult } from "../RuleSet.ts"
import { guardValue } from "./guardValue.ts"
import { isFields, overlay } from "./overlay.ts"
import type { RuleFailure, RuleOutcome } from "./protocol.ts"

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
    super(failure.reason)
    this.failure = failure
  }
}

/** The engine's reasons quote the whole model now and then. */
const REASON_LENGTH_MAX = 500

const reasonOf = (error: unknown): string => {
  const text = error instanceof Error ? error.message : String(error)
  return text.length > REASON_LENGTH_MAX ? `${text.slice(0, REASON_LENGTH_MAX)}…` : text || "no reason given"
}

const apply = async (step: ReadyRule, value: unknown): Promise<unknown> => {
  const fail = (reason: string) => new Undecided({ rule: step.rule, revision: step.revision, reason })
  if (typeof step.decision === "string") throw fail(step.decision)
  const answer = await step.decision.evaluate(value).catch((error: unknown) => {
    throw fail(reasonOf(error))
  })
  const { result } = answer
  const problem = guardValue(result)
  if (problem !== undefined) throw fail(`its result cannot be used: ${problem}`)
  if (step.result === "replace") return result
  if (!isFields(result)) throw fail("its result is no object, so that it cannot be laid over the message")
  return isFields(value) ? overlay(value, result) : result
}

const decideOne = async (rules: ReadonlyArray<ReadyRule>, record: unknown): Promise<unknown> => {
  let value = record
  for (const step of rules) value = await apply(step, value)
  return value
}

const parse = (data: Uint8Array): unknown => {
  try {
    return JSON.parse(decoder.decode(data))
  } catch (error) {
    throw new Undecided({ rule: undefined, revision: undefined, reason: `it is no JSON: ${reasonOf(error)}` })
  }
}

const decoder = new TextDecoder("utf-8", { fatal: true })
const encoder = new TextEncoder()

/** An array is decided on record by record. */
export const decide = async (rules: ReadonlyArray<ReadyRule>, data: Uint8Array): Promise<RuleOutcome> => {
  try {
    const value = parse(data)
    const problem = guardValue(value)
    if (problem !== undefined) throw new Undecided({ rule: undefined, revision: undefined, reason: problem })
    const result = Array.isArray(value)
      ? await Promise.all(value.map((record) => decideOne(rules, record)))
      : await decideOne(rules, value)
    return { data: encoder.encode(JSON.stringify(result)) }
  } catch (error) {
    if (error instanceof Undecided) return { failure: error.failure }
    return { failure: { rule: undefined, revision: undefined, reason: reasonOf(error) } }
  }
}
