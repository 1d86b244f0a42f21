/**
 * Tells the other replicas how the tenants of this one are: every two seconds what is new, in one statement. Figures
 * that change with every batch are told less often.
 */
import { type TenantRun, TenantRuns } from "@bulkhead/storage"
import { Effect } from "effect"
import { Membership } from "../replicas/Membership.ts"
import type { ActorState } from "./ActorState.ts"

const EVERY = "2 seconds"
const FIGURES_EVERY_MS = 10_000

interface Told {
  readonly state: ActorState
  readonly status: string
  readonly reason: string | undefined
  readonly restarts: number
  readonly figures: number
  readonly atMs: number
}

const runOf = (state: ActorState): TenantRun => ({
  tenant: state.tenant.slug,
  status: state.status,
  reason: state.reason ?? null,
  restarts: state.restarts,
  lastError: state.lastError ?? null,
  rowsWritten: state.rowsWritten,
  deadLetters: state.deadLetters,
  lastCommitAt: state.lastCommitAtMs === undefined ? null : new Date(state.lastCommitAtMs)
})

const figuresOf = (state: ActorState): number => state.rowsWritten + state.deadLetters

const isNews = (state: ActorState, told: Told | undefined, nowMs: number): boolean =>
  told?.state !== state ||
  told.status !== state.status ||
  told.reason !== state.reason ||
  told.restarts !== state.restarts ||
  (told.figures !== figuresOf(state) && nowMs - told.atMs >= FIGURES_EVERY_MS)

/** Reports these actors until the scope closes. */
export const reportRuns = Effect.fnUntraced(function* (actors: ReadonlyMap<string, ActorState>) {
  const runs = yield* TenantRuns
  const { self } = yield* Membership
  const told = new Map<string, Told>()

  const report = Effect.gen(function* () {
    const nowMs = performance.now()
    const news = [...actors.values()].filter((state) => isNews(state, told.get(state.tenant.slug), nowMs))
    for (const slug of told.keys()) if (!actors.has(slug)) told.delete(slug)
    if (news.length === 0) return
    const told_ = news.map((state): [string, Told] => [
      state.tenant.slug,
      {
        state,
        status: state.status,
        reason: state.reason,
        restarts: state.restarts,
        figures: figuresOf(state),
        atMs: nowMs
      }
    ])
    yield* runs.write(self, news.map(runOf))
    for (const [slug, what] of told_) told.set(slug, what)
  }).pipe(Effect.catch((error) => Effect.logDebug("runs could not be reported", { problem: error.message })))

  yield* Effect.sleep(EVERY).pipe(Effect.andThen(report), Effect.forever, Effect.forkScoped)
})
