/** What the demo switches use of net-snmp, which has no types of its own. */
declare module "net-snmp" {
  export interface Session {
    trap(
      oid: string,
      varbinds: ReadonlyArray<{
        readonly oid: string
        readonly type: number | string | undefined
        readonly value: string
      }>,
      done: (error: Error | null) => void
    ): void
    close(): void
  }
  export const Version2c: number
  export const createSession: (
    host: string,
    community: string,
    options: { readonly trapPort: number; readonly version: number }
  ) => Session
}
