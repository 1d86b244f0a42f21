// Devices of the tenants that are named: a line of syslog, a flow, a log record, a span and a figure of each tenant a second, sent
// to the tenant's own collector. Each says whose it is, so that one in a wrong schema would be seen.
import { randomBytes } from "node:crypto"
import { createSocket } from "node:dgram"

const PERIOD_MS = 1_000
const socket = createSocket("udp4")
const tenants = process.argv.slice(2)

const nanoseconds = () => String(BigInt(Date.now()) * 1_000_000n)
const attribute = (key, stringValue) => ({ key, value: { stringValue } })
const resourceOf = (tenant) => ({ attributes: [attribute("service.name", `${tenant}-shop`)] })

const logs = (tenant) => ({
  resourceLogs: [
    {
      resource: resourceOf(tenant),
      scopeLogs: [
        {
          logRecords: [
            { timeUnixNano: nanoseconds(), severityNumber: 9, body: { stringValue: `${tenant}-order placed` } }
          ]
        }
      ]
    }
  ]
})

const traces = (tenant) => ({
  resourceSpans: [
    {
      resource: resourceOf(tenant),
      scopeSpans: [
        {
          spans: [
            {
              traceId: randomBytes(16).toString("hex"),
              spanId: randomBytes(8).toString("hex"),
              name: `${tenant}-checkout`,
              kind: 2,
              startTimeUnixNano: nanoseconds(),
              endTimeUnixNano: nanoseconds()
            }
          ]
        }
      ]
    }
  ]
})

const metrics = (tenant) => ({
  resourceMetrics: [
    {
      resource: resourceOf(tenant),
      scopeMetrics: [
        {
          metrics: [{ name: `${tenant}-orders`, gauge: { dataPoints: [{ timeUnixNano: nanoseconds(), asInt: "1" }] } }]
        }
      ]
    }
  ]
})

/** NetFlow 5: one flow from 10.0.<tenant>.1 to 192.0.2.1, TCP to port 443. */
const flow = (tenant) => {
  const packet = Buffer.alloc(72)
  packet.writeUInt16BE(5, 0)
  packet.writeUInt16BE(1, 2)
  packet.writeUInt32BE(60_000, 4)
  packet.writeUInt32BE(Math.floor(Date.now() / 1_000), 8)
  packet.set([10, 0, tenants.indexOf(tenant) + 1, 1, 192, 0, 2, 1], 24)
  packet.writeUInt32BE(10, 40)
  packet.writeUInt32BE(1_000, 44)
  packet.writeUInt32BE(59_000, 48)
  packet.writeUInt32BE(59_900, 52)
  packet.writeUInt16BE(50_000, 56)
  packet.writeUInt16BE(443, 58)
  packet[62] = 6
  return packet
}

const post = (tenant, path, body) =>
  fetch(`http://edge-${tenant}:4318/v1/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(PERIOD_MS)
  }).then(
    (response) => response.arrayBuffer(),
    (error) => console.error(`${tenant} ${path}: ${error.message}`)
  )

const send = (tenant) => {
  const line = `<134>1 ${new Date().toISOString()} ${tenant}-router link - - - port 1 is up`
  socket.send(line, 5514, `edge-${tenant}`, (error) => error && console.error(`${tenant} syslog: ${error.message}`))
  socket.send(
    flow(tenant),
    2055,
    `edge-${tenant}`,
    (error) => error && console.error(`${tenant} flow: ${error.message}`)
  )
  post(tenant, "logs", logs(tenant))
  post(tenant, "traces", traces(tenant))
  post(tenant, "metrics", metrics(tenant))
}

const timer = setInterval(() => tenants.forEach(send), PERIOD_MS)
process.on("SIGTERM", () => {
  clearInterval(timer)
  socket.close()
})
