/**
 * The users of the platform's own services, each with the subjects it needs and no others. A test takes each permission
 * away in turn and sees what fails.
 */
import { SHARED_STREAM_NAME } from "@bulkhead/channels"
import type { Permissions } from "@nats-io/jwt"
import { SIGNER_SUBJECT } from "./client/protocol.ts"

export interface PlatformUser {
  readonly account: "system" | "platform"
  /** Its own, so that no other user reads its answers. */
  readonly inboxPrefix: string
  readonly permissions: Permissions
}

/** A user that publishes on `publish` and reads its own answers, and `subscribe`. */
const user = (
  name: string,
  account: PlatformUser["account"],
  publish: ReadonlyArray<string>,
  subscribe: ReadonlyArray<string> = []
): PlatformUser => {
  const inboxPrefix = `_INBOX_${name}`
  const permissions = { pub: { allow: [...publish] }, sub: { allow: [`${inboxPrefix}.>`, ...subscribe] } }
  return { account, inboxPrefix, permissions }
}

const core = user("core", "platform", [
  "$JS.API.INFO",
  // What it may do itself, before it changes streams.
  "$SYS.REQ.USER.INFO",
  // Streams of tenants and of lifecycle messages, the bucket of flags.
  "$JS.API.STREAM.INFO.*",
  "$JS.API.STREAM.CREATE.*",
  "$JS.API.STREAM.UPDATE.*",
  "$JS.API.STREAM.DELETE.*",
  // How far each reader of tenants' streams is behind.
  "$JS.API.STREAM.LIST",
  "$JS.API.CONSUMER.LIST.*",
  // What a deleted tenant had in the stream of all tenants.
  "$JS.API.STREAM.PURGE.*",
  // The lanes' durable consumers, and the watch on the flags.
  "$JS.API.CONSUMER.CREATE.>",
  "$JS.API.CONSUMER.DURABLE.CREATE.*.*",
  "$JS.API.CONSUMER.INFO.*.*",
  "$JS.API.CONSUMER.DELETE.*.*",
  "$JS.API.CONSUMER.MSG.NEXT.*.*",
  "$JS.ACK.>",
  // Where a stream stood at a time: for a replay, and for a lane whose stream has lost messages.
  "$JS.API.DIRECT.GET.*",
  // Flags that operators change.
  "$KV.bulkhead-flags.>",
  // Rules, for zen-consumer.
  "$KV.bulkhead-rules.>",
  // What it says about tenants.
  "*.events.ocsf.processed",
  "events.ocsf.processed",
  "serviceradar.tenants.lifecycle.*",
  `${SIGNER_SUBJECT}.*`
])

/** It reads the stream of all tenants, and makes its consumers there. */
const dbEventWriter = user("db-event-writer", "platform", [
  `$JS.API.STREAM.INFO.${SHARED_STREAM_NAME}`,
  `$JS.API.CONSUMER.DURABLE.CREATE.${SHARED_STREAM_NAME}.*`,
  `$JS.API.CONSUMER.INFO.${SHARED_STREAM_NAME}.*`,
  `$JS.API.CONSUMER.DELETE.${SHARED_STREAM_NAME}.*`,
  `$JS.API.CONSUMER.MSG.NEXT.${SHARED_STREAM_NAME}.*`,
  // Where a stream stood before it lost messages.
  `$JS.API.DIRECT.GET.${SHARED_STREAM_NAME}`,
  `$JS.ACK.${SHARED_STREAM_NAME}.>`
])

/** Where zen-consumer keeps how far it has come, and where it reads rules. */
const [ZEN_POSITIONS, RULES] = ["KV_bulkhead-zen-positions", "KV_bulkhead-rules"]

/** Raw logs, and so the subjects of their results. */
const RAW_LOGS = ["logs.syslog", "logs.snmp", "logs.otel", "logs.internal.*", "logs.internal.*.*"]

