/**
 * `npm run attacks`: tries every attack on every way against an installation of its own. One line each, and as the last
 * line `attacks N refused N leaked N`. Exit code 1 when one got through.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Console, Effect } from "effect"
import { judge } from "./judge.ts"
import { attacks } from "./table/index.ts"
import { startWorld } from "./World.ts"

const program = Effect.gen(function* () {
  const world = yield* startWorld()
  let [tried, leaked] = [0, 0]
  for (const attack of attacks) {
    for (const way of attack.ways) {
      const evidence = yield* judge(world, attack, way)
      tried += 1
      if (evidence.length > 0) leaked += 1
      yield* Console.log(`${evidence.length === 0 ? "refused" : "LEAKED "}  ${way.padEnd(6)}  ${attack.name}`)
      for (const line of evidence) yield* Console.log(`         ${line}`)
    }
  }
  yield* Console.log(`attacks ${tried} refused ${tried - leaked} leaked ${leaked}`)
  process.exitCode = leaked === 0 ? 0 : 1
}).pipe(Effect.scoped)

NodeRuntime.runMain(program)
