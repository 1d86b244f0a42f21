/**
 * One thing for people: a name and a value a line. What has no value has no line.
 */
import { oneLine } from "./oneLine.ts"

export const fields = (entries: ReadonlyArray<readonly [name: string, value: string | number | undefined]>): string => {
  const shown = entries.filter(([, value]) => value !== undefined && value !== "")
  const width = Math.max(0, ...shown.map(([name]) => name.length))
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${oneLine(String(value))}`).join("\n")
}
