/**
 * Flows of NetFlow 9 (RFC 3954) and IPFIX (RFC 7011), whose records are laid out as templates say that the exporter sent
 * before. Templates are kept for each exporter, version and observation domain; how many is bounded, and the ones unused
 * for longest go first. Sampling rates that exporters send in options records are kept beside them.
 */
import { type Datagram, Malformed } from "./Datagram.ts"
import { readElement, small, type Times } from "./flowElements.ts"
import { emptyFlow, FLOW_TYPES, type Flow } from "./flowMessage.ts"
import { bootNs, type Exported, sinceBoot } from "./readNetflow5.ts"

interface Field {
  /** Information element of IANA, or 0 for those of a vendor. */
  readonly element: number
  /** Undefined where each record says it. */
  readonly length: number | undefined
}

interface Template {
  readonly fields: ReadonlyArray<Field>
  readonly isOptions: boolean
  /** The least that a record takes. */
  readonly bytesMin: number
}

/** What is known of one exporter's observation domain. */
interface Domain {
  readonly templates: Map<number, Template>
  samplingRate: number
}

/** What the datagram's header says. */
interface Header extends Exported {
  readonly version: 9 | 10
  readonly sequence: number
  readonly domainId: number
  readonly boot: bigint
}

const DOMAINS_MAX = 1_000
const TEMPLATES_MAX = 200
const FIELDS_MAX = 500
/** More stand in no datagram whose records have two addresses. */
const FLOWS_MAX = 8_000
const FIRST_DATA_SET = 256
const VARIABLE_LENGTH = 0xffff
const LONG_LENGTH = 255
const ENTERPRISE_BIT = 0x8000
const SET_HEADER_BYTES = 4

export class FlowTemplates {
  readonly #domains = new Map<string, Domain>()
  /** Sets of records that came before their template. */
  unknownTemplates = 0

  /** The flows of a datagram whose version, 9 or 10, has been read. */
  read(version: 9 | 10, datagram: Datagram, exported: Exported): ReadonlyArray<Flow> {
    const header = version === 9 ? header9(datagram, exported) : header10(datagram, exported)
    const domain = this.#domainOf(header)
    const flows: Array<Flow> = []
    while (datagram.left >= SET_HEADER_BYTES) {
      const id = datagram.uint16()
      const bytes = datagram.uint16() - SET_HEADER_BYTES
      if (bytes < 0) throw new Malformed(`a set of ${bytes + SET_HEADER_BYTES} bytes is shorter than its header`)
      const set = datagram.part(bytes)
      if (id >= FIRST_DATA_SET) this.#readRecords(set, id, domain, header, flows)
      else if (id === (version === 9 ? 0 : 2)) readTemplates(set, version, domain)
      else if (id === 1 && version === 9) readOptions9(set, domain)
      else if (id === 3 && version === 10) readOptions10(set, domain)
    }
    return flows
  }

  #domainOf({ exporter, version, domainId }: Header): Domain {
    const key = `${Buffer.from(exporter).toString("hex")}/${version}/${domainId}`
    const domain = this.#domains.get(key) ?? { templates: new Map<number, Template>(), samplingRate: 0 }
    this.#domains.delete(key)
    keep(this.#domains, key, domain, DOMAINS_MAX)
    return domain
  }

  #readRecords(set: Datagram, id: number, domain: Domain, header: Header, flows: Array<Flow>): void {
    const template = domain.templates.get(id)
    if (template === undefined) {
      this.unknownTemplates += 1
      return
    }
    // What is left behind the last record is padding.
    while (set.left >= template.bytesMin) {
      if (template.isOptions) domain.samplingRate = samplingRateIn(set, template) ?? domain.samplingRate
      else if (flows.length === FLOWS_MAX) throw new Malformed(`more than ${FLOWS_MAX} flows in a datagram`)
      else flows.push(readRecord(set, template, domain, header))
    }
  }
}

/** Sets an entry, and forgets the oldest beyond the bound. */
const keep = <Key, Value>(map: Map<Key, Value>, key: Key, value: Value, most: number): void => {
  map.set(key, value)
  for (const oldest of map.keys()) {
    if (map.size <= most) return
    map.delete(oldest)
  }
}

const header9 = (datagram: Datagram, exported: Exported): Header => {
  datagram.uint16()
  const upTimeMs = datagram.uint32()
  const boot = bootNs(datagram.uint32(), 0, upTimeMs)
  return { ...exported, version: 9, boot, sequence: datagram.uint32(), domainId: datagram.uint32() }
}

