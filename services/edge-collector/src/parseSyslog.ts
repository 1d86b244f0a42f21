/**
 * One syslog message, RFC 5424 or RFC 3164 or neither, as the GELF record that the platform reads. Whatever the bytes
 * are, there is a record: a part that cannot be read stays in the text.
 *
 * What a sender writes as structured data goes under keys of its own, `_sd.<id>.<name>`, so that it can never stand where
 * the collector's own fields stand.
 */

/** GELF 1.1, with the fields that collectors of the platform add. */
export interface GelfRecord {
  readonly version: "1.1"
  readonly host: string
  readonly short_message: string
  readonly full_message?: string
  /** Seconds since 1970. */
  readonly timestamp: number
  /** Severity of RFC 5424, 0 (emergency) to 7 (debug). */
  readonly level: number
  readonly application_name?: string
  readonly process_id?: string
  readonly [additional: `_${string}`]: string | number
}

/** How a message arrived. */
export interface Arrival {
  /** Milliseconds since 1970. */
  readonly receivedAtMs: number
  /** The sender's address. */
  readonly address: string
  readonly partition: string
}

/** RFC 3164, 4.3.3: what has no priority is a notice of a user. */
const PRIORITY_DEFAULT = 13
const PRIORITY_MAX = 191
const PRIORITY = /^<(\d{1,3})>/
/** Longer lines are given a short message and the whole one. */
const SHORT_CHARACTERS = 1_024

const decoder = new TextDecoder()

/** PostgreSQL stores no NUL, and a message ends with no blanks. */
const textOf = (bytes: Uint8Array): string => decoder.decode(bytes).replaceAll("\0", "\uFFFD").trimEnd()

export const parseSyslog = (bytes: Uint8Array, arrival: Arrival): GelfRecord => {
  const text = textOf(bytes)
  const priority = priorityOf(text)
  const rest = priority === undefined ? text : text.slice(text.indexOf(">") + 1)
  const parts = priority === undefined ? { message: text } : (parse5424(rest) ?? parse3164(rest, arrival))
  return record(parts, priority ?? PRIORITY_DEFAULT, arrival)
}

/** What a parser found. */
interface Parts {
  readonly message: string
  readonly timestampMs?: number | undefined
  readonly host?: string | undefined
  readonly application?: string | undefined
  readonly processId?: string | undefined
  readonly messageId?: string | undefined
  readonly structured?: Readonly<Record<`_${string}`, string>> | undefined
  readonly structuredId?: string | undefined
}

const priorityOf = (text: string): number | undefined => {
  const priority = Number(PRIORITY.exec(text)?.[1] ?? Number.NaN)
  return priority <= PRIORITY_MAX ? priority : undefined
}

const record = (parts: Parts, priority: number, { receivedAtMs, address, partition }: Arrival): GelfRecord => {
  const { message, host, application, processId, messageId, structured, structuredId } = parts
  const isLong = message.length > SHORT_CHARACTERS
  return {
    ...structured,
    version: "1.1",
    host: host ?? address,
    // GELF wants one, and a line of blanks has none.
    short_message: (isLong ? shortened(message) : message) || "-",
    ...(isLong ? { full_message: message } : {}),
    timestamp: (parts.timestampMs ?? receivedAtMs) / 1_000,
    level: priority % 8,
    ...(application === undefined ? {} : { application_name: application }),
    ...(processId === undefined ? {} : { process_id: processId }),
    ...(messageId === undefined ? {} : { _message_id: messageId }),
    ...(structuredId === undefined ? {} : { _sd_id: structuredId }),
    _facility: Math.floor(priority / 8),
    _remote_addr: `${partition}:${address}`
  }
}

/** Cut between characters, not within one. */
const shortened = (message: string): string => {
  const cut = message.slice(0, SHORT_CHARACTERS)
  return cut.isWellFormed() ? cut : cut.slice(0, -1)
}

/** `VERSION TIMESTAMP HOSTNAME APP-NAME PROCID MSGID`, each followed by a blank. */
const HEADER_5424 = /^1 (\S{1,64}) (\S{1,255}) (\S{1,48}) (\S{1,128}) (\S{1,32}) /
const NIL = "-"
const BOM = "\uFEFF"

const unlessNil = (value: string | undefined): string | undefined => (value === NIL ? undefined : value)

const parse5424 = (text: string): Parts | undefined => {
  const header = HEADER_5424.exec(text)
  if (header === null) return undefined
  const [whole, timestamp = NIL, host, application, processId, messageId] = header
  const timestampMs = timestamp === NIL ? undefined : rfc3339Ms(timestamp)
  if (timestamp !== NIL && timestampMs === undefined) return undefined
  const after = text.slice(whole.length)
  const data = parseStructuredData(after) ?? { end: 0, fields: {}, ids: [] }
  const message = after.slice(data.end).replace(/^ /, "")
  return {
    message: message.startsWith(BOM) ? message.slice(1) : message,
    timestampMs,
    host: unlessNil(host),
    application: unlessNil(application),
    processId: unlessNil(processId),
    messageId: unlessNil(messageId),
    structured: data.fields,
    structuredId: data.ids.length === 0 ? undefined : data.ids.join(",")
  }
}

