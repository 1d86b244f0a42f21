/**
 * `bulkhead health`: how every tenant runs, at a glance.
 */
import type { TenantHealth } from "@bulkhead/core/api"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { failed } from "../../CommandFailed.ts"
import { askCore } from "../../core/askCore.ts"
import { EXIT } from "../../ExitCode.ts"
import { fields } from "../../output/fields.ts"
import { print } from "../../output/print.ts"
import { table } from "../../output/table.ts"
import { duration, time } from "../../output/units.ts"
import { deadLettersPresent, healthFields } from "./healthFields.ts"

/** Suspended and deleting are what somebody asked for; the rest that is not active is a fault. */
const isFaulty = ({ status }: TenantHealth): boolean => status === "degraded" || status === "provisioning"

const renderAll = (healths: ReadonlyArray<TenantHealth>): string =>
  table(
    [
      { title: "tenant", cell: ({ tenant }) => tenant },
      { title: "status", cell: ({ status }) => status },
      { title: "lag messages", cell: ({ lagMessages }) => String(lagMessages), align: "right" },
      { title: "lag age", cell: ({ lagMs }) => (lagMs === undefined ? "" : duration(lagMs)), align: "right" },
      { title: "dead letters", cell: (health) => String(deadLettersPresent(health)), align: "right" },
      { title: "restarts", cell: ({ restarts }) => String(restarts), align: "right" },
      { title: "last commit", cell: ({ lastCommitAt }) => time(lastCommitAt) },
      { title: "why", cell: ({ reason, lastError }) => reason ?? lastError ?? "" }
    ],
    healths,
    "There is no tenant yet"
  )

const failWhereFaulty = (healths: ReadonlyArray<TenantHealth>) => {
  const faulty = healths.filter(isFaulty).map(({ tenant }) => tenant)
  if (faulty.length === 0) return Effect.void
  return failed(
    EXIT.fault,
    `${faulty.length} of ${healths.length} tenants do not run as they should: ${faulty.slice(0, 5).join(", ")}${faulty.length > 5 ? ", …" : ""}`,
    `Ask where a message stops: bulkhead doctor ${faulty[0]}`
  )
}

export const health = Command.make(
  "health",
  {
    tenant: Argument.String("tenant").pipe(
      Argument.withDescription("One tenant's slug; all of them without"),
      Argument.optional
    )
  },
  Effect.fnUntraced(function* ({ tenant }) {
    const ask = yield* askCore
    if (Option.isNone(tenant)) {
      const healths = yield* ask((core) => core.health.list())
      yield* print(healths, renderAll)
      return yield* failWhereFaulty(healths)
    }
    const health = yield* ask((core) => core.health.get({ params: { slug: tenant.value } }))
    yield* print(health, (health) => fields([["tenant", health.tenant], ...healthFields(health)]))
    yield* failWhereFaulty([health])
  })
).pipe(
  Command.withExamples([
    { command: "bulkhead health", description: "All tenants" },
    { command: "bulkhead health acme --json", description: "One, for a program" }
  ])
)
