/**
 * What an operator does with an installation that is alive, as commands, and what is counted afterwards.
 */
import { waitUntil } from "@bulkhead/devstack"
import { Effect } from "effect"
import { awaitRead, NEW_STREAM } from "./OldWriter.ts"
import { operatorAt } from "./operator.ts"
import type { Stack } from "./Stack.ts"
import type { Tally } from "./tally.ts"

export interface MoveOptions {
  /** So many messages before, between and after the commands. */
  readonly messages: number
  /** Options of `run` that make it quick. */
  readonly quickly: ReadonlyArray<string>
}

/** The rows of somebody. */
export interface Counted {
  readonly rows: string
  readonly found: Tally
}

/** Core and the writer of old have read the new stream to its end. */
const countBoth = Effect.fnUntraced(function* ({ manager, publishers, ...stack }: Stack) {
  yield* publishers.stop
  yield* awaitRead(manager, NEW_STREAM, 2)
  const counted: ReadonlyArray<Counted> = [
    { rows: "of core", found: yield* stack.coreRows },
    { rows: "of the old writer", found: yield* stack.oldRows }
  ]
  return counted
})

/** To tenant prefixes, and the old stream is deleted. */
export const moveAllTheWay = Effect.fnUntraced(function* (stack: Stack, { messages, quickly }: MoveOptions) {
  const { natsUrl, publishers, mappingFile } = stack
  const operator = operatorAt(natsUrl)
  yield* publishers.more(messages)
  yield* operator("inspect", "--measure", "1s")
  yield* operator("plan", "--mapping", mappingFile, ...quickly)
  yield* operator("run", "--to", "both", "--mapping", mappingFile, ...quickly, "--yes")
  yield* publishers.more(messages)
  yield* operator("verify")
  yield* operator("run", "--to", "prefixed", "--yes")
  yield* operator("cleanup", "--yes")
  yield* publishers.more(messages)
  return yield* countBoth(stack)
})

/** Half-way, back once core has written some of it, and then all the way. */
export const moveBackAndAgain = Effect.fnUntraced(function* (stack: Stack, { messages, quickly }: MoveOptions) {
  const { natsUrl, publishers, mappingFile, coreRows } = stack
  const operator = operatorAt(natsUrl)
  yield* publishers.more(messages)
  yield* operator("run", "--to", "both", "--mapping", mappingFile, ...quickly, "--yes")
  yield* publishers.more(messages)
  yield* waitUntil(
    "core has written some of it",
    Effect.map(coreRows, ({ stored }) => stored > messages)
  )
  yield* operator("rollback", "--yes")
  yield* operator("cleanup", "--yes")
  yield* publishers.more(messages)
  yield* operator("run", "--to", "prefixed", "--mapping", mappingFile, ...quickly, "--yes")
  yield* operator("cleanup", "--yes")
  yield* publishers.more(messages)
  return yield* countBoth(stack)
})
