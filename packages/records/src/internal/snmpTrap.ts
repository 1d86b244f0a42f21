/**
 * SNMP traps, as trapd writes them: `source`, `version`, `community` and `varbinds`, whose values are texts.
 */
import { isObject, type JsonRecord } from "./JsonRecord.ts"
import { preview } from "./preview.ts"

/** It is the password of the device that sent the trap, so it goes into no table. */
export const COMMUNITY = "community"

/** Under it an agent names the trap. */
const TRAP_OIDS: ReadonlySet<unknown> = new Set(["1.3.6.1.6.3.1.1.4.1.0", ".1.3.6.1.6.3.1.1.4.1.0"])

export const isTrap = (record: JsonRecord): boolean =>
  Array.isArray(record.value("varbinds")) && typeof record.value("source") === "string"

const source = (record: JsonRecord): string => record.storable("source", String(record.value("source")))

/** The address of the sender, without its port. */
export const trapHost = (record: JsonRecord): string | null => source(record).replace(/:\d{1,5}$/, "") || null

/** What stands for a message, as a trap has none. */
export const trapText = (record: JsonRecord): string => {
  const varbinds = record.value("varbinds")
  const named = Array.isArray(varbinds)
    ? varbinds.find((varbind) => isObject(varbind) && TRAP_OIDS.has(varbind.oid))
    : undefined
  const name = named === undefined ? "" : ` ${preview(named.value)}`
  return `SNMP trap${name} from ${preview(source(record))}`
}
