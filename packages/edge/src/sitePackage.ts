/**
 * The package that a tenant's administrator is handed for a site: one archive with everything that runs there. The same
 * input gives the same bytes.
 */
import { createHash } from "node:crypto"
import { gzipSync } from "node:zlib"
import { Redacted } from "effect"
import { createTar } from "nanotar"
import { json } from "./collectors/Collector.ts"
import { collectorFiles } from "./collectors/collectorFiles.ts"
import { installScript } from "./installScript.ts"
import { leafConfig } from "./leafConfig.ts"
import type { SiteIdentity } from "./makeSiteIdentity.ts"
import { DEFAULT_FOLDERS, type PackageFile, type SiteFolders } from "./PackageFile.ts"
import { bufferedBytesMax, domainOf, type Site } from "./Site.ts"
import { siteReadme } from "./siteReadme.ts"
import { SITE_USER_NAMES } from "./siteUsers.ts"
import { systemdUnits } from "./systemdUnits.ts"

/** What a site's package is made of. */
export interface PackageTerms {
  readonly site: Site
  readonly identity: SiteIdentity
  /** The leaf node's credentials: the text of a `.creds` file of the tenant's role `leaf`. */
  readonly leafCreds: Redacted.Redacted<string>
  readonly issuedAt: Date
  /** When those credentials expire. */
  readonly expiresAt: Date
  /** The platform's certificate authority, PEM. Absent only for URLs without TLS. */
  readonly ca?: string
  readonly folders?: SiteFolders
}

const relaySettings = (site: Site, { config }: SiteFolders) => ({
  RELAY_SITE: site.name,
  RELAY_NATS_URL: `nats://${site.listenHost}:${site.listenPort}`,
  RELAY_BUFFER_CREDS_FILE: `${config}/relay-buffer.creds`,
  RELAY_UPLINK_CREDS_FILE: `${config}/relay-uplink.creds`,
  RELAY_BUFFER_BYTES_MAX: site.bufferBytesMax,
  RELAY_MESSAGE_BYTES_MAX: bufferedBytesMax(site)
})

/** The files that are put in place, and then those about them. */
const filesOf = (terms: PackageTerms): ReadonlyArray<PackageFile> => {
  const { site, identity, leafCreds, ca, folders = DEFAULT_FOLDERS } = terms
  const leafFiles = {
    dataFolder: `${folders.data}/leaf`,
    credsFile: `${folders.config}/leaf.creds`,
    ...(ca === undefined ? {} : { caFile: `${folders.config}/ca.pem` })
  }
  const placed: ReadonlyArray<PackageFile> = [
    { path: "leaf.conf", text: leafConfig(site, identity, leafFiles) },
    { path: "leaf.creds", text: leafCreds },
    ...SITE_USER_NAMES.map((user) => ({ path: `${user}.creds`, text: identity.credentials[user] })),
    ...(ca === undefined ? [] : [{ path: "ca.pem", text: ca }]),
    { path: "edge-relay.json", text: json(relaySettings(site, folders)) },
    ...collectorFiles(site, folders)
  ]
  const files = placed.map(({ path }) => path)
  const { issuedAt, expiresAt } = terms
  return [
    ...placed,
    ...systemdUnits(site, folders),
    { path: "install", text: installScript({ site, folders, files, issuedAt, expiresAt }), isProgram: true },
    { path: "README.md", text: siteReadme(site, folders, expiresAt) }
  ]
}

const plain = (text: PackageFile["text"]): string => (typeof text === "string" ? text : Redacted.value(text))

const byPath = (one: PackageFile, other: PackageFile): number => (one.path < other.path ? -1 : 1)

/** `SHA256SUMS`, as `sha256sum --check` reads it. */
const checksums = (files: ReadonlyArray<PackageFile>): PackageFile => ({
  path: "SHA256SUMS",
  text: files.map(({ path, text }) => `${createHash("sha256").update(plain(text)).digest("hex")}  ${path}\n`).join("")
})

/** gzip writes down on which system it ran. */
const GZIP_SYSTEM = 9
const ANY_SYSTEM = 255

/** The archive, `tar.gz`: a folder of the site's name, readable by its owner alone. It holds secrets. */
export const sitePackage = (terms: PackageTerms): Redacted.Redacted<Uint8Array> => {
  const files = [...filesOf(terms)].sort(byPath)
  const folder = domainOf(terms.site)
  const archive = createTar(
    [...files, checksums(files)].map(({ path, text, isProgram = false }) => ({
      name: `${folder}/${path}`,
      data: plain(text),
      attrs: {
        mode: isProgram ? "0700" : "0600",
        mtime: terms.issuedAt.getTime(),
        uid: 0,
        gid: 0,
        user: "root",
        group: "root"
      }
    }))
  )
  const zipped = gzipSync(archive, { level: 9 })
  zipped[GZIP_SYSTEM] = ANY_SYSTEM
  return Redacted.make(zipped)
}
