/**
 * sFlow version 5: samples of packets, of which each becomes a flow of one packet. (sflow.org, "sFlow Version 5".)
 * Samples of counters are skipped.
 */
import { type Datagram, Malformed } from "./Datagram.ts"
import { emptyFlow, FLOW_TYPES, type Flow } from "./flowMessage.ts"
import type { Exported } from "./readNetflow5.ts"
import { readPacket } from "./readPacket.ts"

const VERSION = 5
const FLOW_SAMPLE = 1
const EXPANDED_FLOW_SAMPLE = 3
const RAW_PACKET = 1
const EXTENDED_SWITCH = 1_001
const EXTENDED_ROUTER = 1_002
/** More do not fit a datagram. */
const SAMPLES_MAX = 2_000
/** An interface's number without the two bits that say what it means. */
const INTERFACE_BITS = 0x3fffffff

export const readSflow = (datagram: Datagram, { receivedNs }: Exported): ReadonlyArray<Flow> => {
  const version = datagram.uint32()
  if (version !== VERSION) throw new Malformed(`version ${version} of sFlow, only ${VERSION} is read`)
  const samplerAddress = readAddress(datagram)
  datagram.uint32()
  const sequence = datagram.uint32()
  datagram.uint32()
  const samples = datagram.uint32()
  if (samples > SAMPLES_MAX) throw new Malformed(`${samples} samples, at most ${SAMPLES_MAX} are read`)
  const flows: Array<Flow> = []
  for (let count = 0; count < samples; count += 1) {
    const format = datagram.uint32()
    const sample = datagram.part(datagram.uint32())
    if (format !== FLOW_SAMPLE && format !== EXPANDED_FLOW_SAMPLE) continue
    const flow = emptyFlow({ type: FLOW_TYPES.sflow5, samplerAddress, receivedNs, sequence })
    flow.startNs = receivedNs
    flow.endNs = receivedNs
    readSample(sample, format === EXPANDED_FLOW_SAMPLE, flow)
    flows.push(flow)
  }
  return flows
}

const readAddress = (datagram: Datagram): Buffer => {
  const type = datagram.uint32()
  if (type === 0) return Buffer.alloc(0)
  if (type > 2) throw new Malformed(`address type ${type}, known are 1 (IPv4) and 2 (IPv6)`)
  return datagram.take(type === 1 ? 4 : 16)
}

const readSample = (sample: Datagram, isExpanded: boolean, flow: Flow): void => {
  const readInterface = () => {
    if (isExpanded) sample.uint32()
    return sample.uint32() & INTERFACE_BITS
  }
  sample.uint32()
  readInterface()
  flow.samplingRate = sample.uint32()
  sample.take(8)
  flow.inIf = readInterface()
  flow.outIf = readInterface()
  const records = sample.uint32()
  for (let count = 0; count < records; count += 1) {
    const format = sample.uint32()
    readSampleRecord(sample.part(sample.uint32()), format, flow)
  }
}

const readSampleRecord = (record: Datagram, format: number, flow: Flow): void => {
  if (format === RAW_PACKET) {
    const protocol = record.uint32()
    flow.bytes = BigInt(record.uint32())
    flow.packets = 1n
    record.uint32()
    readPacket(record.part(record.uint32()), protocol, flow)
  } else if (format === EXTENDED_SWITCH) {
    flow.vlan ||= record.uint32() & 0xfff
  } else if (format === EXTENDED_ROUTER) {
    flow.nextHop = readAddress(record)
    flow.srcNet = record.uint32()
    flow.dstNet = record.uint32()
  }
}
