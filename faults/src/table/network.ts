/** What happens between the programs. */
import { Effect, Random } from "effect"
import { type Fault, fault, must, sleepSome } from "../Fault.ts"
import type { TcpProxy } from "../TcpProxy.ts"
import type { World } from "../World.ts"

type Wire = keyof World["wires"]

const WIRES: Readonly<Record<Wire, string>> = {
  postgres: "core and PostgreSQL",
  nats: "core and nats-server",
  publishers: "publishers and nats-server"
}

const cutAll = (wire: TcpProxy) => Effect.tap(wire.cut, (count) => must(count > 0, "there was no connection to cut"))

/** Some times in a row; no new connection for a while after the last one. */
const cut = (wire: Wire) =>
  fault(`connection of ${WIRES[wire]} cut`, ({ wires: { [wire]: target }, longestMs }) =>
    Effect.gen(function* () {
      const times = yield* Random.nextIntBetween(1, 4)
      for (let time = 1; time < times; time++) {
        yield* cutAll(target)
        yield* sleepSome(100, 400)
      }
      yield* Effect.acquireRelease(target.refuse(true), () => target.refuse(false))
      yield* target.cut
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
