/**
 * Two customers' sites through a bad day: one's line is cut under load and its leaf node killed, the other's package is
 * revoked. Then it is counted what became of each line in PostgreSQL.
 */
import { join } from "node:path"
import { query, startPlatform } from "@bulkhead/core/testing"
import { waitUntil } from "@bulkhead/devstack"
import { Clock, Console, Effect, Schedule } from "effect"
import { sum, type Tally, tally } from "../rehearsal/tally.ts"
import { temporaryFolder } from "../temporaryFolder.ts"
import { type CustomerSite, type Hub, operate, startSite } from "./CustomerSite.ts"

export interface EdgeRunOptions {
  /** Lines that each site sends, in each of the day's three parts. */
  readonly lines: number
  /** How long one site's line stays cut, milliseconds. */
  readonly outageMs: number
}

export interface EdgeRun {
  readonly tally: Tally
  /** From the command that revokes to the line that is cut, milliseconds. */
  readonly revokedAfterMs: number
  /** Rows of what the revoked site's devices sent afterwards; they wait at the site. */
  readonly storedAfterRevocation: number
  readonly waitsAtRevokedSite: number
}

const LONG = "90 seconds"

const named = (site: CustomerSite, part: string, count: number) =>
  Array.from({ length: count }, (_, at) => `${site.tenant} ${part} ${at}`)

export const edgeRun = Effect.fnUntraced(function* ({ lines, outageMs }: EdgeRunOptions) {
  const { servers, url } = yield* startPlatform({ RECORDS_LOGS: "raw" })
  const hub: Hub = { url, leafPort: servers.leafPort }
  const folder = yield* temporaryFolder("edge")
  for (const slug of ["acme", "globex"]) yield* operate(hub, "tenants", "create", slug, "--name", slug)
  const [acme, globex] = yield* Effect.all(
    [startSite(hub, "acme", join(folder, "acme")), startSite(hub, "globex", join(folder, "globex"))],
    { concurrency: 2 }
  )
  yield* Console.log(`two sites are linked, ${acme.hasRsyslog ? "with" : "without"} rsyslog before their collectors`)

  const rowsOf = ({ tenant }: CustomerSite) =>
    Effect.map(query<{ body: string }>(servers, `select trim(body) as body from tenant_${tenant}.logs`), (rows) =>
      rows.map(({ body }) => body)
    ).pipe(Effect.orElseSucceed((): ReadonlyArray<string> => []))
  const awaitRows = (site: CustomerSite, count: number) =>
    waitUntil(
      `${count} rows of ${site.tenant}`,
      Effect.map(rowsOf(site), (rows) => rows.length >= count),
      LONG
    )

  const morning = [named(acme, "morning", lines), named(globex, "morning", lines)] as const
  yield* Effect.all([acme.log(morning[0], lines), globex.log(morning[1], lines)], { concurrency: 2 })
  yield* Effect.all([awaitRows(acme, lines), awaitRows(globex, lines)], { concurrency: 2 })

  // acme's line is cut in the middle of what it sends, and its leaf node is killed meanwhile.
  const outage = [named(acme, "outage", lines), named(globex, "outage", lines)] as const
  const cutAtMs = yield* Clock.currentTimeMillis
  yield* Effect.all(
    [
      acme.log(outage[0], 2 * lines),
      globex.log(outage[1], 2 * lines),
      acme.uplink.cut.pipe(Effect.andThen(acme.leaf.kill), Effect.andThen(acme.leaf.start))
    ],
    { concurrency: 3 }
  )
  yield* awaitRows(globex, 2 * lines)
  yield* Console.log("globex has everything while acme's line is cut")

  const revokedAtMs = yield* Clock.currentTimeMillis
  yield* operate(hub, "packages", "revoke", "globex", "site1", "--yes")
  yield* waitUntil(
    "globex is cut",
    Effect.map(globex.leafLinks, (links) => links === 0)
  )
  const revokedAfterMs = (yield* Clock.currentTimeMillis) - revokedAtMs
  const afterwards = named(globex, "afterwards", lines)
  yield* globex.log(afterwards, 3 * lines)

  const leftMs = outageMs - ((yield* Clock.currentTimeMillis) - cutAtMs)
  yield* Effect.sleep(Math.max(0, leftMs))
  yield* acme.uplink.restore
  yield* awaitRows(acme, 2 * lines)
  const waits = globex.relay.metric("bulkhead_relay_buffer_messages")
  yield* Effect.repeat(waits, { schedule: Schedule.spaced("100 millis"), until: (count) => count >= lines })

  const [ofAcme, ofGlobex] = [yield* rowsOf(acme), yield* rowsOf(globex)]
  return {
    tally: sum(
      tally(new Set([...morning[0], ...outage[0]]), ofAcme),
      tally(new Set([...morning[1], ...outage[1]]), ofGlobex)
    ),
    revokedAfterMs,
    storedAfterRevocation: ofGlobex.filter((body) => afterwards.includes(body)).length,
    waitsAtRevokedSite: yield* waits
  } satisfies EdgeRun
}, Effect.scoped)
