/** A datagram of NetFlow 5, NetFlow 9 or IPFIX, told apart by the version with which each begins. */
import { type Datagram, Malformed } from "./Datagram.ts"
import type { FlowTemplates } from "./FlowTemplates.ts"
import type { Flow } from "./flowMessage.ts"
import { type Exported, readNetflow5 } from "./readNetflow5.ts"

/** Throws `Malformed`. */
export const readNetflow = (datagram: Datagram, templates: FlowTemplates, exported: Exported): ReadonlyArray<Flow> => {
  const version = datagram.uint16()
  if (version === 5) return readNetflow5(datagram, exported)
  if (version === 9 || version === 10) return templates.read(version, datagram, exported)
  throw new Malformed(`version ${version}, known are 5, 9 and 10 (IPFIX)`)
}
