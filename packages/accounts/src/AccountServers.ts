/**
 * The servers of an installation, asked over a connection of the system account: give them claims, take claims away, and
 * count who is connected. Each question goes to all servers of the cluster, and nothing is believed before every one of
 * them has answered.
 */
import { encodeGeneric } from "@nats-io/jwt"
import { createInbox, type NatsConnection } from "@nats-io/nats-core"
import { Context, Duration, Effect, Layer, Schedule } from "effect"
import { ClaimsError } from "./ClaimsError.ts"
import type { NKey } from "./NKey.ts"
import { liveClaims } from "./reachability/liveClaims.ts"

const ANSWER_TIMEOUT_MS = 5_000
/** How long after an answer another server may still say that it is there. */
const ROLL_CALL_MS = 250
const ROLL_CALL_EVERY = Duration.seconds(5)

interface ServerAnswer {
  readonly server?: { readonly id: string; readonly name: string }
  readonly data?: unknown
  readonly error?: { readonly code?: number; readonly description?: string }
}

interface ClaimsOutcome {
  readonly code?: number
  readonly message?: string
}

/** What the system account's connection is used for. */
export class AccountServers extends Context.Service<
  AccountServers,
  {
    /** Gives an account's claims to every server; connected clients feel them at once. Safe to repeat. */
    readonly push: (claims: string) => Effect.Effect<void, ClaimsError>
    /** Takes an account's claims from every server. `signer` is a signing key of the operator. Safe to repeat. */
    readonly remove: (account: string, signer: NKey) => Effect.Effect<void, ClaimsError>
    /** Clients and leaf nodes of an account, over all servers. */
    readonly connections: (account: string) => Effect.Effect<number, ClaimsError>
    /** The accounts that every server holds claims of. */
    readonly held: Effect.Effect<ReadonlySet<string>, ClaimsError>
    /** The claims of every account that a server holds. */
    readonly claims: Effect.Effect<ReadonlyArray<string>, ClaimsError>
    /** The names of the servers that are there. */
    readonly names: Effect.Effect<ReadonlyArray<string>>
    /** Bytes of the largest message that the servers take. */
    readonly payloadBytesMax: Effect.Effect<number>
  }
>()("@bulkhead/accounts/AccountServers") {
  /** `connection` waits while NATS is away. */
  static readonly layer = (
    connection: Effect.Effect<NatsConnection>,
    inboxPrefix: string
  ): Layer.Layer<AccountServers> => Layer.effect(AccountServers, make(connection, inboxPrefix))
}

const failed = (operation: string, problem: string, nextStep: string, isRetryable: boolean, cause?: unknown) =>
  new ClaimsError({ operation, problem, nextStep, isRetryable, ...(cause === undefined ? {} : { cause }) })

