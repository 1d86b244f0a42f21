/**
 * Loaded into core before anything else (`node --import`): moves the wall clock of the process by as many milliseconds
 * as stand in the file `FAULTS_CLOCK_FILE`, also while it runs. Timers and the monotonic clock stay right, as they do on
 * a machine whose clock is set.
 */
import { readFileSync } from "node:fs"

const file = process.env.FAULTS_CLOCK_FILE ?? ""
const LOOK_EACH_MS = 50

const RealDate = Date
let skewMs = 0

const look = () => {
  try {
    skewMs = Number(readFileSync(file, "utf8")) || 0
  } catch {
    skewMs = 0
  }
}

const now = (): number => RealDate.now() + skewMs

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  apply: () => new RealDate(now()).toString(),
  get: (target, property, receiver) => (property === "now" ? now : Reflect.get(target, property, receiver))
})

look()
setInterval(look, LOOK_EACH_MS).unref()
