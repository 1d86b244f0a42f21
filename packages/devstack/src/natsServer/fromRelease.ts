/**
 * The official release: an archive and the list of checksums that stands beside it.
 */
import { createHash } from "node:crypto"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { install, inTemporaryFolder, NATS_SERVER_VERSION, type NatsServerSource, run } from "./NatsServerSource.ts"

const RELEASES = "https://github.com/nats-io/nats-server/releases/download"
const CHECKSUMS_TIMEOUT_MS = 5_000
const ARCHIVE_TIMEOUT_MS = 120_000

const architectures: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" }

const download = async (url: string, timeoutMs: number): Promise<Buffer> => {
  const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) }).catch((error: Error) => {
    throw new Error(error.name === "TimeoutError" ? `no answer within ${timeoutMs} ms` : "cannot be reached")
  })
  if (!response.ok) throw new Error(`HTTP status ${response.status} for ${url}`)
  return Buffer.from(await response.arrayBuffer())
}

const checksumOf = (list: string, file: string): string => {
  const line = list.split("\n").find((text) => text.trim().endsWith(` ${file}`))
  if (line === undefined) throw new Error(`no checksum for ${file}`)
  return line.trim().split(/\s+/)[0] ?? ""
}

/** The release of a version at `releases`, whose default is the project's own place. */
export const natsServerFromRelease = (
  version: string = NATS_SERVER_VERSION,
  releases: string = RELEASES
): NatsServerSource => ({
  name: `the official release ${version}`,
  obtain: (target) =>
    inTemporaryFolder(async (folder) => {
      const architecture = architectures[process.arch]
      if (architecture === undefined) throw new Error(`not released for ${process.arch}`)
      const name = `nats-server-v${version}-${process.platform}-${architecture}`
      const file = `${name}.tar.gz`
      const place = `${releases}/v${version}`
      const expected = checksumOf((await download(`${place}/SHA256SUMS`, CHECKSUMS_TIMEOUT_MS)).toString(), file)
      const archive = await download(`${place}/${file}`, ARCHIVE_TIMEOUT_MS)
      const observed = createHash("sha256").update(archive).digest("hex")
      if (observed !== expected) throw new Error(`checksum ${observed} instead of ${expected}`)
      writeFileSync(join(folder, file), archive)
      await run("tar", ["-xzf", join(folder, file), "-C", folder])
      install(join(folder, name, "nats-server"), target)
    })
})
