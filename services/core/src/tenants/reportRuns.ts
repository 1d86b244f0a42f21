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
  readonly run: TenantRun
  readonly atMs: number
}

const runOf = (state: ActorState): TenantRun => ({
  tenant: state.tenant.slug,
  status: state.statusNow,
  reason: state.reasonNow ?? null,
  heldBy: state.hold?.kind ?? null,
  restarts: state.restarts,
  lastError: state.lastError ?? null,
  rowsWritten: state.rowsWritten,
  deadLetters: state.deadLetters,
  lastCommitAt: state.lastCommitAtMs === undefined ? null : new Date(state.lastCommitAtMs)
})

const figuresOf = ({ rowsWritten, deadLetters }: TenantRun): number => rowsWritten + deadLetters

const isNews = (state: ActorState, run: TenantRun, told: Told | undefined, nowMs: number): boolean =>
  told?.state !== state ||
  told.run.status !== run.status ||
  told.run.reason !== run.reason ||
  told.run.heldBy !== run.heldBy ||
  told.run.restarts !== run.restarts ||
  (figuresOf(told.run) !== figuresOf(run) && nowMs - told.atMs >= FIGURES_EVERY_MS)

/** Reports these actors until the scope closes. */
export const reportRuns = Effect.fnUntraced(function* (actors: ReadonlyMap<string, ActorState>) {
  const runs = yield* TenantRuns
  const { self } = yield* Membership
  const told = new Map<string, Told>()

  const report = Effect.gen(function* () {
    const nowMs = performance.now()
    const news = [...actors.values()]
      .map((state): Told => ({ state, run: runOf(state), atMs: nowMs }))
      .filter(({ state, run }) => isNews(state, run, told.get(state.tenant.slug), nowMs))
    for (const slug of told.keys()) if (!actors.has(slug)) told.delete(slug)
    if (news.length === 0) return
    yield* runs.write(
      self,
      news.map(({ run }) => run)
    )
    for (const what of news) told.set(what.run.tenant, what)
  }).pipe(Effect.catch((error) => Effect.logDebug("runs could not be reported", { problem: error.message })))

  yield* Effect.sleep(EVERY).pipe(Effect.andThen(report), Effect.forever, Effect.forkScoped)
})
