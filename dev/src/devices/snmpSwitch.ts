/** A switch that sends SNMP traps of version 2c. */
import { Effect } from "effect"
import snmp, { createSession, Version2c } from "net-snmp"

const LINK_UP = "1.3.6.1.6.3.1.1.5.4"
const SYS_NAME = "1.3.6.1.2.1.1.5.0"

/** Sends a trap with the switch's name at each call. */
export const startSwitch = Effect.fnUntraced(function* (name: string, port: number, community: string) {
  const session = yield* Effect.acquireRelease(
    Effect.sync(() => createSession("127.0.0.1", community, { trapPort: port, version: Version2c })),
    (open) => Effect.sync(() => open.close())
  )
  const varbinds = [{ oid: SYS_NAME, type: snmp.ObjectType.OctetString, value: name }]
  return () => session.trap(LINK_UP, varbinds, () => undefined)
})
