import { TenantLimits } from "@bulkhead/accounts"
import { Result, Schema } from "effect"

const { fields } = TenantLimits

const isName = (name: string): name is keyof typeof fields => name in fields

const problemOf = (name: string, value: unknown, streamBytesMax: number): string | undefined => {
  const shown = JSON.stringify(value)
  if (!isName(name)) return `"${name}" is no limit; the limits are ${Object.keys(fields).join(", ")}`
  // The plan's limit counts again.
  if (value === null) return undefined
  const decoded = Schema.decodeUnknownResult(fields[name] as Schema.Codec<unknown>)(value)
  if (Result.isFailure(decoded)) return `${name} ${shown} is refused: ${decoded.failure.message.toLowerCase()}`
  // A plan may allow more than the installation gives; whoever names a figure wants that figure.
  if (name === "streamBytes" && Number(value) > streamBytesMax) {
    return `${name} ${shown} is over this installation's ${streamBytesMax} bytes: ask for less, or raise CORE_STREAM_BYTES_MAX`
  }
  return undefined
}

/** What is wrong with limits that are asked for, with value and limit; undefined when nothing is. */
export const limitProblem = (limits: Readonly<Record<string, unknown>>, streamBytesMax: number): string | undefined => {
  const problems = Object.entries(limits).map(([name, value]) => problemOf(name, value, streamBytesMax))
  return problems.find((problem) => problem !== undefined)
}
