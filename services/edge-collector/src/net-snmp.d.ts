/** What the collector uses of net-snmp, which has no types of its own. */
declare module "net-snmp" {
  import type { RemoteInfo } from "node:dgram"

  export interface Varbind {
    readonly oid: string
    readonly type: number
    readonly value: unknown
  }

  export interface Notification {
    readonly pdu: {
      readonly type: number
      readonly varbinds: ReadonlyArray<Varbind>
      /** Whether it came in SNMPv3. */
      readonly scoped?: boolean
      readonly user?: string
      readonly enterprise?: string
      readonly agentAddr?: string
      readonly generic?: number
      readonly specific?: number
      readonly upTime?: number
    }
    readonly rinfo: RemoteInfo
  }

  /** Level and protocols are numbers of the library's tables. */
  export interface User {
    readonly name: string
    readonly level: number
    readonly authProtocol?: number
    readonly authKey?: string
    readonly privProtocol?: number
    readonly privKey?: string
  }

  /** What it needs of a socket. */
  export interface SocketLike {
    on(event: "error" | "message", handler: (...args: ReadonlyArray<never>) => void): unknown
    bind(): void
    send(bytes: Buffer, offset: number, length: number, port: number, address: string, done: unknown): void
    close(): void
  }

  export interface Receiver {
    getAuthorizer(): { addCommunity(community: string): void; addUser(user: User): void }
  }

  const snmp: {
    createReceiver(
      options: {
        readonly port: number
        readonly disableAuthorization: boolean
        readonly includeAuthentication: boolean
        readonly dgramModule: { createSocket(): SocketLike }
      },
      callback: (error: Error | null, notification?: Notification) => void
    ): Receiver
    readonly ObjectType: Readonly<Record<string, number | string>>
    readonly PduType: Readonly<Record<string, number>>
    readonly AuthProtocols: Readonly<Record<string, number>>
    readonly PrivProtocols: Readonly<Record<string, number>>
    readonly SecurityLevel: Readonly<Record<string, number>>
  }
  export default snmp
}
