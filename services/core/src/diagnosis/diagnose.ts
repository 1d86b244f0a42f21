/**
 * Looks at all places on a tenant's way, and names the first at which a message stops. A fault is told once, where it
 * is: what cannot work because of it is skipped.
 */
import type { Tenant } from "@bulkhead/tenancy"
import { Effect } from "effect"
import { CHECKS, type CheckName, type Diagnosis, type Finding } from "../api/DiagnosisApi.ts"
import { checkClient } from "./checkClient.ts"
import { checkClocks } from "./checkClocks.ts"
import { checkConnection } from "./checkConnection.ts"
import { checkConsumer } from "./checkConsumer.ts"
import { checkLane } from "./checkLane.ts"
import { checkRights } from "./checkRights.ts"
import { checkSchema } from "./checkSchema.ts"
import { checkStream, isStreamThere } from "./checkStream.ts"
import { looking, skipped } from "./finding.ts"

type Findings = Readonly<Record<CheckName, Finding>>

const diagnosisOf = ({ slug }: Tenant, findings: Findings): Diagnosis => {
  const checks = CHECKS.map((check) => ({ check, ...findings[check] }))
  const stop = checks.find(({ outcome }) => outcome === "failed")
  return { tenant: slug, checks, ...(stop === undefined ? {} : { stopsAt: stop.check }) }
}

/** Nothing else can be looked at. */
const withoutServers = (connection: Finding): Findings => {
  const rest = skipped("core has no connection")
  return { ...(Object.fromEntries(CHECKS.map((check) => [check, rest])) as Findings), connection }
}

/** A lane that does not run says nothing new where what it needs is gone. */
const laneGiven = (lane: Finding, needs: ReadonlyArray<readonly [name: string, finding: Finding]>): Finding => {
  const gone = needs.find(([, { outcome }]) => outcome === "failed")
  return lane.outcome === "failed" && gone !== undefined ? skipped(`it cannot run without its ${gone[0]}`) : lane
}

export const diagnose = Effect.fn("diagnose")(function* (tenant: Tenant) {
  const connection = yield* looking(checkConnection)
  if (connection.outcome === "failed") return diagnosisOf(tenant, withoutServers(connection))
  const isThere = yield* isStreamThere(tenant).pipe(Effect.orElseSucceed(() => false))
  const { client, rights, clock, stream, consumer, lane, schema } = yield* Effect.all(
    {
      client: checkClient(tenant, isThere),
      rights: looking(checkRights),
      clock: looking(checkClocks),
      stream: looking(checkStream(tenant)),
      consumer: isThere ? looking(checkConsumer(tenant)) : Effect.succeed(skipped("there is no stream to read")),
      lane: looking(checkLane(tenant)),
      schema: looking(checkSchema(tenant))
    },
    { concurrency: "unbounded" }
  )
  const findings = { connection, rights, clock, ...client, stream, consumer, schema }
  const needs = isThere
    ? ([
        ["consumer", consumer],
        ["schema", schema]
      ] as const)
    : ([["stream", stream]] as const)
  return diagnosisOf(tenant, { ...findings, lane: laneGiven(lane, needs) })
})
