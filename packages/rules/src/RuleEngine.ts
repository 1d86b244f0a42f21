/**
 * Runs rules in processes of their own, so that no rule and no message can hurt the service or another tenant: the
 * engine may loop, panic, crash or take all the memory it is given.
 *
 * A process has one tenant's messages at a time. When it ends under them they are tried again one by one, and the one
 * under which it ends again is the one to blame. From then on the tenant stands apart for a minute: its messages run in
 * a process that only such tenants share, so that the others never wait for it.
 */
import type { TenantSlug } from "@bulkhead/channels"
import type { RuleFailure } from "@bulkhead/records"
import { readSettings, Setting } from "@bulkhead/settings"
import { Clock, type Config, Context, Effect, Layer, Semaphore } from "effect"
import { EngineProcess, type NoAnswer, type RuleWithContent } from "./internal/EngineProcess.ts"
import type { RuleOutcome } from "./internal/protocol.ts"
import { type RuleStep, ruleKey } from "./RuleSet.ts"

/** A step of a group, and the text of its rule: a JDM. */
export interface RuleToRun extends RuleStep {
  readonly content: string
}

const APART_MS = 60_000

/** Runs rules. */
export class RuleEngine extends Context.Service<
  RuleEngine,
  {
    /** What the rules make of each message, JSON documents of one tenant, in order. It never fails. */
    readonly run: (
      tenant: TenantSlug,
      rules: ReadonlyArray<RuleToRun>,
      messages: ReadonlyArray<Uint8Array>
    ) => Effect.Effect<ReadonlyArray<RuleOutcome>>
  }
>()("@bulkhead/rules/RuleEngine") {
  /** From the settings `RULES_…`. */
  static readonly layer: Layer.Layer<RuleEngine, Config.ConfigError> = Layer.effect(
    RuleEngine,
    Effect.suspend(() => make)
  )
}

export const ruleEngineSettings = {
  processes: Setting.whole(
    "RULES_PROCESSES",
    "processes",
    { from: 1, to: 64 },
    "so many run rules at a time; one more is for tenants that stand apart"
  ).or(2),
  timeoutMs: Setting.whole(
    "RULES_TIMEOUT_MS",
    "milliseconds",
    { from: 10, to: 60_000 },
    "how long a process may take for up to 50 messages, or for one alone"
  ).or(2_000)
}

/** So many processes, each used by one caller at a time; one that has ended is replaced when it is wanted again. */
const makePool = Effect.fnUntraced(function* (size: number) {
  const turns = yield* Semaphore.make(size)
  const idle: Array<EngineProcess> = []
  const all = new Set<EngineProcess>()
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      for (const one of all) one.kill()
    })
  )
  const take = Effect.sync(() => {
    const known = idle.pop()
    if (known?.isUsable === true) return known
    if (known !== undefined) all.delete(known)
    const fresh = new EngineProcess()
    all.add(fresh)
    return fresh
  })
  const give = (process: EngineProcess) =>
    Effect.sync(() => {
      if (process.isUsable) idle.push(process)
      else all.delete(process)
    })
  return <A>(use: (process: EngineProcess) => Promise<A>): Effect.Effect<A> =>
    turns.withPermit(
      Effect.acquireUseRelease(
        take,
        (process) =>
          Effect.promise(() => use(process)).pipe(Effect.onInterrupt(() => Effect.sync(() => process.kill()))),
        give
      )
    )
})

const isAnswer = (answer: ReadonlyArray<RuleOutcome> | NoAnswer): answer is ReadonlyArray<RuleOutcome> =>
  Array.isArray(answer)

const make = Effect.gen(function* () {
  const { processes, timeoutMs } = yield* readSettings(ruleEngineSettings)
  const common = yield* makePool(processes)
  const apart = yield* makePool(1)
  /** Tenants that stand apart, and until when. */
  const apartUntil = new Map<TenantSlug, number>()

  const isApart = (tenant: TenantSlug) =>
    Effect.map(Clock.currentTimeMillis, (now) => {
      const is = (apartUntil.get(tenant) ?? 0) > now
      if (!is) apartUntil.delete(tenant)
      return is
    })

  const setApart = (tenant: TenantSlug) =>
    Effect.map(Clock.currentTimeMillis, (now) => void apartUntil.set(tenant, now + APART_MS))

  /** One message alone: if the process ends under it too, it is the reason. */
  const runAlone = (rules: ReadonlyArray<RuleWithContent>, message: Uint8Array) =>
    Effect.map(
      apart((process) => process.run(rules, [message], timeoutMs)),
      (answer): RuleOutcome => {
        if (isAnswer(answer)) return answer[0] ?? { failure: blame(rules, "the engine gave no answer") }
        return { failure: blame(rules, answer.problem) }
      }
    )

  const run = Effect.fnUntraced(function* (
    tenant: TenantSlug,
    steps: ReadonlyArray<RuleToRun>,
    messages: ReadonlyArray<Uint8Array>
  ) {
    const rules = steps.map((step) => ({ ...step, key: ruleKey(tenant, step.rule, step.revision) }))
    const pool = (yield* isApart(tenant)) ? apart : common
    const answer = yield* pool((process) => process.run(rules, messages, timeoutMs))
    if (isAnswer(answer)) return answer
    yield* setApart(tenant)
    yield* Effect.logWarning("a process of the rule engine ended; the tenant's messages run apart, one by one", {
      tenant,
      problem: answer.problem,
      messages: messages.length,
      rules: steps.map(({ rule, revision }) => `${rule} revision ${revision}`)
    })
    return yield* Effect.forEach(messages, (message) => runAlone(rules, message))
  })

  return RuleEngine.of({ run })
})

/** Which of several rules it was nobody knows. */
const blame = (rules: ReadonlyArray<RuleWithContent>, detail: string): RuleFailure => {
  const [only, ...others] = rules
  return {
    rule: others.length === 0 ? only?.rule : rules.map(({ rule }) => rule).join(", "),
    revision: others.length === 0 ? only?.revision : undefined,
    reason: "rule_exhausted",
    detail
  }
}
