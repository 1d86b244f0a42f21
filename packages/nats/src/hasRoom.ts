/**
 * Whether servers have room on their disks for so many bytes more: what an account may have says nothing of them. A
 * stream without a use reserves them for a moment.
 */
import { randomUUID } from "node:crypto"
import { type JetStreamManager, RetentionPolicy, StorageType } from "@nats-io/jetstream"
import { sortFailure } from "./internal/sortFailure.ts"

/** What the server calls a lack of room on its disk, and a cluster one on the disks of all its servers. */
const NO_STORAGE = 10_047
const NO_PEERS = 10_005

/** `copies` servers of a cluster must have it. True where the user may make no such stream: then nobody knows. */
export const hasRoom = async ({ streams }: JetStreamManager, bytes: number, copies = 1): Promise<boolean> => {
  const name = `bulkhead-room-${randomUUID()}`
  const config = { retention: RetentionPolicy.Limits, storage: StorageType.File, num_replicas: copies }
  try {
    await streams.add({ ...config, name, subjects: [name], max_bytes: bytes })
    await streams.delete(name)
    return true
  } catch (error) {
    const { kind, problem } = sortFailure(error)
    if (problem.endsWith(`error ${NO_STORAGE}`) || problem.endsWith(`error ${NO_PEERS}`)) return false
    // Whoever may make no stream of this name may still make others.
    if (kind === "forbidden") return true
    throw error
  }
}
