import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { FairQueue, Flow } from "../src/internal/FairQueue.ts"

/** A lane that asks again as soon as its turn is over, each turn as long as the next of `costs`. */
interface Lane {
  readonly flow: Flow
  readonly costs: ReadonlyArray<number>
  turns: number
  used: number
  endsAt: number
}

const laneOf = (weight: number, costs: ReadonlyArray<number>): Lane => ({
  flow: new Flow(weight),
  costs,
  turns: 0,
  used: 0,
  endsAt: Number.POSITIVE_INFINITY
})

/** Slots under simulated time. */
class Simulation {
  readonly queue: FairQueue
  now = 0
  mostAtOnce = 0
  readonly #running = new Set<Lane>()
  readonly #later: Array<() => void> = []

  constructor(slots: number) {
    this.queue = new FairQueue(slots, (run) => this.#later.push(run))
  }

  ask(lane: Lane): void {
    this.queue.enter(lane.flow, () => {
      lane.endsAt = this.now + (lane.costs[lane.turns % lane.costs.length] ?? 1)
      this.#running.add(lane)
      this.mostAtOnce = Math.max(this.mostAtOnce, this.#running.size)
    })
  }

  /** Ends the turn that ends next, and lets its lane ask `again` or not; gives the lane. */
  step(again: (lane: Lane) => boolean = () => true): Lane {
    let next: Lane | undefined
    for (const lane of this.#running) if (next === undefined || lane.endsAt < next.endsAt) next = lane
    if (next === undefined) throw new Error("nobody has a turn")
    this.now = next.endsAt
    this.#running.delete(next)
    const cost = next.costs[next.turns % next.costs.length] ?? 1
    next.turns += 1
    next.used += cost
    this.queue.leave(next.flow, cost)
    if (again(next)) this.ask(next)
    for (const run of this.#later.splice(0)) run()
    return next
  }

  runUntil(time: number, again?: (lane: Lane) => boolean): void {
    while (this.now < time) this.step(again)
  }
}

/** Start-time fair queueing is never further from fair than the longest turn of either of two lanes. */
const TURN_MAX = 50
const UNFAIR_MAX = 2 * TURN_MAX

const weight = fc.integer({ min: 1, max: 16 })
const costs = fc.array(fc.integer({ min: 1, max: TURN_MAX }), { minLength: 1, maxLength: 5 })
const lanes = fc.array(fc.record({ weight, costs }), { minLength: 2, maxLength: 12 })

describe("FairQueue", () => {
  it("gives each lane that always wants more its weight's share of one slot, whatever its turns cost", () => {
    fc.assert(
      fc.property(lanes, (wanted) => {
        const simulation = new Simulation(1)
        const all = wanted.map(({ weight, costs }) => laneOf(weight, costs))
        for (const lane of all) simulation.ask(lane)
        simulation.runUntil(5_000)
        const weights = all.reduce((sum, { flow }) => sum + flow.weight, 0)
        for (const { flow, used } of all) {
          assert.closeTo(
            used / flow.weight,
            simulation.now / weights,
            UNFAIR_MAX,
            `weight ${flow.weight} of ${weights}`
          )
        }
      })
    )
  })

  it("starves no lane, and never has more turns under way than slots", () => {
    fc.assert(
      fc.property(lanes, fc.integer({ min: 1, max: 4 }), (wanted, slots) => {
        const simulation = new Simulation(slots)
        const all = wanted.map(({ weight, costs }) => laneOf(weight, costs))
        for (const lane of all) simulation.ask(lane)
        // The heaviest of the others may have all it weighs first.
        simulation.runUntil(TURN_MAX * 16 * all.length)
        for (const lane of all) assert.isAbove(lane.turns, 0)
        assert.isAtMost(simulation.mostAtOnce, slots)
      })
    )
  })

  it("gives a lane that was idle no credit: it shares from then on, and catches nothing up", () => {
    fc.assert(
      fc.property(weight, costs, (itsWeight, itsCosts) => {
        const simulation = new Simulation(1)
        const [busy, idle] = [laneOf(itsWeight, itsCosts), laneOf(itsWeight, itsCosts)]
        simulation.ask(busy)
        simulation.runUntil(3_000)
        simulation.ask(idle)
        const before = busy.used
        simulation.runUntil(6_000)
        assert.closeTo((busy.used - before) / itsWeight, idle.used / itsWeight, UNFAIR_MAX)
      })
    )
  })

  it("gives a lane that asks seldom its turn next, before those that always ask", () => {
    const simulation = new Simulation(1)
    const busy = Array.from({ length: 20 }, () => laneOf(1, [10]))
    for (const lane of busy) simulation.ask(lane)
    const seldom = laneOf(1, [1])
    for (let round = 0; round < 50; round += 1) {
      simulation.runUntil(simulation.now + 500)
      simulation.ask(seldom)
      let others = 0
      while (simulation.step((lane) => lane !== seldom) !== seldom) others += 1
      // The one that was under way.
      assert.isAtMost(others, 1)
    }
  })

  it("counts a lane that does not want its turn any more as if it had never asked", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat({ max: 5 }), fc.boolean()), { maxLength: 200 }), (actions) => {
        const queue = new FairQueue(2, (run) => run())
        const flows = Array.from({ length: 6 }, () => new Flow(1))
        const asked = new Set<Flow>()
        for (const [index, leaves] of actions) {
          const flow = flows[index]
          if (flow === undefined) continue
          if (!asked.has(flow)) {
            asked.add(flow)
            queue.enter(flow, () => {})
          } else {
            asked.delete(flow)
            if (leaves && flow.hasTurn) queue.leave(flow, 1)
            else queue.withdraw(flow)
          }
          assert.strictEqual(queue.slotsTaken, Math.min(2, asked.size))
          assert.strictEqual(queue.waiting, Math.max(0, asked.size - 2))
        }
      })
    )
  })

  it("costs little with 2,000 lanes", () => {
    const queue = new FairQueue(4, () => {})
    const ready: Array<Flow> = []
    const flows = Array.from({ length: 2_000 }, () => new Flow(1))
    const ask = (flow: Flow) => queue.enter(flow, () => ready.push(flow))
    for (const flow of flows) ask(flow)
    const began = performance.now()
    for (let turn = 0; turn < 100_000; turn += 1) {
      const flow = ready.shift()
      if (flow === undefined) throw new Error("nobody has a turn")
      queue.leave(flow, 1)
      ask(flow)
    }
    // Some 0.5 µs a turn; a walk over all lanes would take a hundred times as long.
    assert.isBelow((performance.now() - began) / 100_000, 0.05)
    assert.isAtLeast(ready.length, 1)
  })
})
