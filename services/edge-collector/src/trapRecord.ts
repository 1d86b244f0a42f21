/**
 * An SNMP notification as the record that the platform reads, without the community, which is a password. A trap of
 * version 1 is given the two varbinds that version 2 begins with (RFC 3584, 3.1), so that readers know one form.
 */
import snmp, { type Notification, type Varbind } from "net-snmp"

/** Type and value: numbers are numbers, or text above 2^53; bytes are text where they are such, or else hexadecimal. */
export interface TrapVarbind {
  readonly oid: string
  readonly type: string
  readonly value: string | number | boolean | null
  /** How bytes that are no text are written. */
  readonly encoding?: "hex"
}

export interface TrapRecord {
  /** Address and port of the sender. */
  readonly source: string
  readonly version: "V1" | "V2C" | "V3"
  /** Seconds since 1970. */
  readonly timestamp: number
  readonly varbinds: ReadonlyArray<TrapVarbind>
  /** User of version 3. */
  readonly user?: string
  /** Device that a trap of version 1 is about. */
  readonly agent_addr?: string
  readonly enterprise?: string
  readonly _remote_addr: string
}

const SYS_UP_TIME = "1.3.6.1.2.1.1.3.0"
const SNMP_TRAP_OID = "1.3.6.1.6.3.1.1.4.1.0"
const GENERIC_TRAPS = "1.3.6.1.6.3.1.1.5"
const ENTERPRISE_SPECIFIC = 6

export const trapRecord = ({ pdu, rinfo }: Notification, receivedAtMs: number, partition: string): TrapRecord => {
  const isFirstVersion = pdu.type === snmp.PduType.Trap
  const { user, agentAddr, enterprise } = pdu
  return {
    source: `${rinfo.address}:${rinfo.port}`,
    version: isFirstVersion ? "V1" : pdu.scoped === true ? "V3" : "V2C",
    timestamp: receivedAtMs / 1_000,
    varbinds: [...(isFirstVersion ? secondVersionsFirst(pdu) : []), ...pdu.varbinds.map(varbindOf)],
    ...(pdu.scoped === true && user !== undefined && user !== "" ? { user: storable(user) } : {}),
    ...(isFirstVersion && agentAddr !== undefined ? { agent_addr: agentAddr } : {}),
    ...(isFirstVersion && enterprise ? { enterprise } : {}),
    _remote_addr: `${partition}:${rinfo.address}`
  }
}

const secondVersionsFirst = (pdu: Notification["pdu"]): ReadonlyArray<TrapVarbind> => {
  const { enterprise = "0.0", generic = ENTERPRISE_SPECIFIC, specific = 0, upTime = 0 } = pdu
  const name = generic === ENTERPRISE_SPECIFIC ? `${enterprise}.0.${specific}` : `${GENERIC_TRAPS}.${generic + 1}`
  return [
    { oid: SYS_UP_TIME, type: "TimeTicks", value: upTime },
    { oid: SNMP_TRAP_OID, type: "OID", value: name }
  ]
}

const varbindOf = ({ oid, type, value }: Varbind): TrapVarbind => {
  const name = String(snmp.ObjectType[type] ?? type)
  if (Buffer.isBuffer(value)) {
    if (name === "Counter64") return { oid, type: name, value: counter(value) }
    const text = name === "OctetString" ? printable(value) : undefined
    return text === undefined
      ? { oid, type: name, value: value.toString("hex"), encoding: "hex" }
      : { oid, type: name, value: text }
  }
  if (typeof value === "number" || typeof value === "boolean") return { oid, type: name, value }
  return { oid, type: name, value: value === null || value === undefined ? null : storable(String(value)) }
}

const counter = (bytes: Buffer): number | string => {
  const value = bytes.byteLength === 0 ? 0n : BigInt(`0x${bytes.toString("hex")}`)
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value.toString()
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
// biome-ignore lint/suspicious/noControlCharactersInRegex: these make bytes no text
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/

const printable = (bytes: Buffer): string | undefined => {
  try {
    const text = strict.decode(bytes)
    return CONTROL.test(text) ? undefined : text
  } catch {
    return undefined
  }
}

/** PostgreSQL stores no NUL. */
const storable = (text: string): string => text.toWellFormed().replaceAll("\0", "\uFFFD")
