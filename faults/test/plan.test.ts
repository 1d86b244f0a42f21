import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type FaultsOptions, parseOptions } from "../src/options.ts"
import { planOf } from "../src/plan.ts"
import { KILL } from "../src/table/core.ts"
import { faults } from "../src/table/index.ts"

const parsed = (...args: ReadonlyArray<string>): FaultsOptions => Effect.runSync(parseOptions(args))
const planned = (...args: ReadonlyArray<string>) => Effect.runSync(planOf(parsed(...args))).map(({ name }) => name)

describe("a plan", () => {
  it("holds the kills, and every other fault once for each twenty of them", () => {
    for (const [kills, rounds] of [
      [0, 1],
      [20, 1],
      [21, 2]
    ] as const) {
      const names = planned("--kills", String(kills))
      assert.lengthOf(names, kills + rounds * (faults.length - 1))
      for (const fault of faults) {
        const times = names.filter((name) => name === fault.name).length
        assert.strictEqual(times, fault === KILL ? kills : rounds, fault.name)
      }
    }
  })

  it("is the same for the same seed, and another one for another", () => {
    assert.deepStrictEqual(planned("--seed", "a"), planned("--seed", "a"))
    assert.notDeepEqual(planned("--seed", "a"), planned("--seed", "b"))
    assert.notStrictEqual(parsed().seed, parsed().seed)
  })

  it("can be narrowed to some faults", () => {
    const names = planned("--only", "nats-server", "--kills", "3")
    assert.isAbove(names.length, 3)
    assert.isTrue(names.every((name) => name.includes("nats-server")))
    assert.deepStrictEqual(planned("--only", "core killed", "--kills", "3"), [KILL.name, KILL.name, KILL.name])
  })
})

describe("the command line", () => {
  it.each([
    [["--kills", "many"], /--kills "many" is no whole number from 0 to 10000/],
    [["--minutes", "0"], /--minutes "0" is no whole number from 1 to 1440/],
    [["--rate", "1e9"], /--rate "1e9" is no whole number from 10 to 20000/],
    [["--only", "earthquake"], /--only "earthquake" is in no fault's name: core killed/],
    [["--cores", "2"], /'--cores'/]
  ])("refuses %j with the usage", (args, text) => {
    const error = Effect.runSync(Effect.flip(parseOptions(args)))
    assert.match(error.message, text)
    assert.match(error.message, /Usage: npm run faults/)
  })
})