const header10 = (datagram: Datagram, exported: Exported): Header => {
  const bytes = datagram.uint16()
  if (bytes !== datagram.left + 4) throw new Malformed(`it says ${bytes} bytes and has ${datagram.left + 4}`)
  datagram.uint32()
  return { ...exported, version: 10, boot: 0n, sequence: datagram.uint32(), domainId: datagram.uint32() }
}

const readField = (set: Datagram, version: 9 | 10): Field => {
  const element = set.uint16()
  const length = set.uint16()
  const isEnterprise = version === 10 && (element & ENTERPRISE_BIT) !== 0
  if (isEnterprise) set.uint32()
  return {
    element: isEnterprise ? 0 : element,
    length: version === 10 && length === VARIABLE_LENGTH ? undefined : length
  }
}

const addTemplate = (domain: Domain, id: number, fields: ReadonlyArray<Field>, isOptions: boolean): void => {
  const bytesMin = fields.reduce((sum, { length = 1 }) => sum + length, 0)
  if (bytesMin === 0) throw new Malformed(`template ${id} has no bytes`)
  domain.templates.delete(id)
  keep(domain.templates, id, { fields, isOptions, bytesMin }, TEMPLATES_MAX)
}

const fieldsOf = (set: Datagram, version: 9 | 10, count: number): ReadonlyArray<Field> => {
  if (count > FIELDS_MAX) throw new Malformed(`a template of ${count} fields, at most ${FIELDS_MAX} are read`)
  return Array.from({ length: count }, () => readField(set, version))
}

const readTemplates = (set: Datagram, version: 9 | 10, domain: Domain): void => {
  while (set.left >= SET_HEADER_BYTES) {
    const id = set.uint16()
    const count = set.uint16()
    if (id < FIRST_DATA_SET) return
    // RFC 7011, 8.1: a template without fields takes the old one back.
    if (count === 0) domain.templates.delete(id)
    else addTemplate(domain, id, fieldsOf(set, version, count), false)
  }
}

/** RFC 3954, 6.1: the lengths of scope and options are in bytes, 4 a field. */
const readOptions9 = (set: Datagram, domain: Domain): void => {
  while (set.left >= 6) {
    const id = set.uint16()
    const bytes = set.uint16() + set.uint16()
    if (id < FIRST_DATA_SET) return
    addTemplate(domain, id, fieldsOf(set, 9, Math.floor(bytes / 4)), true)
  }
}

const readOptions10 = (set: Datagram, domain: Domain): void => {
  while (set.left >= SET_HEADER_BYTES) {
    const id = set.uint16()
    const count = set.uint16()
    if (id < FIRST_DATA_SET) return
    if (count === 0) {
      domain.templates.delete(id)
      continue
    }
    set.uint16()
    addTemplate(domain, id, fieldsOf(set, 10, count), true)
  }
}

const fieldValue = (set: Datagram, { length }: Field): Buffer => {
  if (length !== undefined) return set.take(length)
  const short = set.uint8()
  return set.take(short === LONG_LENGTH ? set.uint16() : short)
}

const SAMPLING_ELEMENTS: ReadonlySet<number> = new Set([34, 50, 305])

const samplingRateIn = (set: Datagram, template: Template): number | undefined => {
  let rate: number | undefined
  for (const field of template.fields) {
    const value = fieldValue(set, field)
    if (SAMPLING_ELEMENTS.has(field.element)) rate = small(value)
  }
  return rate
}

const readRecord = (set: Datagram, template: Template, domain: Domain, header: Header): Flow => {
  const { version, exporter, receivedNs, sequence, domainId } = header
  const type = version === 9 ? FLOW_TYPES.netflow9 : FLOW_TYPES.ipfix
  const flow = emptyFlow({ type, samplerAddress: exporter, receivedNs, sequence })
  flow.observationDomain = domainId
  flow.samplingRate = domain.samplingRate
  const times: Times = { boot: header.boot }
  for (const field of template.fields) {
    const value = fieldValue(set, field)
    readElement(flow, times, field.element, value)
  }
  flow.startNs =
    times.start ?? (times.startUp === undefined || times.boot <= 0n ? 0n : sinceBoot(times.boot, times.startUp))
  flow.endNs = times.end ?? (times.endUp === undefined || times.boot <= 0n ? 0n : sinceBoot(times.boot, times.endUp))
  return flow
}
