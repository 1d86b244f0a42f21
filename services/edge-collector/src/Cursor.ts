/**
 * How far the buffer has been sent, in a small file that is replaced whole. It also names the buffer: with the sequence
 * and the checksum of a message this makes the id under which the message is published, the same after any crash.
 */
import { randomUUID } from "node:crypto"
import { open, readFile, rename } from "node:fs/promises"
import { join } from "node:path"

export interface Cursor {
  readonly bufferId: string
  /** The first message that is not known to be stored by NATS. */
  readonly nextSequence: number
}

const fileIn = (folder: string): string => join(folder, "cursor.json")

/** The cursor of a folder; a new one where there is none or it cannot be read, since a repeat is better than a loss. */
export const readCursor = async (folder: string): Promise<Cursor> => {
  const text = await readFile(fileIn(folder), "utf8").catch(() => "")
  try {
    const { bufferId, nextSequence }: Partial<Cursor> = JSON.parse(text)
    if (typeof bufferId === "string" && Number.isSafeInteger(nextSequence)) {
      return { bufferId, nextSequence: Number(nextSequence) }
    }
  } catch {
    // Falls through: there is none.
  }
  return { bufferId: randomUUID(), nextSequence: 1 }
}

export const writeCursor = async (folder: string, cursor: Cursor, isSynced: boolean): Promise<void> => {
  const path = fileIn(folder)
  const handle = await open(`${path}.new`, "w")
  try {
    await handle.writeFile(JSON.stringify(cursor))
    if (isSynced) await handle.datasync()
  } finally {
    await handle.close()
  }
  await rename(`${path}.new`, path)
}
