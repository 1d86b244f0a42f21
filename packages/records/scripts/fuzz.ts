/**
 * `npm run fuzz -- --count N [--seed S]`: mutated payloads for every decoder. Ends with `fuzz N crashed 0`, or writes the
 * payload that crashed one to a file and exits with 1.
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { fuzz } from "../testing/fuzz.ts"

const COUNT_DEFAULT = 100_000
const SEED_LIMIT = 2 ** 31

const { values } = parseArgs({ options: { count: { type: "string" }, seed: { type: "string" } } })
const count = Number(values.count ?? COUNT_DEFAULT)
const seed = Number(values.seed ?? Math.floor(Math.random() * SEED_LIMIT))
if (!Number.isSafeInteger(count) || count < 1 || !Number.isSafeInteger(seed)) {
  console.error("fuzz: --count is an integer from 1, --seed an integer")
  process.exit(2)
}

console.log(`seed ${seed}; the same payloads again: npm run fuzz -- --count ${count} --seed ${seed}`)
const { crash, accepted, refused } = fuzz(count, seed)
console.log(`accepted ${accepted}, refused ${refused}`)
if (crash !== undefined) {
  const folder = join(".bulkhead", "fuzz")
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `crash-${seed}.bin`)
  writeFileSync(file, crash.payload)
  console.log(`${crash.decoder}: ${crash.problem}\nthe payload of ${crash.payload.byteLength} bytes is in ${file}`)
}
console.log(`fuzz ${count} crashed ${crash === undefined ? 0 : 1}`)
process.exit(crash === undefined ? 0 : 1)
