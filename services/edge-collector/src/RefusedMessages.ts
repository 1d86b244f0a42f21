/**
 * Messages that NATS will never take as they are, put aside so that others can go on: JSON lines in `refused.jsonl`, and
 * the ones before in `refused.old.jsonl`, each at most half of the bound. The oldest are lost when both are full.
 */
import { appendFile, rename, stat } from "node:fs/promises"
import { join } from "node:path"
import type { Message } from "./Segment.ts"

export interface RefusedMessage extends Message {
  /** Why, in the server's words. */
  readonly problem: string
}

const lineOf = ({ subject, payload, problem }: RefusedMessage, nowMs: number): string => {
  const refusedAt = new Date(nowMs).toISOString()
  return `${JSON.stringify({ refusedAt, subject, problem, payload: Buffer.from(payload).toString("base64") })}\n`
}

export class RefusedMessages {
  readonly #file: string
  readonly #oldFile: string
  readonly #fileBytesMax: number

  constructor(folder: string, bytesMax: number) {
    this.#file = join(folder, "refused.jsonl")
    this.#oldFile = join(folder, "refused.old.jsonl")
    this.#fileBytesMax = Math.floor(bytesMax / 2)
  }

  /** Rejects when the disk does not take them. A message that is larger than a file may be is not kept. */
  async add(messages: ReadonlyArray<RefusedMessage>): Promise<void> {
    for (const message of messages) {
      const line = lineOf(message, Date.now())
      if (line.length > this.#fileBytesMax) continue
      const bytes = await stat(this.#file).then(
        ({ size }) => size,
        () => 0
      )
      if (bytes + line.length > this.#fileBytesMax) await rename(this.#file, this.#oldFile)
      await appendFile(this.#file, line, { mode: 0o600 })
    }
  }
}
