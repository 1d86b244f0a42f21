/**
 * One of two clients of a JetStream consumer with a pinned client: it pulls without end and prints each sequence it
 * gets. `NATS_URL` says where, `STREAM` and `DURABLE` what.
 */
import { connect } from "@nats-io/transport-node"

const { NATS_URL = "", STREAM = "", DURABLE = "" } = process.env
const HEARTBEAT_MS = 500
const EXPIRES_MS = 2_000
const NANOS = 1_000_000

const connection = await connect({ servers: NATS_URL })
const inbox = `_INBOX.pinned-${process.pid}`
let pin: string | undefined

const pull = () =>
  connection.publish(
    `$JS.API.CONSUMER.MSG.NEXT.${STREAM}.${DURABLE}`,
    JSON.stringify({
      batch: 100,
      expires: EXPIRES_MS * NANOS,
      idle_heartbeat: HEARTBEAT_MS * NANOS,
      group: "lane",
      ...(pin === undefined ? {} : { id: pin })
    }),
    { reply: inbox }
  )

let count = 0
connection.subscribe(inbox, {
  callback: (_, message) => {
    const code = message.headers?.code
    if (code === 100) return
    if (code !== undefined && code !== 0) {
      // The pin went to another client, or the request is over.
      if (code === 423) pin = undefined
      pull()
      return
    }
    pin = message.headers?.get("Nats-Pin-Id") || pin
    console.log(message.reply?.split(".")[5] ?? message.subject)
    message.respond("+ACK")
    count += 1
    if (count % 100 === 0) pull()
  }
})
pull()
