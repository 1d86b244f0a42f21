/**
 * Publishes events as fast as the server takes them: `publishBursts.ts <url> <tenants> <events>`, one burst a tenant,
 * one tenant after the other.
 */
import { connect } from "@nats-io/transport-node"
import { payloadsOf, slugOf } from "./events.ts"

const FLUSH_EVERY = 500
const [url = "", tenants = "1", events = "0"] = process.argv.slice(2)

const payloads = payloadsOf(2_000)
const connection = await connect({ servers: url })
const burst = Number(events) / Number(tenants)
for (let index = 0; index < Number(events); index += 1) {
  const subject = `${slugOf(Math.floor(index / burst))}.events.bench`
  connection.publish(subject, payloads[index % payloads.length])
  if (index % FLUSH_EVERY === 0) await connection.flush()
}
await connection.drain()
