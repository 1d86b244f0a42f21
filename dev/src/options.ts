import { resolve } from "node:path"
import { parseArgs } from "node:util"
import { Effect } from "effect"
import { DevError } from "./DevError.ts"

/** What the caller of `npm run dev` may choose. */
export interface DevOptions {
  readonly folder: string
  readonly reset: boolean
  readonly trafficPerSecond: number
  readonly tls: boolean
  readonly layout: Layout
}

/** A stream and a writer for each tenant, or one stream for all and db-event-writer. */
export const LAYOUTS = ["per-tenant", "shared"] as const
export type Layout = (typeof LAYOUTS)[number]

const isLayout = (text: string): text is Layout => LAYOUTS.some((layout) => layout === text)

const USAGE = `npm run dev -- [--reset] [--folder PATH] [--traffic EVENTS_PER_SECOND] [--tls] [--layout LAYOUT]
  --reset     forget all data of earlier runs first
  --folder    where data, logs and secrets are kept (.bulkhead/dev)
  --traffic   events a second of each demo tenant (10)
  --tls       NATS with TLS, by certificates made for this run
  --layout    per-tenant: a stream for each tenant, written by core (default)
              shared: one stream for all, written by db-event-writer`

const usage = (problem: string) => new DevError({ problem, nextStep: `Usage:\n${USAGE}` })

/** Reads the command line; an unknown option or a bad value is refused with the usage. */
export const parseOptions = (args: ReadonlyArray<string>): Effect.Effect<DevOptions, DevError> =>
  Effect.gen(function* () {
    const { values } = yield* Effect.try({
      try: () =>
        parseArgs({
          args: [...args],
          options: {
            reset: { type: "boolean", default: false },
            folder: { type: "string", default: ".bulkhead/dev" },
            traffic: { type: "string", default: "10" },
            tls: { type: "boolean", default: false },
            layout: { type: "string", default: "per-tenant" }
          }
        }),
      catch: (cause) => usage(cause instanceof Error ? cause.message.replace(/\.$/, "") : String(cause))
    })
    const trafficPerSecond = Number(values.traffic)
    if (!(trafficPerSecond > 0 && trafficPerSecond <= 1_000)) {
      return yield* usage(`--traffic "${values.traffic}" is not a number above 0 and up to 1000`)
    }
    const { layout } = values
    if (!isLayout(layout)) return yield* usage(`--layout "${layout}" is none of ${LAYOUTS.join(", ")}`)
    return { folder: resolve(values.folder), reset: values.reset, trafficPerSecond, tls: values.tls, layout }
  })
