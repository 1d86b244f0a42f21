/** One server and one collector with all its listeners, for all tests of what it takes in. */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { temporaryFolder } from "@bulkhead/accounts/testing"
import type { Vitest } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { selfSigned, startCollector, startPlatform } from "./harness.ts"

export const COMMUNITY = "good-community"
export const SNMP_USER = {
  name: "ops",
  authProtocol: "sha",
  authKey: "auth-pass-1",
  privProtocol: "aes",
  privKey: "priv-pass-1"
}
export const LINE_BYTES_MAX = 1_000
export const REQUEST_BYTES_MAX = 2_500_000

const start = Effect.gen(function* () {
  const { installation, environment } = yield* startPlatform
  const { cert, key } = yield* selfSigned
  const folder = yield* temporaryFolder
  const usersFile = join(folder, "users.json")
  writeFileSync(usersFile, JSON.stringify({ users: [SNMP_USER] }))
  const { NATS_URL, NATS_CREDS_FILE } = environment
  const configFile = join(folder, "edge.json")
  const settings = { NATS_URL, EDGE_SYSLOG_LINE_BYTES_MAX: LINE_BYTES_MAX, EDGE_SNMP_COMMUNITIES: COMMUNITY }
  writeFileSync(configFile, JSON.stringify(settings))
  const collector = yield* startCollector(
    {
      NATS_CREDS_FILE,
      EDGE_CONFIG_FILE: configFile,
      EDGE_SYSLOG_TLS_CERT: cert,
      EDGE_SYSLOG_TLS_KEY: key,
      EDGE_SNMP_USERS_FILE: usersFile,
      EDGE_OTLP_REQUEST_BYTES_MAX: String(REQUEST_BYTES_MAX)
    },
    [
      "EDGE_SYSLOG_UDP_PORT",
      "EDGE_SYSLOG_TCP_PORT",
      "EDGE_SYSLOG_TLS_PORT",
      "EDGE_SNMP_PORT",
      "EDGE_NETFLOW_PORT",
      "EDGE_SFLOW_PORT",
      "EDGE_OTLP_GRPC_PORT",
      "EDGE_OTLP_HTTP_PORT"
    ]
  )
  return { installation, collector }
})

export class Running extends Context.Service<Running, Effect.Success<typeof start>>()("test/Running") {
  static readonly layer = Layer.effect(Running, start)
}

/** `it` where that runs. */
export type It = Vitest.MethodsNonLive<Running>
