/**
 * Tries, again and again and on the servers in use, whether one tenant can reach another: two tenants of its own, the
 * canaries, with ordinary credentials. An open wall turns readiness red until a later round finds it closed.
 */
import { readFileSync } from "node:fs"
import { type ChannelError, parseSlug, type TenantSlug } from "@bulkhead/channels"
import { Nats, natsConfig } from "@bulkhead/nats"
import { Health } from "@bulkhead/observability"
import { TenantStore } from "@bulkhead/storage"
import { Duration, Effect, Layer, Schema } from "effect"
import { connectAsTenant } from "../accounts/connectAsTenant.ts"
import { TenantAccounts } from "../accounts/TenantAccounts.ts"
import { CoreConfig } from "../CoreConfig.ts"
import { runDuty } from "../replicas/Duty.ts"
import { CanaryMetrics } from "./CanaryMetrics.ts"
import { type CanaryPair, harmless, publishHarmlessly, wallsOf } from "./walls.ts"

const slugOf = (text: string): TenantSlug => {
  const slug = parseSlug(text)
  if (typeof slug !== "string") throw slug satisfies ChannelError
  return slug
}

const ATTACKER = slugOf("bulkhead-canary-a")
const VICTIM = slugOf("bulkhead-canary-b")
const USER_MINUTES = 60
/** Its tenants may just be on their way. */
const PAUSE_MS_UNJUDGED = 2_000
const ROUND_TIMEOUT = "30 seconds"

/** The canaries themselves cannot work, so that nothing is known of the walls. */
class CanaryNotReady extends Schema.TaggedError<CanaryNotReady>()("CanaryNotReady", { problem: Schema.String }) {
  override get message(): string {
    return this.problem
  }
}

const make = Effect.gen(function* () {
  const { canaryMs } = yield* CoreConfig
  const accounts = yield* TenantAccounts
  const store = yield* TenantStore
  const metrics = yield* CanaryMetrics
  const health = yield* Health
  const nats = yield* Nats
  const { servers, tlsCaFile } = yield* natsConfig
  let open: ReadonlyArray<string> = []

  const canary = Effect.fnUntraced(function* (slug: TenantSlug) {
    const found = yield* store
      .get(slug)
      .pipe(
        Effect.catchReason("StorageError", "TenantUnknown", () =>
          store.create({ slug, name: "Isolation canary", plan: "free" })
        )
      )
    if (found.status === "active") return found
    return yield* new CanaryNotReady({ problem: `canary ${slug} is ${found.status}` })
  })

  /** Signed once an hour, because every signature is in the audit record for ever. */
  const [users, forgetUsers] = yield* Effect.cachedInvalidateWithTTL(
    Effect.gen(function* () {
      const [attacker, victim] = [yield* canary(ATTACKER), yield* canary(VICTIM)]
      return {
        attacker: yield* accounts.probeUser(attacker, "collector", USER_MINUTES),
        eavesdropper: yield* accounts.probeUser(attacker, "service", USER_MINUTES),
        victim: yield* accounts.probeUser(victim, "collector", USER_MINUTES)
      }
    }),
    Duration.minutes(USER_MINUTES - 5)
  )

  const openPair = Effect.gen(function* () {
    const { attacker, eavesdropper, victim } = yield* users
    const platform = yield* nats.connection
    const pair: CanaryPair = {
      attacker: yield* connectAsTenant(attacker),
      eavesdropper: yield* connectAsTenant(eavesdropper),
      victim: yield* connectAsTenant(victim),
      victimSlug: VICTIM,
      sayToVictim: async (text) => {
        platform.publish(`${VICTIM}.events.ocsf.processed`, text, { headers: harmless() })
        await platform.flush()
      }
    }
    // Against clients whose own messages do not arrive every wall would seem to hold.
    for (const client of [pair.attacker, pair.victim]) {
      const arrives = yield* Effect.promise(() => publishHarmlessly(client, "control"))
      if (!arrives) return yield* new CanaryNotReady({ problem: "a canary does not reach its own stream" })
    }
    return pair
  })

  const lean = Effect.fnUntraced(function* (pair: CanaryPair) {
    const ca = tlsCaFile === undefined ? undefined : readFileSync(tlsCaFile, "utf8")
    const found: Array<string> = []
    for (const [wall, attempt] of Object.entries(wallsOf(servers, ca))) {
      const evidence = yield* Effect.promise(() => attempt(pair))
      metrics.wall(wall, evidence === undefined)
      if (evidence === undefined) continue
      found.push(`${wall}: ${evidence}`)
      yield* Effect.logFatal("a wall between tenants is open", { wall, evidence })
    }
    return found
  })

  /** Gives the pause until the next round. */
  const round = Effect.scoped(Effect.flatMap(openPair, lean)).pipe(
    Effect.timeout(ROUND_TIMEOUT),
    Effect.map((found) => {
      open = found
      metrics.round(found.length === 0 ? "held" : "open")
      return canaryMs
    }),
    // Nothing was learned: what was known of the walls stays.
    Effect.catch((error) =>
      Effect.gen(function* () {
        metrics.round("unjudged")
        yield* Effect.logInfo("the isolation canary could not judge; trying again", { problem: error.message })
        yield* forgetUsers
        return Math.min(canaryMs, PAUSE_MS_UNJUDGED)
      })
    ),
    Effect.withSpan("IsolationCanary.round")
  )

  yield* health.register(
    "isolation",
    Effect.sync(() => (open.length === 0 ? undefined : `a wall is open: ${open.join("; ")}`))
  )
  yield* runDuty(
    "isolation-canary",
    round.pipe(
      Effect.flatMap((pauseMs) => Effect.sleep(pauseMs)),
      Effect.forever,
      // Whoever has the duty now finds out for itself.
      Effect.ensuring(
        Effect.sync(() => {
          open = []
        })
      )
    )
  )
})

/** Runs the canary until the scope closes, where accounts are kept and `CORE_CANARY_MS` is not 0. */
export const IsolationCanary = Layer.effectDiscard(
  Effect.gen(function* () {
    const { canaryMs } = yield* CoreConfig
    const accounts = yield* TenantAccounts
    if (accounts.areKept && canaryMs > 0) yield* make
  })
)
