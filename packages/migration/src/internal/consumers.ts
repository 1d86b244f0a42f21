/**
 * What a migration asks of consumers: let them stand still, read their place, set them to one, let them go on.
 */
import { sortFailure } from "@bulkhead/nats"
import { type ConsumerConfig, type ConsumerInfo, DeliverPolicy } from "@nats-io/jetstream"
import { Clock, Effect } from "effect"
import { MigrationError, OperatorNeeded } from "../MigrationError.ts"
import { JetStreamAdmin, type JetStreamApi } from "./JetStreamAdmin.ts"
import { serverFeatures } from "./serverFeatures.ts"

const ask = <A>(stream: string, name: string, rights: string, run: (api: JetStreamApi) => Promise<A>) =>
  Effect.flatMap(JetStreamAdmin, (admin) =>
    admin.ask({ what: `consumer "${name}" of stream "${stream}"`, rights: `${rights}.${stream}.${name}`, ask: run })
  )

/** Undefined where there is no such consumer. */
export const findConsumer = (stream: string, name: string) =>
  ask(
    stream,
    name,
    "CONSUMER.INFO",
    ({ manager }): Promise<ConsumerInfo | undefined> =>
      manager.consumers.info(stream, name).catch((error: unknown) => {
        const { kind } = sortFailure(error)
        if (kind === "consumer_missing" || kind === "stream_missing") return undefined
        throw error
      })
  )

/** Longer than any migration stands still; a run under way never comes near it. */
const PAUSE_DAYS = 30
const pauseEnd = () => new Date(Date.now() + PAUSE_DAYS * 86_400_000)

/** Gives nothing out from now on. Readers stay connected and wait. */
export const pause = (stream: string, name: string) =>
  ask(stream, name, "CONSUMER.PAUSE", ({ manager }) => manager.consumers.pause(stream, name, pauseEnd()))

const RESUME_IN_MS = 500

/**
 * Gives out again, in half a second. The server looks at a push consumer that is resumed at once only when the next message
 * comes, and at one whose pause ends by itself at its end. So the pause is made to end, by the server's own clock.
 */
export const resume = (stream: string, name: string) =>
  ask(stream, name, "CONSUMER.PAUSE and CONSUMER.INFO", async ({ manager }) => {
    const { ts } = await manager.consumers.info(stream, name)
    const now = ts === undefined ? Date.now() : Date.parse(ts)
    return manager.consumers.pause(stream, name, new Date(now + RESUME_IN_MS))
  })

/** What belongs to the old place or to the server, and not to what a reader asked for. */
const NOT_CARRIED = [
  "name",
  "durable_name",
  "filter_subject",
  "filter_subjects",
  "opt_start_seq",
  "pause_until",
  "metadata",
  // A successor that its reader finds late must be there all the same.
  "inactive_threshold"
] as const

const carried = (config: Readonly<Record<string, unknown>>): Partial<ConsumerConfig> =>
  Object.fromEntries(
    Object.entries(config).filter(([key]) => !NOT_CARRIED.some((left) => left === key))
  ) as Partial<ConsumerConfig>

export interface WantedConsumer {
  readonly stream: string
  readonly durable: string
  readonly filterSubjects: ReadonlyArray<string>
  /** As the server kept the one before. */
  readonly config: Readonly<Record<string, unknown>>
  /** The last sequence that it is done with. */
  readonly after: number
}

const filters = (subjects: ReadonlyArray<string>): Partial<ConsumerConfig> => {
  const [one, ...more] = subjects
  if (one === undefined) return {}
  return more.length === 0 ? { filter_subject: one } : { filter_subjects: [...subjects] }
}

const add = async ({ manager }: JetStreamApi, wanted: WantedConsumer, start: Partial<ConsumerConfig>) => {
  const { stream, durable } = wanted
  const config = { ...carried(wanted.config), ...filters(wanted.filterSubjects), ...start, durable_name: durable }
  return manager.consumers.info(stream, durable).catch(() => manager.consumers.add(stream, config))
}

/**
 * Makes a consumer that stands still at a place, with the settings of another. A server that can set consumers to a place
 * gets the very settings, so that a reader which asks for them at its start is content.
 */
export const placeConsumer = (wanted: WantedConsumer) =>
  ask(wanted.stream, wanted.durable, "CONSUMER.CREATE, CONSUMER.INFO and CONSUMER.RESET", async (api) => {
    const { pause: canPause, reset: canReset } = serverFeatures(api.connection.info?.version ?? "0.0.0")
    const paused = canPause ? { pause_until: pauseEnd().toISOString() } : {}
    if (canReset) {
      await add(api, wanted, paused)
      await api.manager.consumers.reset(wanted.stream, wanted.durable, wanted.after + 1)
    } else {
      const at = { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: wanted.after + 1 }
      await api.manager.consumers.delete(wanted.stream, wanted.durable).catch(() => false)
      await add(api, wanted, { ...at, ...paused })
    }
  })

const LOOK_EVERY_MS = 100

/** Waits until all that a consumer gave out is acknowledged; gives its place, or undefined when that takes too long. */
export const awaitAcknowledged = Effect.fnUntraced(function* (stream: string, name: string, withinMs: number) {
  const startedAt = yield* Clock.currentTimeMillis
  while (true) {
    const info = yield* findConsumer(stream, name)
    if (info === undefined) return yield* missing(stream, name)
    if (info.num_ack_pending === 0) return info.delivered.stream_seq
    if ((yield* Clock.currentTimeMillis) - startedAt > withinMs) return undefined
    yield* Effect.sleep(LOOK_EVERY_MS)
  }
})

const missing = (stream: string, name: string) =>
  new MigrationError({
    operation: "consumers",
    reason: new OperatorNeeded({
      step: `consumer ${stream}/${name}`,
      problem: `consumer "${name}" of stream "${stream}" is gone`,
      nextStep: "Find out whether its reader makes it anew, and where it stood"
    })
  })
