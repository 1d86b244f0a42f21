/**
 * Says of a flow what its exporter did not. What it did say stays.
 */
import type { NetflowMetricRow } from "@bulkhead/records"
import type { AddressBook, AddressFacts } from "./AddressBook.ts"
import { serviceOf } from "./serviceOf.ts"

/** Seen from the sites: null where both ends are elsewhere, or one is not known. */
const directionOf = (source: AddressFacts | undefined, destination: AddressFacts | undefined): string | null => {
  if (source === undefined || destination === undefined) return null
  if (source.isPrivate) return destination.isPrivate ? "lateral" : "outbound"
  return destination.isPrivate ? "inbound" : null
}

/** The number that the exporter sent, or else the database's, and its name where the two do not differ. */
const systemOf = (exported: number | null, facts: AddressFacts | undefined) => {
  const number = exported ?? facts?.asNumber ?? null
  return { number, name: number === facts?.asNumber ? (facts?.asName ?? null) : null }
}

export const enrichFlow = (flow: NetflowMetricRow, book: AddressBook): NetflowMetricRow => {
  const source = flow.src_addr === null ? undefined : book.factsOf(flow.src_addr)
  const destination = flow.dst_addr === null ? undefined : book.factsOf(flow.dst_addr)
  const service = serviceOf(flow.protocol_name, flow.src_port, flow.dst_port)
  const sourceSystem = systemOf(flow.src_as, source)
  const destinationSystem = systemOf(flow.dst_as, destination)
  return {
    ...flow,
    flow_direction: flow.flow_direction ?? directionOf(source, destination),
    service: service?.name ?? null,
    service_port: service?.port ?? null,
    src_is_private: source?.isPrivate ?? null,
    dst_is_private: destination?.isPrivate ?? null,
    src_country: source?.country ?? null,
    dst_country: destination?.country ?? null,
    src_as: sourceSystem.number,
    dst_as: destinationSystem.number,
    src_as_name: sourceSystem.name,
    dst_as_name: destinationSystem.name
  }
}