/** It reads every tenant's raw logs and publishes what rules make of them, and where they fail. */
const zenConsumer = user("zen-consumer", "platform", [
  "$JS.API.INFO",
  "$JS.API.STREAM.LIST",
  "$JS.API.STREAM.INFO.*",
  // Its consumers: one a stream of a tenant's own, one a tenant in the stream of all.
  "$JS.API.CONSUMER.DURABLE.CREATE.*.zen-consumer",
  "$JS.API.CONSUMER.DELETE.*.zen-consumer",
  "$JS.API.CONSUMER.MSG.NEXT.*.zen-consumer",
  "$JS.ACK.*.zen-consumer.>",
  `$JS.API.CONSUMER.DURABLE.CREATE.${SHARED_STREAM_NAME}.*`,
  `$JS.API.CONSUMER.DELETE.${SHARED_STREAM_NAME}.*`,
  `$JS.API.CONSUMER.MSG.NEXT.${SHARED_STREAM_NAME}.*`,
  `$JS.ACK.${SHARED_STREAM_NAME}.>`,
  // The watch on the rules.
  `$JS.API.CONSUMER.CREATE.${RULES}.>`,
  // How far each lane has come.
  `$JS.API.STREAM.CREATE.${ZEN_POSITIONS}`,
  `$JS.API.DIRECT.GET.${ZEN_POSITIONS}.>`,
  "$KV.bulkhead-zen-positions.>",
  ...RAW_LOGS.flatMap((subject) => [subject, `*.${subject}`].flatMap((one) => [`${one}.processed`, `${one}.failed`]))
])

/** It reads every tenant's flows and publishes nothing. */
const netflowConsumer = user("netflow-consumer", "platform", [
  "$JS.API.STREAM.LIST",
  "$JS.API.STREAM.INFO.*",
  // Its consumers: one a stream of a tenant's own, one a tenant in the stream of all.
  "$JS.API.CONSUMER.DURABLE.CREATE.*.netflow-consumer",
  "$JS.API.CONSUMER.DELETE.*.netflow-consumer",
  "$JS.API.CONSUMER.MSG.NEXT.*.netflow-consumer",
  "$JS.ACK.*.netflow-consumer.>",
  `$JS.API.CONSUMER.DURABLE.CREATE.${SHARED_STREAM_NAME}.*`,
  `$JS.API.CONSUMER.DELETE.${SHARED_STREAM_NAME}.*`,
  `$JS.API.CONSUMER.MSG.NEXT.${SHARED_STREAM_NAME}.*`,
  `$JS.ACK.${SHARED_STREAM_NAME}.>`,
  // Where a stream stood before it lost messages.
  "$JS.API.DIRECT.GET.*"
])

/** It answers whoever asked, and starts nothing: so it has no answers of its own to read. */
const signer: PlatformUser = {
  account: "platform",
  inboxPrefix: "_INBOX_signer",
  permissions: {
    pub: { deny: [">"] },
    sub: { allow: [`${SIGNER_SUBJECT}.*`] },
    resp: { max: 1, ttl: 60_000_000_000 }
  }
}

const signerSystem = user("signer-system", "system", [
  "$SYS.REQ.SERVER.PING",
  "$SYS.REQ.CLAIMS.UPDATE",
  "$SYS.REQ.CLAIMS.DELETE",
  "$SYS.REQ.CLAIMS.LIST",
  // What the reachability proof reads.
  "$SYS.REQ.ACCOUNT.*.CLAIMS.LOOKUP",
  "$SYS.REQ.ACCOUNT.*.CONNZ"
])

/** For those who prove isolation without trusting the signer: it reads claims and changes nothing. */
const auditor = user("auditor", "system", ["$SYS.REQ.CLAIMS.LIST", "$SYS.REQ.ACCOUNT.*.CLAIMS.LOOKUP"])

export const PLATFORM_USERS = {
  core,
  "db-event-writer": dbEventWriter,
  "zen-consumer": zenConsumer,
  "netflow-consumer": netflowConsumer,
  signer,
  "signer-system": signerSystem,
  auditor
} as const
export type PlatformUserName = keyof typeof PLATFORM_USERS
