/**
 * SNMP traps and informs, versions 1, 2c and 3, published on `logs.snmp`. An inform is answered when the buffer has it.
 * The protocol is net-snmp's; the socket is ours, so that nothing a datagram makes the library throw ends the process.
 */
import { readFileSync } from "node:fs"
import { CHANNELS } from "@bulkhead/channels"
import { Effect, Layer, Redacted, Schema } from "effect"
import snmp, { type Notification, type User } from "net-snmp"
import { EdgeBuffer } from "./EdgeBuffer.ts"
import { EdgeConfig } from "./EdgeConfig.ts"
import { EdgeMetrics } from "./EdgeMetrics.ts"
import { listenUdp } from "./listen.ts"
import { trapRecord } from "./trapRecord.ts"

const Secret = Schema.String.check(Schema.isMinLength(8))

/** A user of version 3, who must authenticate, and encrypt where there is a `privKey`. */
const SnmpUser = Schema.Struct({
  name: Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(32)),
  authProtocol: Schema.Literals(["sha", "sha224", "sha256", "sha384", "sha512"]),
  authKey: Secret,
  privProtocol: Schema.optionalKey(Schema.Literals(["aes", "aes256b", "aes256r"])),
  privKey: Schema.optionalKey(Secret)
})
const UsersFile = Schema.fromJsonString(Schema.Struct({ users: Schema.Array(SnmpUser) }))

/** The file with users cannot be used. The message does not quote it. */
export class SnmpUsersInvalid extends Schema.TaggedError<SnmpUsersInvalid>("@bulkhead/edge-collector/SnmpUsersInvalid")(
  "SnmpUsersInvalid",
  { path: Schema.String, problem: Schema.String }
) {
  readonly isRetryable = false
  override get message(): string {
    return `EDGE_SNMP_USERS_FILE="${this.path}" ${this.problem}. Correct the file and start again`
  }
}

/** Nobody is asked who it is, and nobody has said that this is meant. */
export class SnmpOpen extends Schema.TaggedError<SnmpOpen>("@bulkhead/edge-collector/SnmpOpen")("SnmpOpen", {
  port: Schema.Finite
}) {
  readonly isRetryable = false
  override get message(): string {
    return (
      `EDGE_SNMP_PORT="${this.port}" would take everybody's traps: there are no communities and no users. ` +
      "Set EDGE_SNMP_COMMUNITIES or EDGE_SNMP_USERS_FILE, or EDGE_SNMP_ACCEPT_ANY=true"
    )
  }
}

const readUsers = Effect.fnUntraced(function* (path: string) {
  const invalid = (problem: string) => new SnmpUsersInvalid({ path, problem })
  const text = yield* Effect.try({ try: () => readFileSync(path, "utf8"), catch: () => invalid("cannot be read") })
  const { users } = yield* Schema.decodeUnknownEffect(UsersFile)(text).pipe(
    Effect.mapError(() =>
      invalid(
        'is not { "users": [{ name, authProtocol, authKey, privProtocol, privKey }] } with keys of 8 characters or more'
      )
    )
  )
  return users
})

const numberOf = (table: Readonly<Record<string, number>>, name: string): number => {
  const number = table[name]
  if (number === undefined) throw new Error(`net-snmp knows no "${name}"`)
  return number
}

const libraryUser = ({ name, authProtocol, authKey, privProtocol = "aes", privKey }: typeof SnmpUser.Type): User => {
  const user = { name, authProtocol: numberOf(snmp.AuthProtocols, authProtocol), authKey }
  if (privKey === undefined) return { ...user, level: numberOf(snmp.SecurityLevel, "authNoPriv") }
  const privacy = { privProtocol: numberOf(snmp.PrivProtocols, privProtocol), privKey }
  return { ...user, ...privacy, level: numberOf(snmp.SecurityLevel, "authPriv") }
}

/** Waits for no port: the socket that the library is given is not its own. */
const NO_PORT = 1

const encoder = new TextEncoder()

const make = Effect.gen(function* () {
  const { host, partition, snmp: settings } = yield* EdgeConfig
  if (settings.port === undefined) return
  const buffer = yield* EdgeBuffer
  const metrics = yield* EdgeMetrics
  const users = settings.usersFile === undefined ? [] : yield* readUsers(settings.usersFile)
  const { communities } = settings
  const isOpen = communities.length === 0 && users.length === 0
  if (isOpen && !settings.acceptAny) return yield* new SnmpOpen({ port: settings.port })

  let onMessage: (bytes: Buffer, from: Notification["rinfo"]) => void = () => undefined
  /** What the datagram that is being read has led to. */
  let notification: Notification | undefined
  let answers: Array<readonly [Buffer, number, string]> = []
  const librarySocket: LibrarySocket = {
    on: (event, handler) => {
      if (event === "message") onMessage = handler as typeof onMessage
    },
    bind: () => undefined,
    close: () => undefined,
    send: (bytes, _offset, _length, port, address) => void answers.push([bytes, port, address])
  }
  const receiver = snmp.createReceiver(
    {
      port: NO_PORT,
      disableAuthorization: isOpen,
      includeAuthentication: true,
      dgramModule: { createSocket: () => librarySocket }
    },
    (error, received) => {
      if (error !== null) metrics.dropped("snmp", "invalid", 1)
      else notification = received
    }
  )
  for (const community of communities) receiver.getAuthorizer().addCommunity(Redacted.value(community))
  for (const user of users) receiver.getAuthorizer().addUser(libraryUser(user))

  /** Gives the datagram to the library, which answers and calls back before it returns. */
  const read = (bytes: Buffer, from: Notification["rinfo"]) => {
    notification = undefined
    answers = []
    try {
      onMessage(bytes, from)
      return { notification, answers }
    } catch {
      metrics.dropped("snmp", "invalid", 1)
      return { notification: undefined, answers: [] }
    }
  }

  const socket = yield* listenUdp({ host, port: settings.port, variable: "EDGE_SNMP_PORT" }, (bytes, from) => {
    const found = read(bytes, from)
    const answer = () => {
      for (const [reply, port, address] of found.answers) socket.send(reply, port, address, () => undefined)
    }
    if (found.notification === undefined) return answer()
    const record = trapRecord(found.notification, Date.now(), partition)
    const message = { subject: CHANNELS.snmpTraps.subject, payload: encoder.encode(JSON.stringify(record)) }
    buffer.takeOrDrop("snmp", [message]).then((isTaken) => {
      if (isTaken) answer()
    })
  })
})

type LibrarySocket = ReturnType<Parameters<typeof snmp.createReceiver>[0]["dgramModule"]["createSocket"]>

export const SnmpListener = Layer.effectDiscard(make)
