/**
 * `npm run bench -- NAME`: runs one benchmark and ends with one line, `NAME ratio R …`. Exit code 1 when its limit is
 * missed.
 */
import { readdirSync } from "node:fs"

/** What a benchmark found. */
export interface BenchmarkResult {
  /** Against the limit measured in the same run. */
  readonly ratio: number
  readonly isGood: boolean
  /** The figures behind it, and the limit. */
  readonly text: string
}

export type Benchmark = () => Promise<BenchmarkResult>

const helpers = new Set(["run.ts", "interleave.ts", "events.ts", "publishBursts.ts"])

const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith(".ts") && !helpers.has(file))
  .map((file) => file.slice(0, -3))

const [name = ""] = process.argv.slice(2)
if (!names.includes(name)) {
  console.error(`There is no benchmark "${name}": choose one of ${names.join(", ")}`)
  process.exit(1)
}
const { benchmark } = (await import(`./${name}.ts`)) as { benchmark: Benchmark }
const { ratio, isGood, text } = await benchmark()
console.log(`${name} ratio ${ratio.toFixed(2)} ${text}`)
process.exitCode = isGood ? 0 : 1