const make = Effect.fnUntraced(function* (connection: Effect.Effect<NatsConnection>, inboxPrefix: string) {
  /** By id, the servers that answered the last roll call. */
  let servers: ReadonlyMap<string, string> = new Map()

  const rollCall = Effect.gen(function* () {
    const nats = yield* connection
    const answers = yield* Effect.tryPromise(async () => {
      const found = new Map<string, string>()
      const replies = await nats.requestMany("$SYS.REQ.SERVER.PING", "", {
        strategy: "stall",
        stall: ROLL_CALL_MS,
        maxWait: ANSWER_TIMEOUT_MS
      })
      for await (const reply of replies) {
        const { server } = reply.json<ServerAnswer>()
        if (server !== undefined) found.set(server.id, server.name)
      }
      return found
    })
    if (answers.size > 0) servers = answers
  })

  /** Asks all servers; succeeds with an answer of each, or fails with the names of the silent ones. */
  const askAll = Effect.fnUntraced(function* (operation: string, subject: string, payload: string) {
    if (servers.size === 0) yield* Effect.ignore(rollCall)
    const nats = yield* connection
    // Those of now: the roll call may leave a silent one out while we wait for it.
    const asked = servers
    const answers = yield* Effect.tryPromise({
      try: (signal) => gather(nats, subject, payload, new Set(asked.keys()), inboxPrefix, signal),
      catch: (cause) => failed(operation, `the servers could not be asked (${cause})`, "Try again", true, cause)
    })
    const silent = [...asked].filter(([id]) => !answers.some((answer) => answer.server?.id === id))
    if (silent.length === 0) return answers
    // One that went away gets the claims from the others when it is back: the next try does not wait for it.
    yield* Effect.ignore(rollCall)
    const names = silent.map(([, name]) => name).join(", ")
    return yield* failed(operation, `no answer from ${names} within ${ANSWER_TIMEOUT_MS} ms`, "Try again", true)
  })

  const change = Effect.fnUntraced(function* (operation: string, subject: string, payload: string) {
    for (const { server, data, error } of yield* askAll(operation, subject, payload)) {
      const outcome = data as ClaimsOutcome | undefined
      if (error === undefined && (outcome?.code === undefined || outcome.code === 200)) continue
      const why = error?.description ?? outcome?.message ?? "without a reason"
      return yield* failed(
        operation,
        `server ${server?.name} refuses: ${why}`,
        why.includes("full")
          ? "Its resolver is full: raise `limit` in its configuration"
          : "Look into that server's log",
        // A full or read-only disk, or a resolver's limit, is put right on the server: then the next try succeeds.
        true
      )
    }
  })

  yield* Effect.ignore(rollCall).pipe(Effect.repeat(Schedule.spaced(ROLL_CALL_EVERY)), Effect.forkScoped)

  return AccountServers.of({
    push: (claims) =>
      change("AccountServers.push", "$SYS.REQ.CLAIMS.UPDATE", claims).pipe(Effect.withSpan("AccountServers.push")),
    remove: Effect.fn("AccountServers.remove")(function* (account, signer) {
      const claims = yield* Effect.promise(() =>
        encodeGeneric("delete", signer.signer, "generic", { accounts: [account] })
      )
      yield* change("AccountServers.remove", "$SYS.REQ.CLAIMS.DELETE", claims)
    }),
    connections: Effect.fn("AccountServers.connections")(function* (account) {
      // Its leaf nodes are among them. One is enough to be told of: the total counts the others too.
      const question = JSON.stringify({ limit: 1 })
      const answers = yield* askAll("AccountServers.connections", `$SYS.REQ.ACCOUNT.${account}.CONNZ`, question)
      return answers.reduce((sum, { data }) => sum + ((data as { readonly total?: number } | undefined)?.total ?? 0), 0)
    }),
    held: Effect.gen(function* () {
      const answers = yield* askAll("AccountServers.held", "$SYS.REQ.CLAIMS.LIST", "")
      const lists = answers.map(({ data }) => new Set(data as ReadonlyArray<string>))
      return lists.reduce((common, list) => common.intersection(list))
    }).pipe(Effect.withSpan("AccountServers.held")),
    claims: Effect.flatMap(connection, liveClaims),
    names: Effect.sync(() => [...servers.values()]),
    payloadBytesMax: Effect.map(connection, (nats) => nats.info?.max_payload ?? Number.POSITIVE_INFINITY)
  })
})

/** Publishes a question and collects answers until each of `wanted` has given one, or the time is up. */
const gather = async (
  nats: NatsConnection,
  subject: string,
  payload: string,
  wanted: Set<string>,
  inboxPrefix: string,
  signal: AbortSignal
): Promise<ReadonlyArray<ServerAnswer>> => {
  const inbox = createInbox(inboxPrefix)
  const answers: Array<ServerAnswer> = []
  const subscription = nats.subscribe(inbox)
  const timer = setTimeout(() => subscription.unsubscribe(), ANSWER_TIMEOUT_MS)
  signal.addEventListener("abort", () => subscription.unsubscribe(), { once: true })
  nats.publish(subject, payload, { reply: inbox })
  for await (const message of subscription) {
    if (message.headers?.code === 503) break
    const answer = message.json<ServerAnswer>()
    answers.push(answer)
    wanted.delete(answer.server?.id ?? "")
    if (wanted.size === 0) break
  }
  clearTimeout(timer)
  subscription.unsubscribe()
  return answers
}
