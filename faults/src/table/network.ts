/** What happens between the programs. */
import { waitUntil } from "@bulkhead/devstack"
import { Effect, Random } from "effect"
import { type Fault, fault, sleepSome } from "../Fault.ts"
import type { TcpProxy } from "../TcpProxy.ts"
import type { World } from "../World.ts"

type Wire = keyof World["wires"]

const WIRES: Readonly<Record<Wire, string>> = {
  postgres: "core and PostgreSQL",
  nats: "core and nats-server",
  publishers: "publishers and nats-server"
}

/** Cuts as soon as there is something to cut: whoever was cut before may still be on its way back. */
const cutAll = (wire: TcpProxy) =>
  waitUntil(
    "there is a connection to cut",
    Effect.map(wire.cut, (count) => count > 0)
  )

/** Some times in a row; no new connection for a while after the last one. */
const cut = (wire: Wire) =>
  fault(`connection of ${WIRES[wire]} cut`, ({ wires: { [wire]: target }, longestMs }) =>
    Effect.gen(function* () {
      const times = yield* Random.nextIntBetween(1, 4)
      for (let time = 1; time < times; time++) {
        yield* cutAll(target)
        yield* sleepSome(100, 400)
      }
      yield* cutAll(target)
      yield* Effect.acquireRelease(target.refuse(true), () => target.refuse(false))
      return `${times} times, then none for ${yield* sleepSome(0, longestMs)} ms`
    })
  )

/** Bytes stay where they are, and then either go on or are lost with their connections. */
const stalled = (wire: Wire) =>
  fault(`connection of ${WIRES[wire]} stalled`, ({ wires: { [wire]: target }, longestMs }) =>
    Effect.gen(function* () {
      yield* Effect.acquireRelease(target.hold("everything"), () => target.hold("nothing"))
      const ms = yield* sleepSome(500, longestMs)
      if (yield* Random.nextBoolean) return `for ${ms} ms`
      return `for ${ms} ms, then ${yield* target.cut} connections cut`
    })
  )

/** The server does what it is asked, and whoever asked never hears of it. */
const answersLost = (wire: Wire) =>
  fault(`answers between ${WIRES[wire]} lost`, ({ wires: { [wire]: target } }) =>
    Effect.gen(function* () {
      const times = yield* Random.nextIntBetween(2, 5)
      for (let time = 0; time < times; time++) {
        yield* Effect.acquireRelease(target.hold("answers"), () => target.hold("nothing"))
        yield* sleepSome(100, 600)
        yield* cutAll(target)
        yield* target.hold("nothing")
        yield* sleepSome(500, 1_000)
      }
      return `${times} times`
    })
  )

const wires: ReadonlyArray<Wire> = ["postgres", "nats", "publishers"]

export const networkFaults: ReadonlyArray<Fault> = [
  ...wires.map(cut),
  stalled("postgres"),
  stalled("nats"),
  answersLost("postgres"),
  answersLost("publishers")
]
