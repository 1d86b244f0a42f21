/**
 * Whether this process can do its work now. Parts register what they depend on; the service is ready when it has
 * started, is not stopping, and every dependency answers.
 */
import { Context, Effect, Layer, type Scope } from "effect"
import { problemText } from "./problemText.ts"
import { redactText } from "./redact.ts"

/** One dependency: undefined when it is there, or why it is not. */
export type ReadinessCheck = Effect.Effect<string | undefined>

/** What `/readyz` says. */
export interface HealthReport {
  readonly ready: boolean
  /** Dependency → `ok`, or why it is not. */
  readonly checks: Readonly<Record<string, string>>
}

/** The phases of a process; only `running` can be ready. */
export type Phase = "starting" | "running" | "stopping"

const CHECK_TIMEOUT = "2 seconds"

export class Health extends Context.Service<
  Health,
  {
    /** Adds a dependency until the scope closes. A check that takes longer than 2 s counts as failed. */
    readonly register: (name: string, check: ReadinessCheck) => Effect.Effect<void, never, Scope.Scope>
    readonly setPhase: (phase: Phase) => Effect.Effect<void>
    readonly report: Effect.Effect<HealthReport>
  }
>()("@bulkhead/observability/Health") {
  static readonly layer: Layer.Layer<Health> = Layer.sync(Health, () => {
    const checks = new Map<string, ReadinessCheck>()
    let phase: Phase = "starting"

    const ask = (check: ReadinessCheck) =>
      check.pipe(
        Effect.map((problem) => (problem === undefined ? "ok" : redactText(problem))),
        Effect.catchDefect((defect) => Effect.succeed(problemText(defect))),
        Effect.timeoutOrElse({ duration: CHECK_TIMEOUT, orElse: () => Effect.succeed("no answer within 2 s") })
      )

    return Health.of({
      register: (name, check) =>
        Effect.acquireRelease(
          Effect.sync(() => void checks.set(name, check)),
          () => Effect.sync(() => checks.delete(name))
        ),
      setPhase: (next) =>
        Effect.sync(() => {
          phase = next
        }),
      report: Effect.gen(function* () {
        const answers = yield* Effect.forEach(
          checks,
          ([name, check]) => Effect.map(ask(check), (answer) => [name, answer]),
          {
            concurrency: "unbounded"
          }
        )
        const all = { process: phase === "running" ? "ok" : phase, ...Object.fromEntries(answers) }
        return { ready: Object.values(all).every((answer) => answer === "ok"), checks: all }
      })
    })
  })
}