interface StructuredData {
  /** Where the message begins. */
  readonly end: number
  readonly fields: Readonly<Record<`_${string}`, string>>
  readonly ids: ReadonlyArray<string>
}

const SD_ELEMENT = /\[([^\s="\]]{1,32})((?: [^\s="\]]{1,32}="(?:[^"\\\]]|\\.)*")*)\]/sy
const SD_PARAM = / ([^\s="\]]{1,32})="((?:[^"\\\]]|\\.)*)"/gs

/** Undefined where the text does not begin with structured data; then all of it is the message. */
const parseStructuredData = (text: string): StructuredData | undefined => {
  if (text === NIL || text.startsWith(`${NIL} `)) return { end: 1, fields: {}, ids: [] }
  const fields: Record<`_${string}`, string> = {}
  const ids: Array<string> = []
  let end = 0
  while (text[end] === "[") {
    SD_ELEMENT.lastIndex = end
    const element = SD_ELEMENT.exec(text)
    if (element === null) return undefined
    const [whole, id = "", params = ""] = element
    ids.push(id)
    for (const [, name = "", value = ""] of params.matchAll(SD_PARAM)) {
      fields[freeKey(fields, `_sd.${gelfName(id)}.${gelfName(name)}`)] = value.replaceAll(/\\(["\\\]])/g, "$1")
    }
    end += whole.length
  }
  return end === 0 ? undefined : { end, fields, ids }
}

/** The characters that GELF allows in a name. */
const gelfName = (name: string): string => name.replaceAll(/[^\w.-]/g, "_")

/** A name may come again; each value has a key. */
const freeKey = (fields: Readonly<Record<string, string>>, key: `_${string}`): `_${string}` => {
  let free = key
  for (let count = 2; Object.hasOwn(fields, free); count += 1) free = `${key}.${count}`
  return free
}

const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)$/
/** Before it a timestamp is a clock that was never set. */
const YEAR_MIN = 1971

const rfc3339Ms = (text: string): number | undefined => {
  if (!RFC_3339.test(text)) return undefined
  const ms = Date.parse(text.replace(/([+-]\d\d)(\d\d)$/, "$1:$2"))
  return Number.isNaN(ms) || new Date(ms).getUTCFullYear() < YEAR_MIN ? undefined : ms
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
const STAMP_3164 = /^([A-Z][a-z]{2}) {1,2}(\d{1,2}) (?:(\d{4}) )?(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?:? /
const HOST_3164 = /^([^\s:[\]]{1,255}) /
const TAG_3164 = /^([^\s:[\]]{1,48})(?:\[([^\]\s]{1,128})\])?: ?/

/** `TIMESTAMP HOSTNAME TAG: MESSAGE`, of which senders leave out what they like. */
const parse3164 = (text: string, { receivedAtMs }: Arrival): Parts => {
  const stamp = STAMP_3164.exec(text)
  const isoStamp = stamp === null ? text.slice(0, text.indexOf(" ")) : ""
  const timestampMs = stamp === null ? rfc3339Ms(isoStamp) : stampMs(stamp, receivedAtMs)
  if (timestampMs === undefined) return tagged(text)
  const afterStamp = text.slice(stamp === null ? isoStamp.length + 1 : stamp[0].length)
  const host = HOST_3164.exec(afterStamp)
  const rest = host === null ? afterStamp : afterStamp.slice(host[0].length)
  return { ...tagged(rest), timestampMs, host: host?.[1] }
}

const tagged = (text: string): Parts => {
  const tag = TAG_3164.exec(text)
  if (tag === null) return { message: text }
  return { message: text.slice(tag[0].length), application: tag[1], processId: tag[2] }
}

const DAY_MS = 86_400_000

/** The stamp has no zone, so it is read in the collector's (`TZ`); and no year, so it is the latest that is not ahead. */
const stampMs = (stamp: RegExpExecArray, receivedAtMs: number): number | undefined => {
  const [, name = "", day, year, hour, minute, second, fraction = "0"] = stamp
  const month = MONTHS.indexOf(name)
  if (month === -1) return undefined
  const at = (inYear: number) => {
    const ms = Math.floor(Number(`0.${fraction}`) * 1_000)
    return new Date(inYear, month, Number(day), Number(hour), Number(minute), Number(second), ms).getTime()
  }
  if (year !== undefined) return Number(year) < YEAR_MIN ? undefined : at(Number(year))
  const thisYear = new Date(receivedAtMs).getFullYear()
  const ms = at(thisYear)
  return ms > receivedAtMs + DAY_MS ? at(thisYear - 1) : ms
}
