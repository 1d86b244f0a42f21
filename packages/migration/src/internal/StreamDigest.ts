/**
 * What a part of a stream consists of, subject by subject: how many messages, a checksum that does not depend on their
 * order, and one that does. Two streams with the same digest hold the same messages in the same order. Plain code: it runs
 * once a message.
 */
import { hash } from "node:crypto"
import type { MsgHdrs } from "@nats-io/nats-core"

/** Headers that the server adds or takes away when it copies. */
const isServersOwn = (name: string): boolean =>
  name === "Nats-Stream-Source" || name.startsWith("Nats-Expected-") || name.startsWith("Nats-Batch-")

export interface SubjectDigest {
  readonly messages: number
  /** Independent of the order. */
  readonly sum: string
  /** Dependent on the order. */
  readonly chain: string
}

interface Running {
  messages: number
  sum: bigint
  chain: string
}

const LOW_64_BITS = 0xffff_ffff_ffff_ffffn

const headersText = (headers: MsgHdrs | undefined): string => {
  let text = ""
  for (const [name, values] of headers ?? []) {
    if (!isServersOwn(name)) text += `${name}\u0000${values.join("\u0000")}\u0001`
  }
  return text
}

export class StreamDigest {
  readonly #subjects = new Map<string, Running>()

  /** `subject` as it is without a prefix. */
  add(subject: string, headers: MsgHdrs | undefined, data: Uint8Array): void {
    const head = Buffer.from(`${subject}\u0001${headersText(headers)}\u0002`)
    const one = hash("sha1", Buffer.concat([head, data]), "hex")
    const running = this.#subjects.get(subject)
    const sum = BigInt(`0x${one.slice(0, 16)}`)
    if (running === undefined) this.#subjects.set(subject, { messages: 1, sum, chain: one })
    else {
      running.messages += 1
      running.sum = (running.sum + sum) & LOW_64_BITS
      running.chain = hash("sha1", running.chain + one, "hex")
    }
  }

  get messages(): number {
    let count = 0
    for (const { messages } of this.#subjects.values()) count += messages
    return count
  }

  get subjects(): ReadonlyMap<string, SubjectDigest> {
    return new Map(
      [...this.#subjects].map(([subject, { messages, sum, chain }]) => [
        subject,
        { messages, sum: sum.toString(16).padStart(16, "0"), chain: chain.slice(0, 16) }
      ])
    )
  }
}
