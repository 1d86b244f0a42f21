/**
 * Base images without a registry, from what this repository already runs: its Node, nats-server and PostgreSQL, each with
 * the libraries that it is linked to and nothing else. They take the same settings as the images that compose.yaml names
 * where there is a registry.
 */
import { execFileSync, spawnSync } from "node:child_process"
import { chmodSync, cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, dirname, join } from "node:path"
import { findNatsServer, postgresBinaries } from "@bulkhead/devstack"
import { Effect } from "effect"
import type { Engine } from "./Engine.ts"

/** The user whom compose.yaml runs everything as; initdb wants it to have a name. */
const PASSWD = "root:x:0:0::/:\nbulkhead:x:65532:65532::/:\n"

const POSTGRES_ENTRY = `#!/bin/sh
set -e
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  initdb --username=postgres --pwfile="$POSTGRES_PASSWORD_FILE" --auth=scram-sha-256 --encoding=UTF8 --locale=C --no-sync
  echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
fi
exec postgres -c listen_addresses='*' -c unix_socket_directories=/var/run/postgresql "$@"
`

/** Libraries that a program is linked to, the loader among them. */
const librariesOf = (program: string): ReadonlyArray<string> => {
  const { stdout } = spawnSync("ldd", [program], { encoding: "utf8" })
  return [...stdout.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, path = ""]) => path)
}

class RootFolder {
  readonly path = mkdtempSync(join(tmpdir(), "bulkhead-image-"))

  constructor() {
    for (const folder of ["tmp", "etc/ssl/certs", "data", "var/run/postgresql"]) {
      mkdirSync(join(this.path, folder), { recursive: true })
    }
    chmodSync(join(this.path, "tmp"), 0o1777)
    this.write("etc/passwd", PASSWD)
    cpSync("/etc/ssl/certs/ca-certificates.crt", join(this.path, "etc/ssl/certs/ca-certificates.crt"))
  }

  write(path: string, text: string, mode = 0o644): void {
    mkdirSync(dirname(join(this.path, path)), { recursive: true })
    writeFileSync(join(this.path, path), text, { mode })
  }

  copy(from: string, to: string): void {
    mkdirSync(dirname(join(this.path, to)), { recursive: true })
    cpSync(realpathSync(from), join(this.path, to), { recursive: true, verbatimSymlinks: true })
  }

  /** A program with its libraries, those of the system where the loader looks for them. */
  program(from: string, to: string): void {
    this.copy(from, to)
    for (const library of librariesOf(from)) {
      if (library.startsWith("/lib")) this.copy(library, library.slice(1))
      else if (library.startsWith("/usr/lib"))
        this.copy(library, `lib/${basename(dirname(library))}/${basename(library)}`)
    }
  }

  /** Becomes an image and is removed. */
  import(engine: Engine, tag: string, changes: ReadonlyArray<string>): void {
    const tar = execFileSync("tar", ["-C", this.path, "--numeric-owner", "--owner=0", "--group=0", "-c", "."], {
      maxBuffer: 1024 ** 3
    })
    engine.docker(["import", ...changes.flatMap((change) => ["--change", change]), "-", tag], tar)
    rmSync(this.path, { recursive: true, force: true })
  }
}

const PATH = "ENV PATH=/usr/local/bin:/usr/bin:/bin"

const nodeImage = (engine: Engine): string => {
  const root = new RootFolder()
  root.program(process.execPath, "usr/local/bin/node")
  root.import(engine, "bulkhead-base/node:e2e", [PATH])
  return "bulkhead-base/node:e2e"
}

const natsImage = (engine: Engine, binary: string): string => {
  const root = new RootFolder()
  root.program(binary, "nats-server")
  root.import(engine, "bulkhead-base/nats:e2e", [PATH, 'ENTRYPOINT ["/nats-server"]'])
  return "bulkhead-base/nats:e2e"
}

const postgresImage = (engine: Engine, bin: string): string => {
  const root = new RootFolder()
  const native = dirname(bin)
  root.program("/bin/sh", "bin/sh")
  for (const program of ["initdb", "postgres"]) root.program(join(bin, program), `usr/local/pgsql/bin/${program}`)
  for (const folder of ["lib", "share"]) root.copy(join(native, folder), `usr/local/pgsql/${folder}`)
  root.write("usr/local/bin/entry", POSTGRES_ENTRY, 0o755)
  const path = "ENV PATH=/usr/local/bin:/usr/local/pgsql/bin:/bin"
  root.import(engine, "bulkhead-base/postgres:e2e", [path, 'ENTRYPOINT ["/usr/local/bin/entry"]'])
  return "bulkhead-base/postgres:e2e"
}

/** Makes the three and gives their names. */
export const makeBaseImages = async (engine: Engine) => {
  const [nats, postgres] = await Effect.runPromise(Effect.all([findNatsServer, postgresBinaries]))
  return {
    node: nodeImage(engine),
    nats: natsImage(engine, nats.path),
    postgres: postgresImage(engine, postgres.bin)
  }
}
