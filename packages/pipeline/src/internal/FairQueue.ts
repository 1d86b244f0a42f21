/**
 * Start-time fair queueing: a few slots for many flows, in proportion to their weights. Plain code, O(log n) a turn.
 *
 * Each turn has a start on a virtual clock; the smallest start goes first, and the clock shows the start of the turn
 * that was given last. A flow's next turn starts where its last one ended, which is later the more the flow has used and
 * the less it weighs; never before the clock, so that a flow that was idle gets no credit for it. What a turn costs is
 * said when it is over, so that it can be what it really used.
 */
import { MinHeap } from "./MinHeap.ts"

/** One user of the slots, with one turn at a time. */
export class Flow {
  readonly weight: number
  place = -1
  /** Virtual: where the turn that it waits for, or has, starts. */
  start = 0
  /** Virtual: where its last turn ended. */
  finish = 0
  /** Which of two flows came first. */
  arrival = 0
  hasTurn = false
  onTurn: () => void = () => {}

  constructor(weight: number) {
    this.weight = weight
  }
}

/** Of two with the same start the one that used the slots longer ago goes first: it is the one that asks seldom. */
const isBefore = (a: Flow, b: Flow): boolean => {
  if (a.start !== b.start) return a.start < b.start
  return a.finish === b.finish ? a.arrival < b.arrival : a.finish < b.finish
}

export class FairQueue {
  readonly #waiting = new MinHeap<Flow>(isBefore)
  readonly #slots: number
  readonly #later: (run: () => void) => void
  #slotsTaken = 0
  #clock = 0
  #latestFinish = 0
  #arrivals = 0

  /** `later` runs something when the code that runs now has come to its end. */
  constructor(slots: number, later: (run: () => void) => void = queueMicrotask) {
    this.#slots = slots
    this.#later = later
  }

  get waiting(): number {
    return this.#waiting.size
  }

  get slotsTaken(): number {
    return this.#slotsTaken
  }

  /** Asks for a turn; `onTurn` is called when it begins, which may be at once. */
  enter(flow: Flow, onTurn: () => void): void {
    this.#arrivals += 1
    flow.arrival = this.#arrivals
    flow.start = Math.max(this.#clock, flow.finish)
    flow.onTurn = onTurn
    this.#waiting.push(flow)
    this.#give()
  }

  /** Ends the flow's turn, which used `cost` of a slot. */
  leave(flow: Flow, cost: number): void {
    if (!flow.hasTurn) return
    flow.hasTurn = false
    flow.finish = flow.start + cost / flow.weight
    this.#latestFinish = Math.max(this.#latestFinish, flow.finish)
    this.#slotsTaken -= 1
    // With nobody left, all have had what they wanted: they begin anew as equals.
    if (this.#slotsTaken === 0 && this.#waiting.size === 0) this.#clock = this.#latestFinish
    // A flow that has more to do asks again at once, and is compared with those that wait. If its slot were gone by then,
    // flows would take turns one by one whatever they weigh.
    this.#later(() => this.#give())
  }

  /** The flow does not want its turn any more: as if it had never asked. */
  withdraw(flow: Flow): void {
    this.#waiting.remove(flow)
    this.leave(flow, 0)
  }

  #give(): void {
    while (this.#slotsTaken < this.#slots) {
      const next = this.#waiting.pop()
      if (next === undefined) return
      this.#slotsTaken += 1
      this.#clock = next.start
      next.hasTurn = true
      next.onTurn()
    }
  }
}
