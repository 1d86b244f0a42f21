/**
 * The folder that the local platform keeps between runs: data of both servers, logs, generated secrets, and a lock,
 * because two platforms in one folder would destroy each other's data.
 */
import { randomBytes } from "node:crypto"
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { removePostgresFolder } from "@bulkhead/devstack"
import { Effect, Redacted, type Scope } from "effect"
import { DevError } from "./DevError.ts"

export interface DevFolder {
  readonly path: string
  readonly nats: string
  readonly postgres: string
  readonly logs: string
  /** What `bootstrap` writes: the operator, and credentials of the platform's services. */
  readonly installation: string
  /** Credentials of the demo tenants: a folder for each program that uses them. */
  readonly credentials: (program: string) => string
  /** What waits at a tenant's site while NATS is away. */
  readonly edgeBuffer: (tenant: string) => string
  readonly tls: string
  /** A secret made at the first start and kept, readable by the owner alone. */
  readonly secret: (name: string) => Redacted.Redacted<string>
  /** The file that holds such a secret, for programs that read it from there; `text` makes one of another form. */
  readonly secretFile: (name: string, text?: () => string) => string
}

const randomText = () => randomBytes(24).toString("base64url")

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

const lock = (path: string): Effect.Effect<void, DevError, Scope.Scope> => {
  const file = join(path, "lock")
  const take = Effect.suspend(() => {
    const holder = existsSync(file) ? Number(readFileSync(file, "utf8")) : undefined
    if (holder !== undefined && holder !== process.pid && isAlive(holder)) {
      return Effect.fail(
        new DevError({
          problem: `A platform (process ${holder}) already runs in "${path}"`,
          nextStep: "Stop that one, or give another folder with --folder"
        })
      )
    }
    return Effect.sync(() => writeFileSync(file, String(process.pid)))
  })
  return Effect.acquireRelease(take, () => Effect.sync(() => rmSync(file, { force: true }))).pipe(Effect.asVoid)
}

/** Opens the folder for this process alone, until the scope closes. `reset` forgets all data and secrets first. */
export const openDevFolder = Effect.fnUntraced(function* (path: string, reset: boolean) {
  yield* Effect.sync(() => mkdirSync(path, { recursive: true }))
  yield* lock(path)
  const folder = (name: string) => join(path, name)
  if (reset) {
    removePostgresFolder(folder("postgres"))
    for (const name of ["nats", "logs", "secrets", "installation", "credentials", "edge", "tls"])
      rmSync(folder(name), { recursive: true, force: true })
  }
  mkdirSync(folder("logs"), { recursive: true })
  mkdirSync(folder("secrets"), { recursive: true, mode: 0o700 })
  const secretFile = (name: string, text: () => string = randomText): string => {
    const file = join(folder("secrets"), name)
    if (!existsSync(file)) writeFileSync(file, text(), { mode: 0o600 })
    return file
  }
  const opened: DevFolder = {
    path,
    nats: folder("nats"),
    postgres: folder("postgres"),
    logs: folder("logs"),
    installation: folder("installation"),
    credentials: (program) => {
      const path = join(folder("credentials"), program)
      mkdirSync(path, { recursive: true, mode: 0o700 })
      return path
    },
    edgeBuffer: (tenant) => join(folder("edge"), tenant),
    tls: folder("tls"),
    secret: (name) => Redacted.make(readFileSync(secretFile(name), "utf8")),
    secretFile
  }
  return opened
})
