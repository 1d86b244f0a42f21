/**
 * Runs one attack and judges it from outside: the attacker has nothing in hand, the victim's stream and the platform's
 * are as they were, and the victim can still publish, is answered by its own stream, and is heard by nobody else.
 */
import { randomUUID } from "node:crypto"
import { credsFile } from "@bulkhead/accounts"
import { jetstream } from "@nats-io/jetstream"
import { connect, credsAuthenticator, type Subscription, type SubscriptionOptions } from "@nats-io/transport-node"
import { Effect, Redacted } from "effect"
import type { Attack, Attempt, Way } from "./Attack.ts"
import { VICTIM, type World } from "./World.ts"
import { readBackOf, sayWhatNobodyMayHear } from "./whispers.ts"

/** Why the attack counts as having got through; empty where it was refused. */
export type Verdict = ReadonlyArray<string>

/** In a trace, a hop into a stream. */
const INSIDE = '"type":"js"'
const ANSWER_TIMEOUT_MS = 500

interface Findings {
  readonly evidence: Array<string>
  /** Subjects that must not arrive. */
  readonly forbidden: Array<string>
  readonly listeners: Array<Subscription>
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

const attemptOf = (world: World, way: Way, victimsNextId: string, findings: Findings): Attempt => {
  const client = world.clients[way]
  const { evidence, forbidden, listeners } = findings
  return {
    world,
    way,
    client,
    victimsNextId,
    got: (what) => void evidence.push(what),
    ask: async (subject, payload = "{}", options = {}, isFine = () => false) => {
      try {
        const reply = await client.request(subject, payload, { timeout: ANSWER_TIMEOUT_MS, ...options })
        if (!isFine(reply.string())) evidence.push(`${subject} answered ${reply.string().slice(0, 200)}`)
      } catch {
        // No answer, no right, or a subject that the client itself refuses to send.
      }
    },
    send: (subject, payload = "{}", options = {}) => {
      forbidden.push(subject)
      client.publish(subject, payload, options)
    },
    listen: (subject, options = {}) => {
      const callback: SubscriptionOptions["callback"] = (refused, message) => {
        if (refused === null) world.heard.push(`${message.subject} ${text(message.data)}`)
      }
      listeners.push(client.subscribe(subject, { ...options, callback }))
    },
    enter: async (claims, key) => {
      const creds = new TextEncoder().encode(Redacted.value(credsFile(claims, key)))
      const options = { authenticator: credsAuthenticator(creds), reconnect: false, timeout: 2_000 }
      const connection = await connect({ servers: world.installation.server.url, ...options }).catch(() => undefined)
      if (connection === undefined) return
      evidence.push("the server let it in")
      await connection.close()
    }
  }
}

/** An answer of the victim's stream, wherever it was heard. Attackers' own messages name the stream in other fields. */
const VICTIMS_ANSWER = new RegExp(`"stream":\\s*"events-${VICTIM}"`)

/**
 * The victim and the platform go on: the victim's message is stored next in its own stream, once, the platform says what
 * is for the victim or for nobody, and no attacker hears of any of it.
 */
const victimWorks = Effect.fnUntraced(function* (world: World, lastSequence: number, secret: string) {
  const subject = `events.${secret}`
  const ack = yield* Effect.promise(() =>
    jetstream(world.victimClient).publish(subject, secret, { msgID: secret, timeout: 5_000 })
  )
  yield* sayWhatNobodyMayHear(world, secret)
  yield* world.settle
  const problems: Array<string> = []
  if (ack.stream !== `events-${VICTIM}` || ack.duplicate || ack.seq !== lastSequence + 1) {
    problems.push(`the victim's message was answered ${JSON.stringify(ack)} after ${lastSequence}`)
  }
  const overheard = world.heard.filter((line) => line.includes(secret) || VICTIMS_ANSWER.test(line))
  problems.push(...overheard.map((line) => `an attacker heard ${line}`))
  if (!world.givenBack.includes(readBackOf(secret))) problems.push("the victim was not given what is its own")
  return problems
})

/** Runs an attack on one way and gives the evidence against the walls. */
export const judge = Effect.fnUntraced(function* (world: World, attack: Attack, way: Way) {
  yield* world.settle
  const before = yield* world.look
  for (const seen of [world.arrived, world.givenBack, world.heard]) seen.length = 0
  const findings: Findings = { evidence: [], forbidden: [], listeners: [] }
  const { evidence, forbidden, listeners } = findings
  const secret = `secret-${randomUUID()}`
  yield* Effect.promise(() => attack.run(attemptOf(world, way, secret, findings)))
  yield* world.settle
  const after = yield* world.look
  if (JSON.stringify(after) !== JSON.stringify(before)) {
    evidence.push(`the platform changed from ${JSON.stringify(before)} to ${JSON.stringify(after)}`)
  }
  evidence.push(...(yield* victimWorks(world, after.lastSequence, secret)))
  const strange = world.arrived.find(
    (subject) => (subject.startsWith(`${VICTIM}.`) && !subject.includes(secret)) || forbidden.includes(subject)
  )
  if (strange !== undefined) evidence.push(`${strange} reached the platform`)
  const foisted = world.givenBack.find((subject) => subject !== readBackOf(secret))
  if (foisted !== undefined) evidence.push(`the victim was given ${foisted}`)
  // A trace may show that the platform's account took a message, and nothing of what happened to it there.
  const revealed = world.heard.find((line) => line.includes(INSIDE))
  if (revealed !== undefined) evidence.push(`an attacker heard of the platform's inside: ${revealed}`)
  for (const listener of listeners) listener.unsubscribe()
  return evidence satisfies Verdict
})
